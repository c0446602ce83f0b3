//! The simulator against recordings of the real components: the same families with the same texts and label names,
//! and values that move as often.
//!
//! `TORTIE_FIXTURES` names the folder that holds `calico/`; without it these tests fail.

#![allow(clippy::print_stdout)] // what was counted and measured is printed
#![allow(clippy::disallowed_methods, missing_docs, unreachable_pub)] // reads recorded files

#[allow(dead_code)] // the other test binary uses the rest
#[path = "../it/client.rs"]
mod client;
mod exposition;
mod inventory;
mod kube;
mod shares;

use std::path::PathBuf;
use std::sync::Arc;

use tortie_host::ManualClock;
use tortie_sim::{Bind, Component, Dataplane, Fleet, FleetOptions, Shape};

use exposition::Body;

/// A recording and the fleet that should look like it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub folder: &'static str,
    pub name: &'static str,
    pub component: Component,
    pub dataplane: Dataplane,
}

/// All recordings.
pub const CASES: &[Case] = &[
    Case { folder: "iptables", name: "felix", component: Component::Felix, dataplane: Dataplane::Iptables },
    Case { folder: "nftables", name: "felix", component: Component::Felix, dataplane: Dataplane::Nftables },
    Case { folder: "iptables", name: "typha", component: Component::Typha, dataplane: Dataplane::Iptables },
    Case { folder: "nftables", name: "typha", component: Component::Typha, dataplane: Dataplane::Nftables },
    Case {
        folder: "iptables",
        name: "kube-controllers",
        component: Component::KubeControllers,
        dataplane: Dataplane::Iptables,
    },
    Case {
        folder: "nftables",
        name: "kube-controllers",
        component: Component::KubeControllers,
        dataplane: Dataplane::Nftables,
    },
    Case {
        folder: "ipam",
        name: "kube-controllers",
        component: Component::KubeControllers,
        dataplane: Dataplane::Iptables,
    },
];

/// Recorded bodies in order.
pub fn recorded(case: Case) -> Vec<Body> {
    let root =
        std::env::var_os("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder that holds calico/");
    let folder = PathBuf::from(root).join("calico").join(case.folder);
    let bodies: Vec<Body> = (0..36)
        .map(|k| {
            let path = folder.join(format!("{}.{k:02}.prom", case.name));
            let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            Body::parse(&text)
        })
        .collect();
    bodies
}

/// Simulated bodies, 5 s apart as the recorded ones, from a few seconds after the processes' start.
pub async fn simulated(case: Case, seed: u64) -> Vec<Body> {
    // 2026-01-05 10:00 UTC, moved by the seed so that rhythms meet the steps differently.
    let start = 1_767_607_200_000 + seed as i64 * 1000;
    let fleet = Fleet::start(FleetOptions {
        seed,
        typhas: Some(1),
        dataplanes: vec![case.dataplane],
        ipam: case.folder == "ipam",
        shape: Shape::Recorded,
        start_ms: Some(start),
        warm_up_s: 5,
        clock: Arc::new(ManualClock::at(start)),
        bind: Bind::AnyPort,
        ..FleetOptions::default()
    })
    .await
    .unwrap();
    let target = fleet.targets().iter().find(|t| t.component == case.component).unwrap();
    let mut out = Vec::new();
    for k in 0..36 {
        fleet.set_time(start + k * 5000);
        let address = target.address;
        let answer = tokio::task::spawn_blocking(move || client::get(address, "/metrics", false))
            .await
            .unwrap()
            .unwrap();
        out.push(Body::parse(&answer.text()));
    }
    out
}
