//! From a source to a [`crate::snapshot::Snapshot`]: files and bundles, what is assumed beside them, a live cluster.
//!
//! Only this module and its children talk to anybody; what they bring is plain data.

pub mod assume;
pub mod from_files;
mod grafana;
mod http;
pub(crate) mod kinds;
pub mod live;
mod objects;
pub mod one;
mod overlay;
mod probes;
mod prometheus;
mod prometheus_api;
mod second_look;

pub use live::{Wants, collect};
pub use prometheus::PrometheusAddress;
