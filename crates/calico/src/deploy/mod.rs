//! tortie inside a cluster: the objects that run it there, as YAML, as a kustomization or as a chart.
//!
//! The container is as small as its rights: user 65534, a root that cannot be written, no capability, no privilege to gain,
//! the runtime's default seccomp profile, no host network. It is admitted under the Pod Security Standard `restricted`.

mod forms;
mod objects;

pub use forms::{Form, files};
pub use objects::objects;

/// What the person chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Namespace of everything but the role.
    pub namespace: String,
    /// The image, as a kubelet pulls it.
    pub image: String,
    /// Size of the volume, a Kubernetes quantity.
    pub storage: String,
    /// Class of the volume; the cluster's default when empty.
    pub storage_class: String,
    /// How long samples are kept, a duration as `--storage.tsdb.retention.time` takes it.
    pub retention: String,
    /// Memory that is asked for and the limit, a Kubernetes quantity: tortie takes its budgets from it.
    pub memory: String,
    /// Processor time that is asked for, a Kubernetes quantity.
    pub cpu: String,
    /// Arguments of `tortie run` that say what is scraped.
    pub arguments: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            namespace: "tortie".to_owned(),
            image: String::new(),
            storage: "10Gi".to_owned(),
            storage_class: String::new(),
            retention: "15d".to_owned(),
            memory: "512Mi".to_owned(),
            cpu: "100m".to_owned(),
            arguments: vec!["--calico".to_owned()],
        }
    }
}
