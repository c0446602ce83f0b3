//! The doctor on real API servers, with the real operators and a real Prometheus.

mod catalogue;
mod cluster;
mod write_up;
