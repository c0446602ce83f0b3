//! The write-ahead log in Prometheus' format: segments of pages of record fragments, and checkpoints.
//!
//! Reading order: [`record`] (what is in a record), [`frame`] (how records lie in pages), [`read`] (reading that goes
//! on after damage), [`write`] (the log being written), [`checkpoint`], [`journal`] (our copy of series records).

pub mod checkpoint;
pub mod frame;
pub mod journal;
pub mod read;
pub mod record;
pub mod segments;
mod unsynced;
pub mod write;
