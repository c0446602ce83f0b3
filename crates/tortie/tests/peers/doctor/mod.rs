//! The doctor on real API servers, with the real operators and a real Prometheus.

mod catalogue;
pub(crate) mod cluster;
mod faults_page;
mod forms;
mod injected;
mod large;
mod ways;
mod write_up;
