//! # Targets send about as many series as they should
//!
//! **Looks at** the number of samples a scrape of each target, against what the component has by its catalogue: Felix about
//! 290, Typha about 440, kube-controllers about 70 and forty more a node with IPAM.
//!
//! **Why it matters.** Ten times as many means WireGuard metrics on a large cluster (three series for each pair of nodes), or a
//! process that is not Calico's. It costs memory long before it breaks.
//!
//! **How to mend.** Switch `prometheusWireGuardMetricsEnabled` off, or keep less by `metricRelabelings`.

use crate::catalogue;
use crate::component::Component;
use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_scraped};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::questions;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T714",
    slug: "unexpected-volume",
    title: "targets send about as many series as they should",
    station: Station::Fresh,
    level: Level::Info,
    needs: &["T710"],
    evidence: &[Evidence::Prometheus],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_scraped(facts, of)
}

fn of(facts: &Facts<'_>, component: Component, entity: Entity) -> Option<Judged> {
    let answer = facts.answer(&questions::scraped(&questions::jobs(facts)?))?.ok()?;
    let own = facts.jobs(component);
    let most = catalogue::most_series(component, facts.snap.nodes.len());
    let mut large: Vec<(&str, f64)> = answer
        .iter()
        .filter(|s| s.value > most && s.labels.get("job").is_some_and(|j| own.contains(j)))
        .map(|s| (s.labels.get("instance").map_or("", String::as_str), s.value))
        .collect();
    large.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some((instance, value)) = large.first() else { return Some(Judged::pass(entity)) };
    // How many there may be hangs on the number of nodes.
    if let Some(judged) = blind::list(facts, &entity, "nodes") {
        return Some(judged);
    }
    let mut finding = Finding::new(format!("{} at {instance} sends {value:.0} series", component.title()))
        .confidence(Confidence::Observed)
        .row("expected at most", format!("{most:.0}"), "");
    for (instance, value) in large.iter().take(5) {
        finding = finding.row(*instance, format!("{value:.0}"), "");
    }
    finding.cause.path = format!("series of {component}");
    let fix = Fix::Outside("see which families are large: `tortie scrape` on the target counts them; WireGuard's are the usual ones".to_owned());
    Some(Judged::info(entity, finding.fix(fix)))
}

#[cfg(test)]
mod tests {
    use crate::doctor::questions;
    use crate::facts::Facts;
    use crate::testing::{findings, running, with_answer};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(value: f64, expect: &[&str]) {
        let snap = running(&Options::default(), |_| {});
        let query = questions::scraped(&questions::jobs(&Facts::of(&snap)).expect("jobs"));
        let snap = with_answer(snap, &query, &[("{job=\"typha\", instance=\"n3:9093\"}", value)]);
        assert_eq!(findings("T714", &snap), expect);
    }

    #[test]
    fn far_more_than_the_catalogue_is_worth_knowing() {
        check(442.0, &[]);
        check(40_000.0, &["info typha: Typha at n3:9093 sends 40000 series"]);
    }
}
