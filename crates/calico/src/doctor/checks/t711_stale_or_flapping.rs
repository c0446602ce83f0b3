//! # Targets stay up
//!
//! **Looks at** how often `up` of each target changed within the last hour.
//!
//! **Why it breaks silently.** A target that is up when one looks may have been down every few minutes. Rates have gaps, and
//! alerts with a `for` never fire, because the clock of `for` starts anew each time.
//!
//! **How to mend.** Look at the pod's restarts, at the node, and at the timeout: a scrape near its timeout fails now and then.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_scraped};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::questions;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T711",
    slug: "stale-or-flapping",
    title: "targets stay up",
    station: Station::Fresh,
    level: Level::Warn,
    needs: &["T710"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_scraped(facts, of)
}

fn of(facts: &Facts<'_>, component: Component, entity: Entity) -> Option<Judged> {
    let answer = match facts.answer(&questions::flaps(&questions::jobs(facts)?))? {
        Ok(answer) => answer,
        Err(e) => {
            return Some(Judged::unknown(
                entity,
                format!("Prometheus could not say how often targets went down: {e}"),
            ));
        }
    };
    let own = facts.jobs(component);
    let mut flapping: Vec<(&str, f64)> = answer
        .iter()
        .filter(|s| s.labels.get("job").is_some_and(|j| own.contains(j)))
        .map(|s| (s.labels.get("instance").map_or("", String::as_str), s.value))
        .collect();
    flapping.sort_by(|a, b| b.1.total_cmp(&a.1));
    let Some((instance, changes)) = flapping.first() else { return Some(Judged::pass(entity)) };
    // It goes down and comes back: two changes.
    let title = format!(
        "{instance} of {} was down {:.0} times in the last hour",
        component.title(),
        (changes / 2.0).ceil()
    );
    let mut finding = Finding::new(title).confidence(Confidence::Observed);
    for (instance, changes) in flapping.iter().take(5) {
        finding = finding.row(*instance, format!("{changes:.0} changes of up"), "in an hour");
    }
    finding.cause.path = format!("up of {component}");
    let fix = Fix::Outside(
        "look at the restarts of the pods that are named, at their nodes, and at scrapes near their timeout"
            .to_owned(),
    );
    Some(Judged::warn(entity, finding.fix(fix)))
}

#[cfg(test)]
mod tests {
    use crate::doctor::questions;
    use crate::facts::Facts;
    use crate::testing::{findings, running, with_answer};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(samples: &[(&str, f64)], expect: &[&str]) {
        let snap = running(&Options::default(), |_| {});
        let query = questions::flaps(&questions::jobs(&Facts::of(&snap)).expect("jobs"));
        assert_eq!(findings("T711", &with_answer(snap, &query, samples)), expect);
    }

    #[test]
    fn coming_and_going_is_a_warning() {
        check(&[], &[]);
        check(&[("{job=\"other\", instance=\"x\"}", 40.0)], &[]);
        check(
            &[("{job=\"felix\", instance=\"10.99.1.2:9091\"}", 14.0)],
            &["warn felix: 10.99.1.2:9091 of Felix was down 7 times in the last hour"],
        );
    }
}
