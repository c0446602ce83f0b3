//! Nothing changes: both discover the same.

use super::beside::Beside;

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
    super::changes::all(&beside);
}
