//! Prometheus' configuration, strict and with positions.
//!
//! [`Config::load`] reads a file; what Prometheus knows and this program does not is refused by name, never ignored
//! (the table is in [`keys`]).

mod bytes;
pub mod diagnostics;
pub mod emit;
pub mod flags;
pub mod keys;
pub mod load;
mod paths;
mod read;
pub mod scrape;
pub mod secret;
pub mod yaml;

pub use diagnostics::{Diagnostic, Diagnostics, Position};
pub use load::Config;
pub use scrape::ScrapeConfig;
pub use secret::Secret;
