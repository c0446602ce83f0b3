//! What each component exposes: families, texts, labels, and which value of the simulation stands behind each line.
//!
//! The inventories are text files beside the code (`inventory/*.txt`); this module reads them and compiles one for a
//! component, mode and release into a [`Template`] that renders a body in one pass.

mod names;
mod parse;
mod template;

pub(crate) use names::{Dist, Grid, Var};
pub(crate) use parse::{Family, families};
pub(crate) use template::{Axes, Rendered, Template};

/// A component with a metrics endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// The agent on each node.
    Felix,
    /// The fan-out proxy between datastore and Felix.
    Typha,
    /// The controllers, IPAM garbage collection among them.
    KubeControllers,
}

impl Component {
    /// The component's usual metrics port.
    pub fn port(self) -> u16 {
        match self {
            Component::Felix => 9091,
            Component::Typha => 9093,
            Component::KubeControllers => 9094,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Component::Felix => include_str!("../../inventory/felix.txt"),
            Component::Typha => include_str!("../../inventory/typha.txt"),
            Component::KubeControllers => include_str!("../../inventory/kube-controllers.txt"),
        }
    }
}

/// How Felix programs the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Dataplane {
    /// iptables and ipsets.
    #[default]
    Iptables,
    /// nftables.
    Nftables,
    /// eBPF.
    Bpf,
}

impl Dataplane {
    /// The mode's name in an inventory.
    pub fn name(self) -> &'static str {
        match self {
            Dataplane::Iptables => "iptables",
            Dataplane::Nftables => "nftables",
            Dataplane::Bpf => "bpf",
        }
    }
}

/// A Calico release as (major, minor). From (3, 33) on all components share one registry, so that Typha also shows
/// `felix_*` series that stay zero.
pub type Release = (u16, u16);
