//! Labels, matchers, samples, time, relabelling, and the traits of storage: values only, no I/O.
//!
//! Everything above this crate speaks in these types. Nothing here knows tokio, serde, files or sockets.

pub mod columns;
pub mod labels;
pub mod matcher;
pub mod regex;
pub mod stale;
pub mod storage;

pub use columns::{Columns, HistogramRun};
pub use labels::{Labels, LabelsBuilder};
pub use matcher::{MatchOp, Matcher};
