//! Discovery by a Kubernetes API server: `kubernetes_sd_configs`.

use crate::http_client::HttpClientConfig;

/// One element of `kubernetes_sd_configs`.
#[derive(Debug, Clone, PartialEq)]
pub struct KubernetesSdConfig {
    /// Address of the API server; empty for that of the kubeconfig, or of the cluster that this pod belongs to.
    pub api_server: String,
    /// What becomes a target.
    pub role: Role,
    /// The kubeconfig, resolved; empty for none.
    pub kubeconfig_file: String,
    /// Credentials and connection, with `api_server` alone.
    pub http: HttpClientConfig,
    /// Whether the namespace of this pod is looked at, besides `namespaces`.
    pub own_namespace: bool,
    /// Namespaces that are looked at; all when there are none and `own_namespace` is not set.
    pub namespaces: Vec<String>,
    /// Which objects of a role, at most one for each.
    pub selectors: Vec<Selector>,
    /// What is added of other objects.
    pub attach: AttachMetadata,
}

/// What becomes a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The kubelet of each node.
    Node,
    /// Each declared port of each container.
    Pod,
    /// Each port of each Service.
    Service,
    /// Each address of the Endpoints of a Service.
    Endpoints,
    /// Each address of an EndpointSlice.
    EndpointSlice,
    /// Each path of each Ingress.
    Ingress,
}

impl Role {
    /// All of them with the names of a configuration.
    pub const ALL: [(&'static str, Role); 6] = [
        ("node", Role::Node),
        ("pod", Role::Pod),
        ("service", Role::Service),
        ("endpoints", Role::Endpoints),
        ("endpointslice", Role::EndpointSlice),
        ("ingress", Role::Ingress),
    ];

    /// The role of a name (case counts).
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.iter().find(|(n, _)| *n == name).map(|(_, r)| *r)
    }

    /// The name in a configuration and in labels.
    pub fn as_str(self) -> &'static str {
        Role::ALL.iter().find(|(_, r)| *r == self).map_or("", |(n, _)| n)
    }

    /// The roles for which a discovery of this role takes selectors, in Prometheus' order.
    pub fn selectable(self) -> &'static [Role] {
        match self {
            Role::Pod => &[Role::Pod, Role::Node],
            Role::Service => &[Role::Service],
            Role::EndpointSlice => &[Role::Pod, Role::Service, Role::EndpointSlice],
            Role::Endpoints => &[Role::Pod, Role::Service, Role::Endpoints],
            Role::Node => &[Role::Node],
            Role::Ingress => &[Role::Ingress],
        }
    }
}

/// Which objects of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// The role.
    pub role: Role,
    /// A label selector as kubectl's `-l` takes it; may be empty.
    pub label: String,
    /// A field selector as kubectl's `--field-selector` takes it; may be empty.
    pub field: String,
}

/// What is added of other objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AttachMetadata {
    /// Labels and annotations of the target's node.
    pub node: bool,
    /// Labels and annotations of the target's namespace.
    pub namespace: bool,
    /// The Deployment of the target's pod.
    pub deployment: bool,
    /// The Job of the target's pod.
    pub job: bool,
    /// The CronJob of the target's pod.
    pub cronjob: bool,
}
