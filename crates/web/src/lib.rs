//! Prometheus' HTTP API, our own additions under `/api/tortie/v1`, and the UI's files.
//!
//! Handlers know the rest of the program only through [`Sources`]; the binary wires it. Names, parameters, status codes
//! and JSON are Prometheus' to the letter (`web/api/v1`, version 3.16); what differs is a row of COMPAT.md.

pub mod api;
pub mod app;
pub mod json;
mod pages;
mod params;
mod reply;
mod request_line;
mod router;
mod runbooks;
pub mod secure;
pub mod server;
pub mod sources;

pub use app::{App, WebOptions};
pub use router::router;
pub use sources::Sources;
