//! What is listed of a cluster: every kind that a link of the chain can hang on.

/// A kind to list.
pub(crate) struct Wanted {
    /// Its group.
    pub(crate) group: &'static str,
    /// Its kind.
    pub(crate) kind: &'static str,
    /// Restricts the list to objects with these labels, as kubectl's `-l`; empty for all.
    pub(crate) labels: &'static str,
}

const fn all(group: &'static str, kind: &'static str) -> Wanted {
    Wanted { group, kind, labels: "" }
}

/// Everything but pods, Services, slices, nodes and namespaces, which are read as slim structs.
pub(crate) const KINDS: &[Wanted] = &[
    all("apps", "DaemonSet"),
    all("apps", "Deployment"),
    all("apps", "StatefulSet"),
    all("", "PersistentVolumeClaim"),
    // Older ReplicaSets of Typha show an environment that was taken away.
    Wanted { group: "apps", kind: "ReplicaSet", labels: "k8s-app=calico-typha" },
    Wanted { group: "", kind: "ConfigMap", labels: "grafana_dashboard" },
    Wanted { group: "", kind: "ConfigMap", labels: "grafana_datasource" },
    Wanted { group: "", kind: "ConfigMap", labels: "app.kubernetes.io/managed-by=tortie" },
    all("operator.tigera.io", "Installation"),
    all("operator.tigera.io", "TigeraStatus"),
    all("projectcalico.org", "FelixConfiguration"),
    all("projectcalico.org", "KubeControllersConfiguration"),
    all("projectcalico.org", "Tier"),
    all("projectcalico.org", "NetworkPolicy"),
    all("projectcalico.org", "GlobalNetworkPolicy"),
    all("projectcalico.org", "HostEndpoint"),
    all("crd.projectcalico.org", "FelixConfiguration"),
    all("crd.projectcalico.org", "KubeControllersConfiguration"),
    // Where nobody serves the user's group, policies are kept here.
    all("crd.projectcalico.org", "Tier"),
    all("crd.projectcalico.org", "NetworkPolicy"),
    all("crd.projectcalico.org", "GlobalNetworkPolicy"),
    all("crd.projectcalico.org", "HostEndpoint"),
    all("networking.k8s.io", "NetworkPolicy"),
    all("monitoring.coreos.com", "Prometheus"),
    all("monitoring.coreos.com", "PrometheusAgent"),
    all("monitoring.coreos.com", "ServiceMonitor"),
    all("monitoring.coreos.com", "PodMonitor"),
    all("monitoring.coreos.com", "Probe"),
    all("monitoring.coreos.com", "ScrapeConfig"),
    all("monitoring.coreos.com", "PrometheusRule"),
    all("monitoring.coreos.com", "Alertmanager"),
    all("rbac.authorization.k8s.io", "ClusterRole"),
    all("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    all("rbac.authorization.k8s.io", "Role"),
    all("rbac.authorization.k8s.io", "RoleBinding"),
    all("apiextensions.k8s.io", "CustomResourceDefinition"),
    all("apiregistration.k8s.io", "APIService"),
];
