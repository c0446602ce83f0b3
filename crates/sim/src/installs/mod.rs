//! Clusters as objects: what an operator, a manifest or a Helm install of Calico leaves in the API server, and what the
//! usual monitoring stacks add. Pure builders; every value is JSON as the API server would give it.
//!
//! These are models of a cluster at rest: identities, statuses, managers and pods stand in them as literals, and versions differ
//! only where a check looks. What people and operators *send* to a real API server, by version and with all that operators set
//! back, is another thing and stands in `tortie-testbed` (`installs`, `actor`), where it is compared with recordings of the
//! real operators; it takes from here what is the same in both (Grafana).
//!
//! Used by the doctor's tests, the fake API server, the demo and the tests on a real API server (which makes pods and
//! EndpointSlices itself: [`Objects::for_server`] leaves them out).

mod calico;
mod chain;
mod healthy;
mod object;
mod stack;

pub use chain::set_typha_port;
pub use healthy::{Healthy, healthy};
pub use object::{controller, managed, object, set};

use serde_json::Value;

/// Who installed Calico.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Tigera's operator, its Installation applied by hand.
    Operator,
    /// Tigera's operator, its Installation owned by Helm.
    Helm,
    /// `calico.yaml` applied to kube-system.
    Manifest,
    /// `canal.yaml`: the DaemonSet is called `canal`.
    Canal,
}

/// Which monitoring stack reads the monitors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stack {
    /// None: no CRDs of monitoring.coreos.com.
    None,
    /// The chart kube-prometheus-stack under this release name; takes monitors labelled with it from every namespace.
    KubePrometheusStack {
        /// Name of the Helm release.
        release: String,
    },
    /// kube-prometheus' manifests: takes every monitor of every namespace, with rights in three namespaces only.
    KubePrometheus,
}

/// What cluster to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Minor version of Calico 3.
    pub calico: u32,
    /// Who installed it.
    pub kind: Kind,
    /// Whether Typha is there (with an operator it always is).
    pub typha: bool,
    /// Number of nodes; Typha runs on the second and third.
    pub nodes: usize,
    /// The stack.
    pub stack: Stack,
    /// Whether the whole chain stands: metrics on, Services, monitors.
    pub chain: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            calico: 32,
            kind: Kind::Operator,
            typha: true,
            nodes: 3,
            stack: Stack::KubePrometheusStack { release: "prometheus".to_owned() },
            chain: true,
        }
    }
}

impl Options {
    /// Whether Tigera's operator keeps Calico.
    pub fn operated(&self) -> bool {
        matches!(self.kind, Kind::Operator | Kind::Helm)
    }

    /// Namespace of Calico's pods.
    pub fn namespace(&self) -> &'static str {
        if self.operated() { "calico-system" } else { "kube-system" }
    }

    /// Whether Typha is there.
    pub fn has_typha(&self) -> bool {
        self.typha || self.operated()
    }

    /// Name and label of Felix' DaemonSet.
    pub fn node_app(&self) -> &'static str {
        if self.kind == Kind::Canal { "canal" } else { "calico-node" }
    }

    /// Label by which the stack's Prometheus takes monitors, as a pair; none when it takes all.
    pub fn monitor_label(&self) -> Option<(&'static str, &str)> {
        match &self.stack {
            Stack::KubePrometheusStack { release } => Some(("release", release)),
            _ => None,
        }
    }

    /// The version as images and the Installation's status write it.
    pub fn version(&self) -> String {
        format!("v3.{}.1", self.calico)
    }

    /// Address of a node, from 0; the same network as the tests' namespace.
    pub fn node_ip(index: usize) -> String {
        format!("10.99.1.{}", index + 1)
    }

    /// Name of a node, from 0.
    pub fn node_name(index: usize) -> String {
        format!("n{}", index + 1)
    }
}

/// All objects of a cluster.
#[derive(Debug, Clone)]
pub struct Objects(pub Vec<Value>);

impl Objects {
    /// Builds them.
    pub fn of(options: &Options) -> Objects {
        let mut all = calico::cluster(options);
        all.extend(calico::calico(options));
        all.extend(stack::stack(options));
        if options.chain {
            chain::turn_on(options, &mut all);
            all.extend(chain::services_and_monitors(options));
        }
        Objects(all)
    }

    /// Without what a real server's controllers make: pods, slices, ReplicaSets, nodes.
    pub fn for_server(&self) -> Vec<Value> {
        let made = ["Pod", "EndpointSlice", "ReplicaSet", "Node"];
        self.0.iter().filter(|o| !made.contains(&o["kind"].as_str().unwrap_or_default())).cloned().collect()
    }

    /// The object of a kind and name, to change it.
    ///
    /// # Panics
    /// When there is none: a test asks for what it knows.
    pub fn get(&mut self, kind: &str, name: &str) -> &mut Value {
        let found = self.0.iter_mut().find(|o| o["kind"] == kind && o["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name} in this cluster"))
    }

    /// Takes an object away.
    ///
    /// # Panics
    /// When there is none.
    pub fn remove(&mut self, kind: &str, name: &str) -> Value {
        let at = self.0.iter().position(|o| o["kind"] == kind && o["metadata"]["name"] == name);
        self.0.remove(at.unwrap_or_else(|| panic!("no {kind} {name} in this cluster")))
    }

    /// Adds an object.
    pub fn add(&mut self, object: Value) -> &mut Objects {
        self.0.push(object);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_object_stands_twice_and_each_has_a_name() {
        for kind in [Kind::Operator, Kind::Helm, Kind::Manifest, Kind::Canal] {
            for calico in [21, 27, 28, 30, 31, 32, 33] {
                let options = Options { kind, calico, ..Options::default() };
                let mut seen = BTreeSet::new();
                for o in Objects::of(&options).0 {
                    let meta = &o["metadata"];
                    let key =
                        format!("{} {} {} {}", o["apiVersion"], o["kind"], meta["namespace"], meta["name"]);
                    assert!(meta["name"].is_string(), "{key}");
                    assert!(seen.insert(key.clone()), "{key} stands twice in {options:?}");
                }
            }
        }
    }
}
