//! # Series keep their own labels and their targets apart
//!
//! **Looks at** labels that begin with `exported_` on Calico's series, and at targets that share all labels.
//!
//! **Why it breaks silently.** When a target label has the name of one of the series' own, Prometheus keeps the target's and
//! renames the other: `node` of kube-controllers' IPAM series becomes `exported_node`, and every panel by node then shows
//! the one node on which kube-controllers runs. When relabelling takes away what tells two targets apart (`instance`, `pod`),
//! their series overwrite each other, and each panel jumps between the two.
//!
//! **How to mend.** Take out the relabelling that sets the label, or set `honorLabels: true` on the monitor's endpoint of
//! kube-controllers. Keep `instance`.

use crate::catalogue;
use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_scraped};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::fix::Fix;
use crate::doctor::mend_link;
use crate::doctor::questions;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::snapshot::Target;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) static CHECK: Check = Check {
    id: "T712",
    slug: "label-clash",
    title: "series keep their own labels and their targets apart",
    station: Station::Fresh,
    level: Level::Warn,
    needs: &["T710"],
    evidence: &[Evidence::Prometheus],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_scraped(facts, of)
}

fn of(facts: &Facts<'_>, component: Component, entity: Entity) -> Option<Judged> {
    if let Some(finding) = same_labels(facts, component) {
        return Some(Judged::warn(entity, finding));
    }
    let answer = facts.answer(&questions::clashes())?.ok()?;
    let own = |s: &&crate::snapshot::Sample| {
        s.labels.get("__name__").is_some_and(|n| catalogue::component_of(n) == Some(component))
    };
    let mut pushed: BTreeSet<String> = BTreeSet::new();
    let mut example = None;
    for sample in answer.iter().filter(own) {
        for (label, value) in
            sample.labels.iter().filter(|(l, v)| l.starts_with("exported_") && !v.is_empty())
        {
            pushed.insert(label.clone());
            example = example.or(Some((
                sample.labels.get("__name__").cloned().unwrap_or_default(),
                label.clone(),
                value.clone(),
            )));
        }
    }
    let Some((name, label, value)) = example else {
        return (!facts.targets(component).is_empty()).then(|| Judged::pass(entity));
    };
    let plain: Vec<&str> = pushed.iter().map(|l| l.trim_start_matches("exported_")).collect();
    let title = format!("a target label hides {}'s own label {}", component.title(), plain.join(" and "));
    let mut finding = Finding::new(title).confidence(Confidence::Observed).row(
        name,
        format!("{label}={value:?}"),
        "its own value, renamed",
    );
    finding.cause.path = format!("labels of {component}");
    finding.cause.have = plain.join(",");
    if let Some(branch) = facts.best(component) {
        let monitor = facts.monitor(branch);
        finding = finding.cause(monitor.object, &monitor.pointer("honorLabels"));
        finding = finding.fix(mend_link::endpoint(facts, monitor, "honorLabels", json!(true), Auto::Ask));
    } else {
        finding = finding.fix(Fix::Outside(
            "set honor_labels on this job, or take out the relabelling that sets the label".to_owned(),
        ));
    }
    Some(Judged::warn(entity, finding))
}

/// Two addresses with one set of labels.
fn same_labels(facts: &Facts<'_>, component: Component) -> Option<Finding> {
    for collector in facts.reachable() {
        let mut by_labels: BTreeMap<&BTreeMap<String, String>, BTreeSet<&str>> = BTreeMap::new();
        for target in facts.targets_of(collector, component) {
            let Target { labels, url, .. } = target;
            by_labels.entry(labels).or_default().insert(url);
        }
        let Some((labels, urls)) = by_labels.into_iter().find(|(_, urls)| urls.len() > 1) else { continue };
        let title = format!(
            "{} targets of {} have the same labels, so their series overwrite each other",
            urls.len(),
            component.title()
        );
        let text: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
        let mut finding =
            Finding::new(title).confidence(Confidence::Observed).row("labels", text.join(", "), "");
        for url in urls.iter().take(3) {
            finding = finding.row("target", *url, "");
        }
        finding.cause.path = format!("labels of {component}");
        finding.cause.have = "same".to_owned();
        return Some(finding.fix(Fix::Outside(
            "take out the relabelling that drops or overwrites the label instance (a labeldrop, or a replace with a constant)".to_owned(),
        )));
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::doctor::questions;
    use crate::testing::{findings, mends, running, with_answer};
    use tortie_sim::installs::Options;

    #[test]
    fn a_hidden_label_is_named() {
        let snap = running(&Options::default(), |_| {});
        let quiet =
            with_answer(snap.clone(), &questions::clashes(), &[("ipam_blocks{exported_node=\"\"}", 1.0)]);
        assert_eq!(findings("T712", &quiet), Vec::<String>::new());
        let loud = with_answer(snap, &questions::clashes(), &[("ipam_blocks{exported_node=\"n1\"}", 1.0)]);
        assert_eq!(
            findings("T712", &loud),
            ["warn kube-controllers: a target label hides kube-controllers's own label node"]
        );
        assert!(mends("T712", &loud)[0].contains("honorLabels"), "{:?}", mends("T712", &loud));
    }

    #[test]
    fn targets_need_something_that_tells_them_apart() {
        let mut snap = running(&Options::default(), |_| {});
        for target in &mut snap.collectors[0].targets {
            target.labels.retain(|k, _| k == "job");
        }
        assert_eq!(
            findings("T712", &snap)[0],
            "warn felix: 3 targets of Felix have the same labels, so their series overwrite each other"
        );
    }
}
