//! # No relabelling rule drops what was discovered
//!
//! **Looks at** the targets that Prometheus discovered and dropped for a monitor of the component, and runs the job's
//! relabelling rules over their labels, one by one, to find the rule that drops those that came furthest.
//!
//! **Why it breaks silently.** Dropping is what such rules are for; Prometheus counts it and says nothing. The operator turns
//! a monitor's selector and port into `keep` rules, so a name that is off by a letter ends here.
//!
//! **How to mend.** Compare the rule's pattern with the values seen. Rules above the monitor's own come from its `selector` and
//! `port`, those below from its `relabelings`. `tortie relabel JOB` shows every step.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_scraped};
use crate::doctor::dropping::{Drop, furthest};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::doctor::wording::listed;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T703",
    slug: "dropped-by-rule",
    title: "no relabelling rule drops what was discovered",
    station: Station::Targets,
    level: Level::Fail,
    needs: &["T606", "T505", "T506", "T507", "T508", "T509", "T513", "T404", "T407"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_scraped(facts, of)
}

fn of(facts: &Facts<'_>, component: Component, entity: Entity) -> Option<Judged> {
    // While some target is kept, the dropped ones are those that were not meant.
    if !facts.targets(component).is_empty() {
        return Some(Judged::pass(entity));
    }
    let branch = facts.best(component)?;
    let pool = facts.monitor(branch).pool();
    let drop = facts.reachable().find_map(|c| furthest(c, &pool))?;
    Some(Judged::fail(entity, finding(facts, branch, &pool, &drop)))
}

fn finding(facts: &Facts<'_>, branch: &crate::facts::branch::Branch, pool: &str, drop: &Drop) -> Finding {
    let monitor = facts.monitor(branch);
    let sources = drop.sources.join(", ");
    let title = format!(
        "rule {} of job {pool} ({} {sources} =~ {:?}) drops all {} targets",
        drop.rule, drop.action, drop.pattern, drop.count
    );
    let mut finding = Finding::new(title)
        .cause(monitor.object, "")
        .row(monitor.object.reference().to_string(), "", "")
        .row(format!("relabel_configs[{}]", drop.rule), format!("{} {:?}", drop.action, drop.pattern), "the rule that drops")
        .row("values seen", listed(&drop.values, 5), sources)
        .fix(Fix::Outside(
            "the rule comes from the monitor's selector, port or relabelings, or from its scrape class: change the one that asks for this value; \
             `tortie relabel JOB` shows every step"
                .to_owned(),
        ));
    finding.cause.path = format!("relabel_configs[{}]", drop.rule);
    finding.cause.have = drop.pattern.clone();
    finding
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, running};
    use std::collections::BTreeMap;
    use tortie_sim::installs::Options;

    const CONFIG: &str = "scrape_configs:\n- job_name: serviceMonitor/monitoring/calico-felix/0\n  relabel_configs:\n  - source_labels: [job]\n    target_label: __tmp\n  - action: keep\n    source_labels: [__meta_kubernetes_endpointslice_port_name]\n    regex: felix-metric\n";

    #[test]
    fn the_rule_that_drops_is_named_with_the_values_seen() {
        let mut snap = running(&Options::default(), |_| {});
        assert_eq!(findings("T703", &snap), Vec::<String>::new());
        let collector = &mut snap.collectors[0];
        collector.targets.retain(|t| !t.labels["job"].contains("felix"));
        collector.config = Some(CONFIG.to_owned());
        let labels: BTreeMap<String, String> =
            [("__meta_kubernetes_endpointslice_port_name".to_owned(), "felix-metrics".to_owned())].into();
        collector.dropped.push(("serviceMonitor/monitoring/calico-felix/0".to_owned(), labels));
        collector.dropped_counts.insert("serviceMonitor/monitoring/calico-felix/0".to_owned(), 3);
        assert_eq!(
            findings("T703", &snap),
            ["fail felix: rule 1 of job serviceMonitor/monitoring/calico-felix/0 (keep \
              __meta_kubernetes_endpointslice_port_name =~ \"felix-metric\") drops all 3 targets"]
        );
    }
}
