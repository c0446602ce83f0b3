//! The doctor on real API servers, with the real operators and a real Prometheus.

mod accounts;
mod by_hand;
mod catalogue;
pub(crate) mod cluster;
mod credentials;
mod faults_page;
mod forms;
mod injected;
mod large;
mod shown;
mod ways;
mod write_up;
