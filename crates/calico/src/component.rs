//! The three components of Calico that have metrics, and what is known of each before any cluster is looked at.

use std::fmt;

/// A component of Calico that serves `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Component {
    /// The agent on each node, in the DaemonSet `calico-node` (or `canal`).
    Felix,
    /// The fan-out proxy between Felix and the API server; optional.
    Typha,
    /// The controllers (IPAM, policy, node), one pod.
    KubeControllers,
}

impl Component {
    /// All of them, in the order of every table.
    pub const ALL: [Component; 3] = [Component::Felix, Component::Typha, Component::KubeControllers];

    /// The word used on screens, in JSON and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Component::Felix => "felix",
            Component::Typha => "typha",
            Component::KubeControllers => "kube-controllers",
        }
    }

    /// How a sentence calls it.
    pub fn title(self) -> &'static str {
        match self {
            Component::Felix => "Felix",
            Component::Typha => "Typha",
            Component::KubeControllers => "kube-controllers",
        }
    }

    /// The port that the component's own code takes when nothing says another (felix/config, typha/pkg/config,
    /// libcalico-go's defaulting of KubeControllersConfiguration).
    pub fn default_port(self) -> u16 {
        match self {
            Component::Felix => 9091,
            Component::Typha => 9093,
            Component::KubeControllers => 9094,
        }
    }

    /// Values of the pod label `k8s-app` under which installs know it.
    pub fn apps(self) -> &'static [&'static str] {
        match self {
            Component::Felix => &["calico-node", "canal"],
            Component::Typha => &["calico-typha"],
            Component::KubeControllers => &["calico-kube-controllers"],
        }
    }

    /// Names of the workload that runs it: DaemonSet for Felix, Deployment for the others.
    pub fn workloads(self) -> &'static [&'static str] {
        match self {
            Component::Felix => &["calico-node", "canal"],
            Component::Typha => &["calico-typha"],
            Component::KubeControllers => &["calico-kube-controllers"],
        }
    }

    /// A family that only this component has with values above zero; Typha carries zero `felix_*` since 3.33.
    pub fn marker(self) -> &'static str {
        match self {
            Component::Felix => "felix_host",
            Component::Typha => "typha_connections_active",
            Component::KubeControllers => "ipam_blocks_per_node",
        }
    }

    /// Beginnings of the names of its own families.
    pub fn prefixes(self) -> &'static [&'static str] {
        match self {
            Component::Felix => &["felix_"],
            Component::Typha => &["typha_"],
            Component::KubeControllers => &["ipam_", "kube_controllers_"],
        }
    }

    /// Words that people put into names and labels of Services and monitors of this component, most telling first.
    pub fn hints(self) -> &'static [&'static str] {
        match self {
            Component::Felix => &["felix", "calico-node", "calico_node", "canal"],
            Component::Typha => &["typha"],
            Component::KubeControllers => &["kube-controllers", "kube_controllers", "kubecontrollers"],
        }
    }

    /// Whether a word (name, label value, port name) speaks of this component.
    pub fn named_in(self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        self.hints().iter().any(|h| word.contains(h))
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Component;

    #[test]
    fn names_speak_of_one_component() {
        #[track_caller]
        fn check(word: &str, expect: Option<Component>) {
            let found: Vec<_> = Component::ALL.into_iter().filter(|c| c.named_in(word)).collect();
            assert_eq!(found, expect.into_iter().collect::<Vec<_>>(), "{word}");
        }
        check("calico-felix-metrics", Some(Component::Felix));
        check("felix-metrics-svc", Some(Component::Felix));
        check("calico-node-metrics", Some(Component::Felix));
        check("Typha", Some(Component::Typha));
        check("kube-controllers-metrics", Some(Component::KubeControllers));
        check("kube-controller-manager", None);
        check("metrics-port", None);
    }
}
