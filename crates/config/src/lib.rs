//! Prometheus' configuration, strict and with positions.
//!
//! [`Config::load`] reads a file; what Prometheus knows and this program does not is refused by name, never ignored
//! (the table is in [`keys`]).

pub mod alerting;
mod bytes;
pub mod diagnostics;
pub mod dns;
pub mod emit;
pub mod flags;
pub mod http_client;
pub mod keys;
pub mod kubernetes;
pub mod load;
mod paths;
mod read;
pub mod rules;
pub mod scrape;
pub mod secret;
pub mod url;
pub mod web;
pub mod yaml;

pub use diagnostics::{Diagnostic, Diagnostics, Position};
pub use http_client::HttpClientConfig;
pub use load::Config;
pub use scrape::ScrapeConfig;
pub use secret::Secret;
