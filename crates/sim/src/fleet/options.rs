//! What a fleet is made of.

use std::sync::Arc;

use tortie_host::{Clock, SystemClock};

use crate::address::Bind;
use crate::error::SimError;
use crate::inventory::{Dataplane, Release};
use crate::world::Shape;

/// Options of a fleet.
#[derive(Clone)]
pub struct FleetOptions {
    /// Nodes, each with one Felix.
    pub nodes: usize,
    /// The same seed gives the same fleet.
    pub seed: u64,
    /// Node i has dataplane i modulo the length of this list; empty means iptables everywhere.
    pub dataplanes: Vec<Dataplane>,
    /// Typhas; `None` takes as many as Tigera's operator would.
    pub typhas: Option<usize>,
    /// kube-controllers: 0 or 1.
    pub kube_controllers: usize,
    /// Whether Calico's IPAM is in use, so that kube-controllers has `ipam_*`.
    pub ipam: bool,
    /// Calico's release.
    pub release: Release,
    /// What happens over time.
    pub shape: Shape,
    /// The earliest time that will be asked for, in milliseconds since the Unix epoch; `None` means the clock's now.
    pub start_ms: Option<i64>,
    /// How many seconds before that the processes started.
    pub warm_up_s: i64,
    /// The clock that the fleet follows.
    pub clock: Arc<dyn Clock>,
    /// Where targets listen.
    pub bind: Bind,
    /// Namespace of Calico's pods.
    pub namespace: String,
    /// Added to the second octet of every address, so that several fleets on one machine each have their own.
    pub net: u8,
}

/// Steps of [`FleetOptions::net`] that keep the addresses of fleets apart.
const NETS: [u8; 5] = [0, 40, 80, 120, 160];

impl FleetOptions {
    /// The first net in which the address of the first Felix is free; 0 when none is.
    pub fn free_net() -> u8 {
        let free = |net: &u8| {
            let at = super::target::first_felix(*net);
            std::net::TcpListener::bind(at).is_ok()
        };
        NETS.into_iter().find(free).unwrap_or(0)
    }
}

impl Default for FleetOptions {
    /// Three nodes with iptables, their Typhas and kube-controllers, as Tigera's operator installs Calico 3.33.
    fn default() -> FleetOptions {
        FleetOptions {
            nodes: 3,
            seed: 1,
            dataplanes: Vec::new(),
            typhas: None,
            kube_controllers: 1,
            ipam: true,
            release: (3, 33),
            shape: Shape::Day,
            start_ms: None,
            warm_up_s: 900,
            clock: Arc::new(SystemClock::new()),
            bind: Bind::default(),
            namespace: "calico-system".to_owned(),
            net: 0,
        }
    }
}

/// Most nodes of a fleet: what the addresses of 127.20.0.0/16 and its neighbours hold before those of other targets.
const MOST_NODES: usize = 500_000;

impl FleetOptions {
    /// Whether these options make a fleet.
    pub(crate) fn check(&self) -> Result<(), SimError> {
        if self.nodes == 0 {
            return Err(SimError::Options("it needs at least one node".to_owned()));
        }
        if self.nodes > MOST_NODES {
            return Err(SimError::Options(format!("{} nodes are more than {MOST_NODES}", self.nodes)));
        }
        if self.kube_controllers > 1 {
            return Err(SimError::Options("there is at most one kube-controllers".to_owned()));
        }
        Ok(())
    }

    /// Number of Typhas.
    pub(crate) fn typha_count(&self) -> usize {
        // Tigera's operator: one for 200 nodes, one more, and a spare; fewer in tiny clusters.
        self.typhas.unwrap_or(match self.nodes {
            0..=2 => 1,
            3..=4 => 2,
            n => (n / 200 + 2).max(3),
        })
    }

    /// Dataplane of node `i`.
    pub(crate) fn dataplane(&self, i: usize) -> Dataplane {
        match self.dataplanes.len() {
            0 => Dataplane::default(),
            n => self.dataplanes.get(i % n).copied().unwrap_or_default(),
        }
    }

    /// The second in which the simulation begins.
    pub(crate) fn epoch_s(&self) -> i64 {
        let start = self.start_ms.unwrap_or_else(|| self.clock.now_ms());
        start.div_euclid(1000) - self.warm_up_s.max(0)
    }
}
