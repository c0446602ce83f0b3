//! # Targets are scraped when they are due
//!
//! **Looks at** the time of the last scrape of each target, against its interval.
//!
//! **Why it breaks silently.** A Prometheus without CPU or with a stuck disk scrapes late or not at all. Its page of targets
//! shows the old state, with a time that nobody reads.
//!
//! **How to mend.** Look at Prometheus itself: CPU throttling, memory, disk, `prometheus_target_interval_length_seconds`.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_scraped};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T708",
    slug: "scrape-stuck",
    title: "targets are scraped when they are due",
    station: Station::Targets,
    level: Level::Fail,
    needs: &["T702"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_scraped(facts, of)
}

fn of(facts: &Facts<'_>, component: Component, entity: Entity) -> Option<Judged> {
    let targets = facts.targets(component);
    let mut late: Vec<(f64, &str, &str, f64)> = Vec::new();
    for (collector, target) in &targets {
        if let Some(age) = facts.overdue(collector, target) {
            late.push((age, &target.url, &collector.replica, target.interval));
        }
    }
    late.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some((age, ..)) = late.first() else {
        return (!targets.is_empty()).then(|| Judged::pass(entity));
    };
    let title = format!("no scrape of {} for {:.0} s", component.title(), age);
    let mut finding = Finding::new(title).confidence(Confidence::Observed);
    for (age, url, replica, interval) in late.iter().take(5) {
        finding =
            finding.row(*url, format!("{age:.0} s ago"), format!("every {interval:.0} s, by {replica}"));
    }
    finding.cause.path = format!("scrapes of {component}");
    let fix =
        Fix::Outside("look at Prometheus itself: CPU throttling, memory, a full or slow disk".to_owned());
    Some(Judged::fail(entity, finding.fix(fix)))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, running};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(seconds_ago: i64, clock_ahead: i64, expect: &[&str]) {
        let mut snap = running(&Options::default(), |_| {});
        let at = snap.at;
        let collector = &mut snap.collectors[0];
        collector.clock_ahead = Some(clock_ahead * 1000);
        collector.targets.iter_mut().for_each(|t| t.last_scrape = Some(at + clock_ahead * 1000 - 1000));
        collector.targets[0].last_scrape = Some(at - seconds_ago * 1000);
        assert_eq!(findings("T708", &snap), expect, "{seconds_ago}");
    }

    #[test]
    fn three_intervals_are_too_long() {
        check(20, 0, &[]);
        check(240, 0, &["fail felix: no scrape of Felix for 240 s"]);
        check(-100, 100, &[]);
    }
}
