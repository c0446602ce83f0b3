//! Bodies of a running fleet.

use std::collections::BTreeMap;
use std::sync::Arc;

use tortie_host::ManualClock;
use tortie_sim::{Bind, Component, Dataplane, Fleet, FleetOptions, Shape};

use crate::client::{Answer, get};

/// 2026-01-05 00:00 UTC.
pub const START: i64 = 1_767_571_200_000;

pub fn options() -> FleetOptions {
    FleetOptions {
        clock: Arc::new(ManualClock::at(START)),
        start_ms: Some(START),
        bind: Bind::AnyPort,
        ..FleetOptions::default()
    }
}

pub async fn scrape(fleet: &Fleet, i: usize, gzip: bool) -> std::io::Result<Answer> {
    let address = fleet.targets()[i].address;
    tokio::task::spawn_blocking(move || get(address, "/metrics", gzip)).await.unwrap()
}

pub async fn series(fleet: &Fleet, i: usize) -> BTreeMap<String, f64> {
    let text = scrape(fleet, i, false).await.unwrap().text();
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    lines
        .map(|l| {
            let (name, value) = l.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap_or(f64::NAN))
        })
        .collect()
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bodies_whenever_they_are_asked_for() {
    let often = Fleet::start(options()).await.unwrap();
    let once = Fleet::start(options()).await.unwrap();
    let other = Fleet::start(FleetOptions { seed: 2, ..options() }).await.unwrap();
    for k in 0..120 {
        often.set_time(START + k * 5000);
        scrape(&often, (k % 5) as usize, k % 2 == 0).await.unwrap();
    }
    for fleet in [&often, &once, &other] {
        fleet.set_time(START + 600_000);
    }
    let targets = often.targets().len();
    assert_eq!(targets, 3 + 2 + 1);
    for i in 0..targets - 1 {
        let body = scrape(&often, i, false).await.unwrap().body;
        assert_eq!(body, scrape(&once, i, false).await.unwrap().body, "target {i}");
        assert_ne!(body, scrape(&other, i, false).await.unwrap().body, "target {i}");
    }
}

#[tokio::test]
async fn gzip_equals_plain_for_own_and_for_shared_bodies() {
    for nodes in [3, 60] {
        let dataplanes = vec![Dataplane::Iptables, Dataplane::Nftables, Dataplane::Bpf];
        let fleet = Fleet::start(FleetOptions { nodes, dataplanes, ..options() }).await.unwrap();
        fleet.set_time(START + 60_000);
        for i in [0, 1, 2, nodes - 1, nodes] {
            let plain = scrape(&fleet, i, false).await.unwrap();
            let zipped = scrape(&fleet, i, true).await.unwrap();
            assert!(plain.whole && zipped.whole);
            assert!(zipped.body.len() * 3 < plain.body.len());
            assert_eq!(zipped.unzipped(), plain.text(), "target {i} of {nodes} nodes");
            assert!(zipped.head.contains("Content-Encoding: gzip\r\n"));
            assert!(plain.head.contains(
                "Content-Type: text/plain; version=0.0.4; charset=utf-8; escaping=underscores\r\n"
            ));
        }
    }
}

#[tokio::test]
async fn counters_of_shared_bodies_only_grow_and_each_node_has_its_name() {
    let fleet = Fleet::start(FleetOptions { nodes: 60, ..options() }).await.unwrap();
    let mut last = BTreeMap::new();
    for k in 0..60 {
        fleet.set_time(START + k * 3000);
        let now = series(&fleet, 41).await;
        assert!(now.contains_key("felix_host{host=\"node42\"}"), "{k}");
        for name in [
            "process_cpu_seconds_total",
            "felix_calc_graph_update_time_seconds_count",
            "go_memstats_mallocs_total",
        ] {
            assert!(now[name] >= last.get(name).copied().unwrap_or(0.0), "{name} at {k}");
        }
        last = now;
    }
    assert!(fleet.body_bytes() > 0);
}

#[tokio::test]
async fn a_restart_takes_all_counters_of_a_target_back_at_once() {
    let fleet = Fleet::start(options()).await.unwrap();
    // One Felix restarts each day around 3:15; find it at 5 s steps.
    let mut before: Vec<BTreeMap<String, f64>> = Vec::new();
    let mut restarts = 0;
    for t in (START + 2 * 3_600_000..START + 5 * 3_600_000).step_by(30_000) {
        fleet.set_time(t);
        let mut now = Vec::new();
        for i in 0..3 {
            now.push(match scrape(&fleet, i, false).await {
                Ok(_) => series(&fleet, i).await,
                Err(_) => continue,
            });
        }
        if now.len() == 3 {
            for (was, is) in before.iter().zip(&now) {
                let start = "process_start_time_seconds";
                if was[start] == is[start] {
                    continue;
                }
                restarts += 1;
                assert!(is[start] > was[start]);
                for name in [
                    "process_cpu_seconds_total",
                    "felix_calc_graph_output_events",
                    "felix_int_dataplane_apply_time_seconds_count",
                    "felix_calc_graph_updates_processed{type=\"PolicyKey\"}",
                    "go_memstats_mallocs_total",
                    "go_gc_duration_seconds_count",
                ] {
                    assert!(is[name] < was[name], "{name}: {} after {}", is[name], was[name]);
                }
            }
            before = now;
        }
    }
    assert_eq!(restarts, 1);
}

