//! `doctor --demo`: finds the running demo's cluster by asking the demo.

use super::kube_flags::{KubeFlags, PrometheusFlags};
use crate::commands::demo::client::ask;
use std::path::PathBuf;

/// Where a demo listens that was started without flags.
pub(super) const USUAL: &str = "http://127.0.0.1:9090";

/// Points the flags at the cluster of the demo at `url`; the answer is its kubeconfig's path.
///
/// # Errors
/// When no demo answers there.
pub(super) fn aim(
    url: &str,
    kube: &mut KubeFlags,
    prometheus: &mut PrometheusFlags,
) -> Result<String, String> {
    let answer = ask(url, "GET", "/api/tortie/v1/demo/cluster")
        .map_err(|e| e.replace("name its address with --url", "name its address with --demo=URL"))?;
    let text = |key: &str| answer["data"][key].as_str().unwrap_or_default().to_owned();
    let kubeconfig = text("kubeconfig");
    if kubeconfig.is_empty() {
        return Err(format!("what answers at {url} is no demo with a cluster (hint: tortie demo)"));
    }
    kube.kubeconfig = Some(PathBuf::from(&kubeconfig));
    kube.context = Some(text("context"));
    prometheus.prom_url = Some(text("prometheus"));
    // Its processes are not pods that a port could be forwarded to.
    prometheus.probe_nodes = 0;
    Ok(kubeconfig)
}
