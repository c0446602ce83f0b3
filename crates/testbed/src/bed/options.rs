//! What a bed is made of.

/// Options of a bed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Number of nodes: `node1`, `node2`, … (`node01` from ten on), with addresses 10.99.1.1, 10.99.1.2, … and pods in a /24 each.
    pub nodes: usize,
    /// Of these, the last so many run Windows.
    pub windows: usize,
    /// Whether the API server writes an audit log.
    pub audit: bool,
    /// Whether `kubectl port-forward` reaches pods. Adds custom resource PortForward of kwok's to the cluster.
    pub port_forward: bool,
    /// The OpenID Connect provider whose tokens the API server takes ([`crate::openid::ADDRESS`]): user is the claim `name`,
    /// the client is `tortie`.
    pub openid: Option<String>,
}

impl Default for Options {
    /// Three nodes with Linux, audit log and port-forward.
    fn default() -> Options {
        Options { nodes: 3, windows: 0, audit: true, port_forward: true, openid: None }
    }
}
