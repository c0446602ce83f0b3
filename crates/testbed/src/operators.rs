//! The real operators.

use std::process::Command;

use crate::bed::custom_resources::documents;
use crate::bed::{API_PORT, Bed, HOST, PROXY_PORT};
use crate::process::{Process, binary};

/// Starts the real prometheus-operator with some more `arguments`. Its custom resources must be there
/// ([`Bed::install_crds`]).
///
/// # Errors
/// When its binary is missing.
pub fn prometheus_operator(bed: &Bed, arguments: &[&str]) -> anyhow::Result<Process> {
    let mut command = bed.namespace().command(binary("prometheus-operator")?);
    command.arg(format!("--apiserver=http://{HOST}:{PROXY_PORT}"));
    command.arg(format!("--web.listen-address={HOST}:8080")).arg("--log-level=warn").args(arguments);
    bed.run("prometheus-operator", command)
}

/// Makes the custom resources that the real Tigera operator brings for Calico, as its binary prints them: also those of
/// its other kinds, which it watches, but not Calico Enterprise's.
///
/// # Errors
/// When its binary is missing, or the API server refuses one.
pub fn tigera_crds(bed: &Bed) -> anyhow::Result<()> {
    let program = binary("tigera-operator")?;
    let mut texts = Vec::new();
    for (flag, group) in [
        ("--print-calico-crds=all", "crd.projectcalico.org"),
        ("--print-enterprise-crds=all", "operator.tigera.io"),
    ] {
        let out = Command::new(&program).arg(flag).output()?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let group = format!("  group: {group}");
        let own = documents(&text).into_iter().filter(|d| d.lines().any(|line| line == group));
        texts.extend(own.map(str::to_owned));
    }
    bed.install_crds(&texts)
}

/// Starts the real Tigera operator (v1.36.5: Calico 3.29), which takes calico-system over when an Installation is
/// there. Namespace `tigera-operator` and [`tigera_crds`] must be there.
///
/// # Errors
/// When its binary is missing.
pub fn tigera_operator(bed: &Bed) -> anyhow::Result<Process> {
    // Field manager is the name of the binary: `operator` in the shipped image.
    let link = bed.folder().join("operator");
    if !link.exists() {
        std::os::unix::fs::symlink(binary("tigera-operator")?, &link)?;
    }
    let mut command: Command = bed.namespace().command(&link);
    command.arg("--kubeconfig").arg(bed.operator_kubeconfig()).arg("--enable-leader-election=false");
    command.env("KUBERNETES_SERVICE_HOST", HOST).env("KUBERNETES_SERVICE_PORT", API_PORT.to_string());
    command.env("OPERATOR_NAMESPACE", "tigera-operator").env("HOME", bed.folder());
    bed.run("tigera-operator", command)
}
