//! What the person who runs setup decides, and why no plan can be made without it.

use crate::component::Component;
use std::collections::BTreeMap;

/// Through which setting Felix is turned on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FelixThrough {
    /// `FelixConfiguration`: every Felix restarts at once inside its pod; the dataplane goes on forwarding.
    Configuration,
    /// `Installation.spec.nodeMetricsPort`: the operator rolls the DaemonSet, a few nodes at a time.
    Installation,
}

/// Decisions.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The Prometheus object, `namespace/name`; needed when there are several.
    pub prometheus: Option<String>,
    /// Ports that are wished; others stay as found.
    pub ports: BTreeMap<Component, u16>,
    /// Managers whose fields may be taken over.
    pub take: Vec<String>,
    /// How Felix is turned on; needed above 200 nodes.
    pub felix: Option<FelixThrough>,
    /// Leaves dashboards out.
    pub no_dashboards: bool,
    /// Leaves rules out.
    pub no_rules: bool,
    /// Where alerts' runbooks open: the URL of a tortie's `/runbooks`. Without one alerts name the command that shows them.
    pub runbooks: Option<String>,
    /// The `spec` of a PrometheusRule that is brought in place of the bundled rules.
    pub rules: Option<serde_json::Value>,
}

/// Why there is no plan. All are answered by a flag, or there is nothing to set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The cluster could not be looked at.
    #[error("the cluster could not be looked at: {0}")]
    Unreachable(String),
    /// Something that a step can hang on was not read.
    #[error("{0}")]
    Unread(String),
    /// No component of Calico.
    #[error("no component of Calico was found in this cluster (hint: tortie doctor)")]
    NoCalico,
    /// Several Prometheus objects.
    #[error("there are several Prometheus objects: {} (hint: --prometheus {})", .0.join(", "), .0.first().map_or("", String::as_str))]
    ManyPrometheus(Vec<String>),
    /// None of that name.
    #[error("there is no Prometheus object {name} (hint: there {})", match .there.len() { 0 => "is none".to_owned(), _ => format!("are {}", .there.join(", ")) })]
    NoSuchPrometheus {
        /// The name asked for.
        name: String,
        /// Those that are there.
        there: Vec<String>,
    },
    /// A port that is taken on some nodes.
    #[error("{component} cannot listen on port {port}: {taken} (hint: --{component}-port with another port)")]
    PortTaken {
        /// The component.
        component: Component,
        /// The port.
        port: u16,
        /// By whom and where.
        taken: String,
    },
    /// Many nodes: how Felix restarts has to be decided.
    #[error(
        "this cluster has {nodes} nodes: choose how Felix is turned on (hint: --felix-through configuration restarts all Felix \
         at once inside their pods{})",
        if *operated { "; --felix-through installation rolls the DaemonSet" } else { ", the only way without Tigera's operator" }
    )]
    ManyNodes {
        /// How many nodes.
        nodes: usize,
        /// Whether there is an operator that could roll the DaemonSet instead.
        operated: bool,
    },
    /// `nodeMetricsPort` without an operator.
    #[error(
        "--felix-through installation needs Tigera's operator, and this Calico has none (hint: --felix-through configuration)"
    )]
    NoOperator,
}
