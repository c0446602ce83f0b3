//! Data directories between tortie and the real Prometheus: run by `make peers-test` only.

#![allow(clippy::disallowed_methods)] // tests use the disk and start processes

mod blocks;
mod directories;
mod promtool;
#[path = "../it/series.rs"]
#[allow(dead_code)] // shared with the tests that need no peer
mod series;
