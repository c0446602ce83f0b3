//! # No target is scraped twice
//!
//! **Looks at** the addresses that one Prometheus scrapes, and whether one of them is in two jobs, or twice in one.
//!
//! **Why it breaks silently.** Both copies are stored, with another `job` or `service`. Sums and counts double, alerts come
//! twice, and each copy alone looks right.
//!
//! **How to mend.** Take one of the two away: the extra Service, the second monitor, or the scraping by annotation that
//! `prometheus.io/scrape` causes next to a monitor. Where the Services and monitors themselves show it, T408, T410 and T515
//! say which; then this check is silent.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_scraped};
use crate::doctor::checks::find;
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::{Level, Verdict};
use crate::facts::Facts;
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T709",
    slug: "scraped-twice",
    title: "no target is scraped twice",
    station: Station::Targets,
    level: Level::Warn,
    needs: &["T702", "T211"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_scraped(facts, of)
}

fn of(facts: &Facts<'_>, component: Component, entity: Entity) -> Option<Judged> {
    let mut twice: Vec<(String, Vec<String>)> = Vec::new();
    for collector in facts.reachable() {
        let mut pools: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        // By address over all targets: the second job may be one that nobody took for the component's.
        let own = facts.targets_of(collector, component);
        for target in collector.targets.iter().filter(|t| own.iter().any(|o| o.url == t.url)) {
            pools.entry(&target.url).or_default().push(target.pool.clone());
        }
        twice.extend(pools.into_iter().filter(|(_, p)| p.len() > 1).map(|(u, p)| (u.to_owned(), p)));
    }
    twice.sort();
    twice.dedup();
    let Some((url, pools)) = twice.first() else {
        return (!facts.targets(component).is_empty()).then(|| Judged::pass(entity));
    };
    if said(facts, &["T408", "T410", "T515"], component) {
        return Some(Judged::pass(entity));
    }
    let title = format!("{} is scraped {} times: {}", component.title(), pools.len(), pools.join(" and "));
    let mut finding = Finding::new(title).confidence(Confidence::Observed).row(url.clone(), "", "");
    for pool in pools {
        finding = finding.row("job", pool.clone(), "");
    }
    finding = finding.row("targets", twice.len().to_string(), "scraped more than once");
    finding.cause.path = format!("targets of {component}");
    finding.cause.have = pools.join(",");
    let fix = Fix::Outside(
        "keep the job that a monitor makes and take the other away: a second monitor, or a job of additionalScrapeConfigs \
         that follows prometheus.io/scrape"
            .to_owned(),
    );
    Some(Judged::warn(entity, finding.fix(fix)))
}

/// Whether one of `ids` has something to say of the component: then a check that sees the consequence is silent.
fn said(facts: &Facts<'_>, ids: &[&str], component: Component) -> bool {
    ids.iter().filter_map(|id| find(id)).any(|check| {
        (check.judge)(facts).iter().any(|j| {
            matches!(j.verdict, Verdict::Fail | Verdict::Warn)
                && j.entity.component.is_none_or(|c| c == component)
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, running};
    use tortie_sim::installs::Options;

    #[test]
    fn one_address_in_two_jobs_is_a_warning() {
        let mut snap = running(&Options::default(), |_| {});
        assert_eq!(findings("T709", &snap), Vec::<String>::new());
        let mut again = snap.collectors[0].targets[0].clone();
        again.pool = "kubernetes-pods".to_owned();
        snap.collectors[0].targets.push(again);
        assert_eq!(
            findings("T709", &snap),
            [
                "warn felix: Felix is scraped 2 times: serviceMonitor/monitoring/calico-felix/0 and kubernetes-pods"
            ]
        );
    }

    #[test]
    fn two_replicas_scrape_the_same_and_that_is_right() {
        let mut snap = running(&Options::default(), |_| {});
        let again = snap.collectors[0].clone();
        snap.collectors.push(again);
        assert_eq!(findings("T709", &snap), Vec::<String>::new());
    }
}
