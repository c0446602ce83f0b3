//! Real Prometheus and this crate look at the same API server with the same configuration: all discovered targets are
//! equal, at first and after changes.

mod beside;
mod changes;
mod gate;
mod jobs;
mod klist;
mod outages;
mod same;
