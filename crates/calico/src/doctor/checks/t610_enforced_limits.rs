//! # The limits let every sample through
//!
//! **Looks at** `sampleLimit` of the monitor and `enforcedSampleLimit` of the Prometheus object, against the number of series
//! that the processes answered to a probe.
//!
//! **Why it breaks silently.** Over the limit Prometheus throws away the whole scrape, not the surplus: `up` is 0, and all
//! samples of the target are gone. Felix in eBPF mode or Typha on a large cluster grows over a limit that was ample once.
//!
//! **How to mend.** Raise the limit on the monitor; where the Prometheus object enforces one, there. T706 tells when it has
//! happened.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::snapshot::ProbeOutcome;
use serde_json::{Value, json};

pub(crate) static CHECK: Check = Check {
    id: "T610",
    slug: "enforced-limits",
    title: "the limits let every sample through",
    station: Station::Fresh,
    level: Level::Warn,
    needs: &["T602"],
    evidence: &[Evidence::Objects, Evidence::Probes],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branch = facts.best(component)?;
    let prometheus = facts.prometheus(branch)?;
    let monitor = facts.monitor(branch);
    let entity = Entity::of(component).in_prometheus(prometheus.name.clone());
    // A limit of 0 is none; of two the smaller counts (promcfg.go).
    let limit =
        |o: &tortie_cluster::object::Object, at: &str| o.at(at).and_then(Value::as_u64).filter(|n| *n > 0);
    let own = limit(monitor.object, "/spec/sampleLimit").map(|n| (n, monitor.object, "/spec/sampleLimit"));
    let enforced = limit(prometheus.object, "/spec/enforcedSampleLimit")
        .map(|n| (n, prometheus.object, "/spec/enforcedSampleLimit"));
    let (limit, object, pointer) = [own, enforced].into_iter().flatten().min_by_key(|l| l.0)?;
    let measured =
        facts.snap.probes.iter().filter(|p| p.component == component).filter_map(|p| match &p.outcome {
            ProbeOutcome::Answered { families, .. } => {
                Some((families.values().sum::<u64>(), format!("on {}", p.node)))
            }
            _ => None,
        });
    // No probe answered: a limit that no process of this kind stays under is told all the same.
    let (most, place, sure) = match measured.max() {
        Some((most, place)) => (most, place, Confidence::Observed),
        None => (at_least(component), "at the least".to_owned(), Confidence::Inferred),
    };
    if most <= limit {
        return Some(Judged::pass(entity));
    }
    let name = pointer.trim_start_matches("/spec/");
    let title = format!(
        "{name} {limit} is below the {most} series of {} {place}: the whole scrape is thrown away",
        component.title()
    );
    let raised = json!(most.min(1 << 40).saturating_mul(2).next_multiple_of(1000));
    let finding = Finding::new(title)
        .cause(object, pointer)
        .row(object.reference().to_string(), "", "")
        .row(name, limit.to_string(), "")
        .row("series", most.to_string(), place)
        .confidence(sure)
        .fix(mend::set(facts, object, pointer, raised, Auto::Ask));
    Some(Judged::warn(entity, finding))
}

/// Series that every process of a component exposes, rounded down from counts of its source (Calico 3.30).
fn at_least(component: Component) -> u64 {
    match component {
        Component::Felix => 250,
        Component::Typha => 200,
        Component::KubeControllers => 60,
    }
}

#[cfg(test)]
mod tests {
    use crate::component::Component;
    use crate::snapshot::{Probe, ProbeOutcome, Snapshot, Vantage};
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    fn with(limit: u64, series: u64) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/sampleLimit", json!(limit))
        });
        snap.probes.push(Probe {
            component: Component::Felix,
            pod: ("calico-system".to_owned(), "calico-node-x".to_owned()),
            node: "n1".to_owned(),
            port: 9091,
            from: Vantage::PortForward,
            outcome: ProbeOutcome::Answered {
                families: [("felix_x".to_owned(), series)].into(),
                broken: None,
                content_type: String::new(),
            },
        });
        snap
    }

    #[track_caller]
    fn check(limit: u64, series: u64, expect: Option<&str>) {
        let got = findings("T610", &with(limit, series));
        assert_eq!(got.first().and_then(|f| f.split_once(": ")).map(|f| f.1), expect);
    }

    #[test]
    fn the_whole_scrape_is_at_stake() {
        check(500, 400, None);
        check(0, 400, None);
        check(
            500,
            1180,
            Some("sampleLimit 500 is below the 1180 series of Felix on n1: the whole scrape is thrown away"),
        );
    }

    #[test]
    fn without_a_probe_only_what_cannot_be_is_told() {
        let enforced = |n: u64| {
            let snap = snapshot(&Options::default(), |o| {
                set(
                    o.get("Prometheus", "prometheus-kube-prometheus-prometheus"),
                    "/spec/enforcedSampleLimit",
                    json!(n),
                );
            });
            findings("T610", &snap).len()
        };
        assert_eq!((enforced(100), enforced(1000)), (2, 0));
    }

    #[test]
    fn the_command_raises_it() {
        assert_eq!(
            mends("T610", &with(500, 1180)),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-felix --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/sampleLimit\",\"value\":500},{\"op\":\"replace\",\"path\":\"/spec/sampleLimit\",\"value\":3000}]'"
            ]
        );
    }
}
