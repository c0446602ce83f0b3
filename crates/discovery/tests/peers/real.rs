//! Real Prometheus in a bed, and a runtime whose threads stand in the bed's network.

use std::sync::Arc;
use tokio::runtime::Runtime;
use tortie_testbed::{Bed, Process, binary};

/// Where Prometheus listens, inside.
pub(crate) const PROMETHEUS: &str = "127.0.0.1:9090";

/// Starts Prometheus with a configuration.
pub(crate) fn prometheus(bed: &Bed, configuration: &str) -> Process {
    let file = bed.folder().join("prometheus.yml");
    std::fs::write(&file, configuration).unwrap();
    let mut command = bed.namespace().command(binary("prometheus").unwrap());
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--web.listen-address={PROMETHEUS}"))
        .arg(format!("--storage.tsdb.path={}", bed.folder().join("data").display()));
    bed.run("prometheus", command).unwrap()
}

/// A runtime that reaches what the bed's processes reach.
pub(crate) fn runtime(bed: &Bed) -> Runtime {
    let namespace = Arc::clone(bed.namespace());
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .on_thread_start(move || namespace.enter_for_good().unwrap())
        .build()
        .unwrap()
}
