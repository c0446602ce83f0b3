//! # The monitor has the labels that Prometheus selects by
//!
//! **Looks at** the labels of the monitor and at the selector of its kind in the Prometheus object
//! (`serviceMonitorSelector`, `podMonitorSelector`, `scrapeConfigSelector`).
//!
//! **Why it breaks silently.** prometheus-operator passes over what a selector does not match; no event, no status says so.
//! kube-prometheus-stack selects by a label with the name of its Helm release, so a monitor copied from somewhere else, or
//! a release installed under another name, is never seen.
//!
//! **How to mend.** Label the monitor as the selector asks. Which label that is, is read from your Prometheus object.

use crate::doctor::check::{Check, Evidence, Judged, Station, each_taken};
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend_link::{label, labels_to_meet};
use crate::doctor::nearest::{Choice, rank};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::Branch;
use crate::facts::monitors::Monitor;

pub(crate) static CHECK: Check = Check {
    id: "T502",
    slug: "labels-not-selected",
    title: "the monitor has the labels that Prometheus selects by",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T501", "T602"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_taken(facts, |taken| taken.labels.is_empty(), |facts, branch, _, _| finding(facts, branch))
}

/// One label missing on three monitors is one finding: all of them are named, and the first is its cause.
fn finding(facts: &Facts<'_>, branch: &Branch) -> Option<Finding> {
    let prometheus = facts.prometheus(branch)?;
    let kind = facts.monitor(branch).selected_as();
    let selector = prometheus.selector(kind)?;
    let same: Vec<&Monitor<'_>> = facts
        .installed()
        .filter_map(|c| facts.best(c))
        .filter(|b| b.prometheus == branch.prometheus && facts.monitor(b).selected_as() == kind)
        .filter(|b| b.taken.as_ref().map(|t| &t.labels) == branch.taken.as_ref().map(|t| &t.labels))
        .map(|b| facts.monitor(b))
        .collect();
    let first = same.first()?;
    let misses = &branch.taken.as_ref()?.labels;
    let miss = misses.first()?;
    let has = match &miss.have {
        Some(value) => format!("has {}={value}", miss.key),
        None => format!("has no label {}", miss.key),
    };
    let who =
        if same.len() == 1 { "the monitor".to_owned() } else { format!("each of {} monitors", same.len()) };
    let title = format!("{} takes monitors with {selector}; {who} {has}", prometheus.object.reference());
    let at = match &miss.have {
        Some(_) => format!("/metadata/labels/{}", miss.key.replace('~', "~0").replace('/', "~1")),
        None => "/metadata/labels".to_owned(),
    };
    let mut finding = Finding::new(title).cause(first.object, &at);
    finding.cause.have =
        misses.iter().map(|m| m.have.clone().unwrap_or_default()).collect::<Vec<_>>().join(",");
    finding = finding.row(prometheus.object.reference().to_string(), "", "").row(
        kind.selector().trim_start_matches("/spec/"),
        selector.to_string(),
        "",
    );
    for monitor in &same {
        finding = finding.row(monitor.object.reference().to_string(), "", "");
        for miss in misses {
            let have = miss.have.clone().unwrap_or_else(|| "(none)".to_owned());
            finding = finding.row(format!("labels.{}", miss.key), have, format!("wanted: {}", miss.wanted));
        }
    }
    let choices = [Choice { value: &miss.wanted, fact: Some("what the selector asks for") }];
    finding = finding.candidates(rank(
        miss.have.as_deref().unwrap_or_default(),
        &choices,
        "value that is selected",
    ));
    let mut commands = Vec::new();
    let mut done = Vec::new();
    for monitor in &same {
        let reference = monitor.object.reference();
        if done.contains(&reference) {
            continue;
        }
        done.push(reference);
        // A selector that no labels can meet is not mended here.
        let Some(changes) = labels_to_meet(&selector, &monitor.object.meta.labels) else {
            return Some(finding);
        };
        match label(facts, monitor.object, monitor.plural(), &changes, Auto::Yes) {
            Fix::Commands { commands: mut more, .. } => commands.append(&mut more),
            // One that is kept elsewhere says where; the others are of the same kind.
            other => return Some(finding.fix(other)),
        }
    }
    Some(finding.fix(Fix::Commands { auto: Auto::Yes, commands }))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, report, roots, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    const SELECTS: &str =
        "Prometheus monitoring/prometheus-kube-prometheus-prometheus takes monitors with release=prometheus";

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: &[String]) {
        assert_eq!(findings("T502", &snapshot(&Options::default(), change)), expect);
    }

    fn on(component: &str, text: &str) -> String {
        format!(
            "fail {component} prometheus/monitoring/prometheus-kube-prometheus-prometheus: {SELECTS}; {text}"
        )
    }

    #[test]
    fn labels_are_compared_with_the_selector() {
        check(|_| {}, &[]);
        check(
            |o| set(o.get("ServiceMonitor", "calico-felix"), "/metadata/labels/release", json!("kube-prom")),
            &[on("felix", "the monitor has release=kube-prom")],
        );
        check(
            |o| set(o.get("ServiceMonitor", "calico-felix"), "/metadata/labels", Value::Null),
            &[on("felix", "the monitor has no label release")],
        );
    }

    #[test]
    fn one_label_missing_on_three_is_one_finding_with_three_commands() {
        let snap = snapshot(&Options::default(), |o| {
            for name in ["calico-felix", "calico-typha", "calico-kube-controllers"] {
                set(o.get("ServiceMonitor", name), "/metadata/labels", json!({}));
            }
        });
        assert_eq!(roots(&snap), ["T502"]);
        let finding = report(&snap).findings.into_iter().find(|f| f.id == "T502").expect("a finding");
        assert_eq!(finding.entities.len(), 3);
        let commands = mends("T502", &snap);
        assert_eq!(
            commands[..3],
            ["calico-felix", "calico-typha", "calico-kube-controllers"].map(|name| format!(
                "kubectl --context=test -n monitoring label servicemonitors.v1.monitoring.coreos.com {name} release=prometheus --overwrite"
            ))
        );
    }
}