#[tokio::test]
async fn typhas_clients_reconnect_when_it_restarts() {
    let fleet = Fleet::start(FleetOptions { nodes: 6, ..options() }).await.unwrap();
    let typha = fleet.targets().iter().position(|t| t.component == Component::Typha).unwrap();
    let streaming = "typha_connections_streaming{syncer=\"felix\"}";
    fleet.set_time(START + 15 * 3_600_000);
    let before = series(&fleet, typha).await;
    let resyncs = series(&fleet, 0).await["felix_resyncs_started"];
    assert!(before[streaming] >= 1.0);
    fleet.set_time(START + 17 * 3_600_000);
    let after = series(&fleet, typha).await;
    assert_eq!(after[streaming], before[streaming], "balanced again");
    assert!(after["process_start_time_seconds"] > before["process_start_time_seconds"]);
    assert!(series(&fleet, 0).await["felix_resyncs_started"] > resyncs);
}

#[tokio::test]
async fn ipam_gauges_add_up_and_the_small_pool_fills() {
    let fleet = Fleet::start(options()).await.unwrap();
    let kc = fleet.targets().len() - 1;
    for (hour, least, most) in [(6, 0.2, 0.5), (19, 0.75, 0.8)] {
        fleet.set_time(START + hour * 3_600_000);
        let now = series(&fleet, kc).await;
        let used: f64 = now
            .iter()
            .filter(|(k, _)| k.starts_with("ipam_allocations_in_use{ippool=\"small\""))
            .map(|(_, v)| v)
            .sum();
        let share = used / now["ipam_ippool_size{ippool=\"small\"}"];
        assert!((least..=most).contains(&share), "{share} at {hour}");
        for (felix, node) in ["node1", "node2", "node3"].into_iter().enumerate() {
            let of = |name: &str, pool: &str| {
                now[&format!("ipam_allocations_{name}{{ippool=\"{pool}\",node=\"{node}\"}}")]
            };
            let all = now[&format!("ipam_allocations_per_node{{node=\"{node}\"}}")];
            assert_eq!(of("in_use", "default-ipv4") + of("in_use", "small"), all);
            // Each address is a pod that this node's Felix knows, or a leak.
            let pods = series(&fleet, felix).await["felix_active_local_endpoints"];
            assert_eq!(pods + of("gc_candidates", "default-ipv4"), all, "{node} at {hour}");
        }
    }
}

#[tokio::test]
async fn releases_before_3_33_have_no_foreign_series() {
    for (release, foreign) in [((3, 32), false), ((3, 33), true)] {
        let fleet =
            Fleet::start(FleetOptions { release, shape: Shape::Recorded, ..options() }).await.unwrap();
        let typha = series(&fleet, 3).await;
        assert_eq!(typha.contains_key("felix_resync_state"), foreign, "{release:?}");
        assert!(!typha.contains_key("felix_host"));
        assert!(typha.contains_key("typha_cache_size{syncer=\"felix\"}"));
    }
}

#[tokio::test]
async fn other_paths_and_methods_get_what_a_go_server_says() {
    let fleet = Fleet::start(options()).await.unwrap();
    let address = fleet.targets()[0].address;
    let answer = tokio::task::spawn_blocking(move || get(address, "/", false)).await.unwrap().unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (404, "404 page not found\n"));
}

#[tokio::test]
async fn targets_carry_the_labels_of_an_operators_installation() {
    let fleet = Fleet::start(options()).await.unwrap();
    let jobs: Vec<&str> = fleet.targets().iter().map(|t| t.job.as_str()).collect();
    let felix = "felix-metrics-svc";
    let typha = "calico-typha-metrics";
    assert_eq!(jobs, [felix, felix, felix, typha, typha, "calico-kube-controllers-metrics"]);
    let sd = fleet.file_sd();
    assert!(sd.contains("\"container\": \"calico-node\", \"endpoint\": \"felix-metrics\", \"job\": \"felix-metrics-svc\", \"namespace\": \"calico-system\", \"node\": \"node1\""), "{sd}");
    assert!(Fleet::start(FleetOptions { nodes: 0, ..options() }).await.is_err());
}
