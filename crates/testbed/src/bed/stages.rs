//! How the pretended kubelets behave: kwok's configuration.
//!
//! A pod with annotation `testbed/state` lives otherwise: `crash-loop` never becomes ready and waits to be started
//! again, `not-ready` runs and is not ready, `pending` is left alone.

/// Annotation that says how a pod misbehaves.
pub(super) const STATE: &str = "testbed/state";

/// The whole configuration, many documents.
pub(super) fn configuration() -> String {
    let mut out = node();
    out += &pod("ready", "DoesNotExist", "", RUNNING, "True");
    out += &pod("not-ready", "In", "not-ready", RUNNING, "False");
    out += &pod("crash-loop", "In", "crash-loop", WAITING, "False");
    out += DELETE;
    out
}

const RUNNING: &str = "running:\n            startedAt: {{ $now | Quote }}";
const WAITING: &str = "waiting:\n            reason: CrashLoopBackOff\n            message: back-off 5m0s restarting failed container";

const DELETE: &str = r#"---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: pod-delete}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: Exists}
  next:
    finalizers: {empty: true}
    delete: true
"#;

/// A stage that moves a pending pod on.
fn pod(name: &str, operator: &str, state: &str, containers: &str, ready: &str) -> String {
    let values = if state.is_empty() { String::new() } else { format!(", values: [{state}]") };
    let restarts = if state == "crash-loop" { 7 } else { 0 };
    let is_ready = ready == "True";
    format!(
        r#"---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {{name: pod-{name}}}
spec:
  resourceRef: {{apiGroup: v1, kind: Pod}}
  selector:
    matchExpressions:
    - {{key: .metadata.deletionTimestamp, operator: DoesNotExist}}
    - {{key: .status.podIP, operator: DoesNotExist}}
    - {{key: '.metadata.annotations["{STATE}"]', operator: {operator}{values}}}
  next:
    statusTemplate: |
      {{{{ $now := Now }}}}
      conditions:
      - {{lastTransitionTime: {{{{ $now | Quote }}}}, status: "True", type: Initialized}}
      - {{lastTransitionTime: {{{{ $now | Quote }}}}, status: "{ready}", type: Ready}}
      - {{lastTransitionTime: {{{{ $now | Quote }}}}, status: "{ready}", type: ContainersReady}}
      containerStatuses:
      {{{{ range .spec.containers }}}}
      - image: {{{{ .image | Quote }}}}
        imageID: ""
        name: {{{{ .name | Quote }}}}
        ready: {is_ready}
        started: {is_ready}
        restartCount: {restarts}
        state:
          {containers}
      {{{{ end }}}}
      {{{{ $hostIPs := NodeIPsWith .spec.nodeName }}}}
      hostIP: {{{{ index $hostIPs 0 | Quote }}}}
      hostIPs:
      {{{{ range $hostIPs }}}}
      - ip: {{{{ . | Quote }}}}
      {{{{ end }}}}
      {{{{ $podIPs := PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}}}
      podIP: {{{{ index $podIPs 0 | Quote }}}}
      podIPs:
      {{{{ range $podIPs }}}}
      - ip: {{{{ . | Quote }}}}
      {{{{ end }}}}
      phase: Running
      startTime: {{{{ $now | Quote }}}}
"#
    )
}

/// A node is ready at once; it keeps the addresses that it came with.
fn node() -> String {
    let mut conditions = String::new();
    for (kind, status, reason) in [
        ("Ready", "True", "KubeletReady"),
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("NetworkUnavailable", "False", "CalicoIsUp"),
    ] {
        conditions += &format!(
            "\n      - {{lastHeartbeatTime: {{{{ $now | Quote }}}}, lastTransitionTime: {{{{ $now | Quote }}}}, type: {kind}, status: \"{status}\", reason: {reason}, message: {reason}}}"
        );
    }
    format!(
        r#"apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {{name: node-initialize}}
spec:
  resourceRef: {{apiGroup: v1, kind: Node}}
  selector:
    matchExpressions:
    - {{key: '.status.conditions.[] | select( .type == "Ready" ) | .status', operator: NotIn, values: ["True"]}}
  next:
    statusTemplate: |
      {{{{ $now := Now }}}}
      conditions:{conditions}
      daemonEndpoints: {{kubeletEndpoint: {{Port: {port}}}}}
      allocatable: {{cpu: "1k", memory: 1Ti, pods: "1M"}}
      capacity: {{cpu: "1k", memory: 1Ti, pods: "1M"}}
"#,
        port = super::control_plane::KUBELET_PORT,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_a_stage() {
        let text = configuration();
        assert_eq!(text.split("---\n").count(), 5);
        assert!(text.split("---\n").all(|d| d.starts_with("apiVersion: kwok") && d.contains("kind: Stage")));
    }
}
