//! # Scrapes end well before their timeout
//!
//! **Looks at** how long the last scrape of each target took, against its timeout.
//!
//! **Why it breaks silently.** At 9 of 10 seconds all is well; on the next busy day the scrape is thrown away as a whole, and
//! the panels have gaps just when somebody looks at them.
//!
//! **How to mend.** See why the process is slow: WireGuard metrics on many nodes (three series a peer), a node without CPU
//! left, a proxy between. Then raise `scrapeTimeout` (never above the interval) or scrape less often.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_scraped};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::snapshot::Target;

pub(crate) static CHECK: Check = Check {
    id: "T707",
    slug: "scrape-slow",
    title: "scrapes end well before their timeout",
    station: Station::Targets,
    level: Level::Warn,
    needs: &["T705"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

/// Share of the timeout from which on it is close.
const CLOSE: f64 = 0.8;

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_scraped(facts, of)
}

fn of(facts: &Facts<'_>, component: Component, entity: Entity) -> Option<Judged> {
    let targets = facts.targets(component);
    let mut slow: Vec<&Target> = targets
        .iter()
        .map(|(_, t)| *t)
        .filter(|t| t.health == "up" && t.timeout > 0.0 && t.duration >= CLOSE * t.timeout)
        .collect();
    slow.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    let Some(worst) = slow.first() else {
        return (!targets.is_empty()).then(|| Judged::pass(entity));
    };
    let title =
        format!("scraping {} takes {:.1} s of {:.0} s", component.title(), worst.duration, worst.timeout);
    let mut finding = Finding::new(title).confidence(Confidence::Observed);
    for target in slow.iter().take(5) {
        finding = finding.row(
            target.url.clone(),
            format!("{:.1} s", target.duration),
            format!("timeout {:.0} s", target.timeout),
        );
    }
    finding.cause.path = format!("scrapes of {component}");
    let fix = Fix::Outside(
        "find out why the process answers slowly (CPU of the node, WireGuard metrics); then raise scrapeTimeout on the \
         monitor, up to its interval"
            .to_owned(),
    );
    Some(Judged::warn(entity, finding.fix(fix)))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, running};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(duration: f64, expect: &[&str]) {
        let mut snap = running(&Options::default(), |_| {});
        snap.collectors[0].targets[0].duration = duration;
        assert_eq!(findings("T707", &snap), expect, "{duration}");
    }

    #[test]
    fn close_to_the_timeout_is_a_warning() {
        check(1.0, &[]);
        check(9.2, &["warn felix: scraping Felix takes 9.2 s of 10 s"]);
    }
}
