//! Nothing changes: both discover the same, and slices know what Endpoints do not.

use super::beside::{Beside, Targets};
use std::collections::BTreeSet;

#[test]
fn all_roles_discover_what_prometheus_discovers() {
    let beside = Beside::start();
    let (targets, took) = beside.agree("at first", |t| {
        [("pod", 30), ("endpoints", 60), ("endpointslice", 60), ("ingress", 6)]
            .iter()
            .all(|(job, least)| t[*job].len() >= *least)
    });
    let counts: Vec<String> = targets.iter().map(|(job, t)| format!("{job} {}", t.len())).collect();
    println!("equal after {took:?}: {}", counts.join(", "));
    for (job, targets) in &targets {
        assert!(
            !targets.is_empty() || job == "pod-no-such-namespace" || job == "service-labels",
            "{job} shows nothing"
        );
    }
    slices_beside_endpoints(&targets);
    super::changes::all(&beside);
}

/// Where the two roles differ on the same cluster: COMPAT.md says it.
fn slices_beside_endpoints(targets: &Targets) {
    let addresses = |job: &str| -> BTreeSet<String> {
        let line = |t: &String| {
            Some(t.lines().find_map(|l| l.strip_prefix("__address__="))?.trim_matches('"').to_owned())
        };
        targets[job].iter().filter_map(line).collect()
    };
    let (endpoints, slices) = (addresses("endpoints"), addresses("endpointslice"));
    // A name and a slice without a Service: only slices hold those.
    for only in ["db.example.org:5432", "[2001:db8::3]:80", "[2001:db8::4]:80"] {
        assert!(slices.contains(only) && !endpoints.contains(only), "{only}: {endpoints:?} {slices:?}");
    }
    // Endpoints made by hand are mirrored into slices, whatever is ready, of whichever family.
    for both in ["198.51.100.1:81", "198.51.100.4:82", "[2001:db8::1]:83"] {
        assert!(slices.contains(both) && endpoints.contains(both), "{both}: {endpoints:?} {slices:?}");
    }
    let only: Vec<&String> = endpoints.difference(&slices).collect();
    assert!(only.is_empty(), "only in Endpoints: {only:?}");
    let labels = |job: &str| -> BTreeSet<&str> {
        let of = |t: &'static str| move |l: &&str| l.starts_with(t);
        let all =
            targets[job].iter().flat_map(|t| t.lines().filter_map(|l| l.split_once('=')).map(|(n, _)| n));
        all.filter(of("__meta_kubernetes_endpoint")).collect()
    };
    let (endpoints, slices) = (labels("endpoints"), labels("endpointslice"));
    println!("labels of endpoints: {endpoints:?}; of slices: {slices:?}");
    assert!(endpoints.contains("__meta_kubernetes_endpoint_ready"), "{endpoints:?}");
    for condition in ["ready", "serving", "terminating"] {
        let name = format!("__meta_kubernetes_endpointslice_endpoint_conditions_{condition}");
        assert!(slices.contains(name.as_str()), "{name}: {slices:?}");
    }
    assert!(
        endpoints.is_disjoint(&slices),
        "no label of the one is one of the other: {endpoints:?} {slices:?}"
    );
}
