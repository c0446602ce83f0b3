//! The time series database: head, WAL, head chunks, blocks, in Prometheus' formats.

pub mod append;
pub mod chunk;
pub mod head;
pub mod head_chunks;
pub mod wal;
pub mod block;
pub mod compact;
pub mod query;
pub mod db;
