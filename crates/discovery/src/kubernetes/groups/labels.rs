//! Labels that several kinds of target share.

use super::{Around, AttachMetadata};
use tortie_cluster::watch::{Meta, Node, Pod, Service};
use tortie_model::Labels;

/// Beginning of all names.
pub(super) const PREFIX: &str = "__meta_kubernetes_";
/// Label that holds a target's `host:port`.
pub(super) const ADDRESS: &str = "__address__";
/// Value of labels that say that something is there.
const PRESENT: &str = "true";

/// A label set in the making. Of equal names the last one wins; labels without a value are left out in the end.
#[derive(Debug, Clone, Default)]
pub struct Set(Vec<(String, String)>);

impl Set {
    /// No labels.
    pub fn new() -> Set {
        Set::default()
    }

    /// Adds a label by its whole name.
    pub fn put(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Adds a label `__meta_kubernetes_NAME`.
    pub fn meta(&mut self, name: &str, value: impl Into<String>) {
        self.put(format!("{PREFIX}{name}"), value);
    }

    /// Adds all labels of another set.
    pub fn merge(&mut self, other: &Set) {
        self.0.extend(other.0.iter().cloned());
    }

    /// The finished set.
    pub fn labels(mut self) -> Labels {
        // The sort keeps the order of equal names.
        self.0.sort_by(|a, b| a.0.cmp(&b.0));
        let last = |i: usize| self.0.get(i + 1).map(|(n, _)| n) != self.0.get(i).map(|(n, _)| n);
        let kept = self.0.iter().enumerate().filter(|(i, (_, v))| last(*i) && !v.is_empty());
        Labels::from_sorted(kept.map(|(_, (n, v))| (n.as_str(), v.as_str())))
    }
}

/// A name with `_` for each character that a legacy label name cannot have.
pub fn sanitize(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

/// Labels and annotations of an object, in the name of its role.
pub(super) fn labels_and_annotations(set: &mut Set, role: &str, meta: &Meta) {
    for (kind, pairs) in [("label", &meta.labels), ("annotation", &meta.annotations)] {
        for (name, value) in pairs.iter() {
            let name = sanitize(name);
            set.put(format!("{PREFIX}{role}_{kind}_{name}"), value);
            set.put(format!("{PREFIX}{role}_{kind}present_{name}"), PRESENT);
        }
    }
}

/// Name, labels and annotations of an object, in the name of its role.
pub(super) fn object_meta(set: &mut Set, role: &str, meta: &Meta) {
    set.put(format!("{PREFIX}{role}_name"), &*meta.name);
    labels_and_annotations(set, role, meta);
}

/// What a target gets of its Service.
pub fn service_labels(set: &mut Set, service: &Service) {
    set.meta("namespace", &*service.meta.namespace);
    object_meta(set, "service", &service.meta);
}

/// What a target gets of its node when node metadata is attached.
pub fn node_meta(set: &mut Set, node: &Node) {
    object_meta(set, "node", &node.meta);
}

/// Adds what is attached of a node, if it is known.
pub(super) fn attach_node(set: &mut Set, around: &dyn Around, name: &str) {
    if let Some(node) = around.node(name) {
        node_meta(set, &node);
    }
}

/// Adds what is attached of a namespace, if it is to be and is known.
pub(super) fn attach_namespace(set: &mut Set, around: &dyn Around, attach: AttachMetadata, name: &str) {
    if attach.namespace
        && let Some(namespace) = around.namespace(name)
    {
        labels_and_annotations(set, "namespace", &namespace.meta);
    }
}

/// What a target gets of its pod.
pub fn pod_labels(set: &mut Set, pod: &Pod, around: &dyn Around, attach: AttachMetadata) {
    set.meta("pod_ip", &*pod.ip);
    set.meta("pod_ready", pod.ready.as_deref().unwrap_or("unknown").to_lowercase());
    set.meta("pod_phase", &*pod.phase);
    set.meta("pod_node_name", &*pod.node);
    set.meta("pod_host_ip", &*pod.host_ip);
    set.meta("pod_uid", &*pod.meta.uid);
    object_meta(set, "pod", &pod.meta);
    let Some((kind, name)) = &pod.meta.controller else { return };
    set.meta("pod_controller_kind", &**kind);
    set.meta("pod_controller_name", &**name);
    let key = format!("{}/{name}", pod.meta.namespace);
    match &**kind {
        "ReplicaSet" if attach.deployment => {
            if let Some(set_of) = around.replica_set(&key)
                && let Some(deployment) = set_of.meta.controlled_by("Deployment")
            {
                set.meta("pod_deployment_name", deployment);
            }
        }
        "Job" => {
            if attach.job {
                set.meta("pod_job_name", &**name);
            }
            if attach.cronjob
                && let Some(job) = around.job(&key)
                && let Some(cronjob) = job.meta.controlled_by("CronJob")
            {
                set.meta("pod_cronjob_name", cronjob);
            }
        }
        _ => {}
    }
}
