//! What can be wrong with a process or with the way to it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tortie_sim::Component;

use super::Listening;
use super::behaviour::Behaviour;

/// Which processes a fault hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// All of a component.
    All(Component),
    /// That of one pod, `NAMESPACE/NAME`.
    Pod(String),
    /// That of one component on one node.
    Node(Component, String),
}

impl Where {
    pub(super) fn holds(&self, listening: &Listening) -> bool {
        match self {
            Where::All(component) => *component == listening.component,
            Where::Pod(pod) => *pod == listening.pod,
            Where::Node(component, node) => *component == listening.component && *node == listening.node,
        }
    }
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing listens: connection refused.
    Down,
    /// It listens on this port instead of the one that was configured.
    Port(u16),
    /// It listens on 127.0.0.1 alone.
    Loopback,
    /// Whatever is sent is swallowed, as a policy or firewall that drops packets would.
    Silent,
    /// It answers this much later.
    Slow(Duration),
    /// It speaks TLS, with a certificate that nobody knows.
    Tls,
    /// It speaks TLS with a certificate that has expired.
    Expired,
    /// It answers with this status and an empty page.
    Status(u16),
    /// It answers 200 with this text, as a foreign process on the same port would.
    Text(String),
    /// It breaks off in the middle of its answer.
    Half,
}

/// Where and how a process answers; `None` when it does not listen. `relay` is where its simulated self does.
pub(super) fn outcome(
    fault: Option<&Fault>,
    listening: &Listening,
    relay: SocketAddr,
) -> Option<(SocketAddr, Behaviour)> {
    let mut address = listening.address;
    let healthy = if listening.tls { Behaviour::Tls(relay) } else { Behaviour::Relay(relay) };
    let behaviour = match fault {
        None => healthy,
        Some(Fault::Down) => return None,
        Some(Fault::Port(port)) => {
            address.set_port(*port);
            healthy
        }
        Some(Fault::Loopback) => {
            address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
            healthy
        }
        Some(Fault::Silent) => Behaviour::Silent,
        Some(Fault::Slow(late)) => Behaviour::Slow(*late, relay),
        Some(Fault::Tls) => Behaviour::Tls(relay),
        Some(Fault::Expired) => Behaviour::Expired(relay),
        Some(Fault::Status(status)) => Behaviour::Fixed(format!(
            "HTTP/1.1 {status} Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )),
        Some(Fault::Text(text)) => Behaviour::Fixed(format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
            text.len()
        )),
        Some(Fault::Half) => Behaviour::Fixed(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 40000\r\nConnection: close\r\n\r\n# TYPE felix_resync_state gauge\nfelix_resync_state 3\nfelix_act"
                .to_owned(),
        ),
    };
    Some((address, behaviour))
}
