//! Labels, matchers, samples, time, relabelling, and the traits of storage: values only, no I/O.
//!
//! Everything above this crate speaks in these types. Nothing here knows tokio, serde, files or sockets.

pub mod columns;
pub mod duration;
pub mod gofloat;
pub mod gomath;
pub mod labels;
pub mod labels_hash;
pub mod matcher;
pub mod names;
pub mod regex;
pub mod relabel;
pub mod stale;
pub mod storage;
pub mod timestamp;

pub use columns::{Columns, HistogramRun};
pub use labels::{Labels, LabelsBuilder};
pub use matcher::{MatchOp, Matcher};

#[cfg(test)]
mod proptests;
