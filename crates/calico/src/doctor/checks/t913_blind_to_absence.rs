//! # An alert speaks when a component vanishes
//!
//! **Looks at** the alerts on each component that has alerts: whether one of them asks for absence.
//!
//! **Why it matters.** `up == 0` sees only targets that Prometheus still knows. When a Service, a label or a monitor goes, the targets go with it,
//! `up` has no series left, and the alert is silent for ever. `absent()` speaks exactly then.
//!
//! **How to mend.** Add one alert on `absent()` of a metric that the component always has.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::fix::{Auto, Command, op_add, op_test};
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::queries::asks_for_absence;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T913",
    slug: "blind-to-absence",
    title: "an alert speaks when a component vanishes",
    station: Station::Rules,
    level: Level::Info,
    needs: &["T901"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let alerts: Vec<_> =
        facts.rules().iter().filter(|r| r.alert && r.components.contains(&component)).collect();
    let first = alerts.first()?;
    if alerts.iter().any(|r| r.expr.as_ref().is_ok_and(asks_for_absence)) {
        return Some(Judged::pass(Entity::of(component)));
    }
    let mut finding = Finding::new(format!("no alert speaks when {} vanishes", component.title())).row(
        "alerts",
        alerts.len().to_string(),
        "none asks for absence",
    );
    finding.cause.path = format!("alerts of {component}");
    let marker = marker(component);
    let rule = json!({
        "alert": format!("Calico{}Absent", component.title().replace('-', "")),
        "expr": format!("absent({marker})"),
        "for": "10m",
        "labels": {"severity": "critical"},
        "annotations": {"summary": format!("Prometheus has no series of Calico's {}", component.title())},
    });
    finding = match &first.object {
        Some((object, pointer)) => {
            // /spec/groups/G/rules/R/expr
            let group = pointer.split("/rules/").next().unwrap_or_default();
            let list = format!("{group}/rules/-");
            let name = format!("{group}/name");
            match (mend::edit(facts, object, &list, &rule), object.at(&name)) {
                (Some(edit), _) => finding.fix(edit),
                (None, Some(old)) => {
                    let ops = vec![op_test(&name, old), op_add(&list, &rule)];
                    let command = Command::kubectl(&facts.snap.identity).patch(
                        &object.reference(),
                        "prometheusrules",
                        ops,
                    );
                    finding.fix(Fix::Commands { auto: Auto::Yes, commands: vec![command] })
                }
                (None, None) => finding.fix(Fix::Outside(format!("add an alert on absent({marker})"))),
            }
        }
        None => finding.fix(Fix::Outside(format!("add an alert on absent({marker})"))),
    };
    Some(Judged::info(Entity::of(component), finding))
}

/// A metric that the component always has and, from 3.33 on, no other process has with value zero.
fn marker(component: Component) -> &'static str {
    match component {
        Component::Felix => "felix_host",
        Component::Typha => "typha_breadcrumb_size_count",
        Component::KubeControllers => "ipam_ippool_size",
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, rule, snapshot};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(exprs: &[&str], expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            let alerts: Vec<(&str, &str)> = exprs.iter().map(|e| ("A", *e)).collect();
            o.add(rule("r", &alerts));
        });
        assert_eq!(findings("T913", &snap), expect);
    }

    #[test]
    fn an_alert_on_absence_is_enough() {
        check(&["node_load1 > 3"], &[]);
        check(&["felix_host == 0", "absent(felix_host)"], &[]);
        check(&["up{job=\"felix\"} == 0"], &["info felix: no alert speaks when Felix vanishes"]);
        let snap = snapshot(&Options::default(), |o| {
            o.add(rule("r", &[("Down", "felix_host == 0")]));
        });
        let mends = mends("T913", &snap);
        assert!(
            mends[0].contains("\"op\":\"test\",\"path\":\"/spec/groups/0/name\",\"value\":\"calico\""),
            "{mends:?}"
        );
        assert!(
            mends[0].contains("/spec/groups/0/rules/-") && mends[0].contains("absent(felix_host)"),
            "{mends:?}"
        );
    }
}
