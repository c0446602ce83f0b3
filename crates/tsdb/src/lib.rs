//! The time series database: head, WAL, head chunks, blocks, in Prometheus' formats.

pub mod append;
pub mod block;
pub mod chunk;
pub mod compact;
pub mod db;
pub mod head;
pub mod head_chunks;
pub mod query;
pub mod wal;
