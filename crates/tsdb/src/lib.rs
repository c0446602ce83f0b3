//! The time series database: head, WAL, head chunks, blocks, in Prometheus' formats.

pub mod append;
