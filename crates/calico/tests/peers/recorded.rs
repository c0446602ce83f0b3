//! Recorded clusters: each state has its findings and no others.

use std::path::PathBuf;
use tortie_calico::collect::from_files;
use tortie_calico::doctor::checks::ALL;
use tortie_calico::doctor::engine::{Report, judge};
use tortie_calico::doctor::verdict::Level;
use tortie_calico::facts::Facts;
use tortie_calico::snapshot::{Assumptions, Snapshot, Source};
use tortie_host::RealFs;

fn fixtures() -> PathBuf {
    PathBuf::from(
        std::env::var_os("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of recordings"),
    )
}

/// One recorded state as a dump.
fn snapshot(version: &str, state: &str) -> Snapshot {
    let path = fixtures().join(format!("clusters/calico-{version}/{state}.json"));
    let (snap, unusable) = from_files::read(&RealFs, &[path], &Assumptions::default(), 0);
    assert!(unusable.is_empty(), "{unusable:?}");
    assert_eq!(snap.source, Source::Dump);
    snap
}

fn report(snap: &Snapshot) -> Report {
    judge(ALL, &Facts::of(snap))
}

/// Findings at warn or fail: `ID component > next`, by id.
fn told(report: &Report) -> Vec<String> {
    let mut out: Vec<String> = report
        .findings
        .iter()
        .filter(|f| f.level >= Level::Warn)
        .map(|f| {
            let on: Vec<&str> = f.entities.iter().filter_map(|e| e.component.map(|c| c.as_str())).collect();
            let next: Vec<&str> = f.next.iter().map(|n| n.id).collect();
            let next = if next.is_empty() { String::new() } else { format!(" > {}", next.join(" ")) };
            format!("{} {}{next}", f.id, on.join("+"))
        })
        .collect();
    out.sort();
    out
}

const VERSIONS: [&str; 5] = ["3.27", "3.28", "3.29", "3.30", "3.32"];

/// From 3.32 on the operator's policy will be in the way of kube-controllers next.
fn kube_controllers(version: &str) -> &'static str {
    if version == "3.32" { "T507 kube-controllers > T307" } else { "T507 kube-controllers" }
}

#[test]
fn the_write_up_breaks_two_links() {
    for version in VERSIONS {
        let expect = if version == "3.27" { "T210 typha" } else { "T210 typha > T407" };
        assert_eq!(
            told(&report(&snapshot(version, "1-write-up"))),
            [expect, kube_controllers(version)],
            "{version}"
        );
    }
}

#[test]
fn a_port_for_typha_makes_the_operator_take_the_service_over() {
    for version in VERSIONS {
        let told = told(&report(&snapshot(version, "2-typha-port")));
        if version == "3.27" {
            assert_eq!(told, ["T507 kube-controllers"], "{version}");
        } else {
            assert_eq!(told, ["T407 typha", kube_controllers(version)], "{version}");
        }
    }
}

#[test]
fn a_mended_cluster_has_no_finding() {
    for version in VERSIONS {
        // In 3.27 no operator took the Service over, so the monitor that was set to the operator's port name misses it.
        let expect: &[&str] = if version == "3.27" { &["T507 typha"] } else { &[] };
        assert_eq!(told(&report(&snapshot(version, "3-mended"))), expect, "{version}");
    }
}

#[test]
fn an_installed_cluster_has_its_metrics_off() {
    for version in VERSIONS {
        let told = told(&report(&snapshot(version, "0-installed")));
        for expect in ["T203 felix", "T209 typha"] {
            assert!(told.iter().any(|t| t.starts_with(expect)), "{version}: {expect} is not among {told:?}");
        }
        assert!(told.iter().any(|t| t.starts_with("T501")), "{version}: {told:?}");
        let untrue = ["T201", "T202", "T208", "T601", "T602", "T607", "T608", "T7", "T8", "T9"];
        assert!(!told.iter().any(|t| untrue.iter().any(|u| t.starts_with(u))), "{version}: {told:?}");
    }
}
