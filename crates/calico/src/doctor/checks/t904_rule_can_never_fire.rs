//! # Rules read series that exist
//!
//! **Looks at** every rule that reads Calico's series: whether its names are in Calico's catalogue for this version, and, where Prometheus
//! can be asked, whether its selectors have data. Rules that ask for absence (`absent`, `unless`, `or vector(0)`) are left out.
//!
//! **Why it breaks silently.** A rule on a name that does not exist is valid and healthy, and can never fire.
//! `felix_int_dataplane_failures_total`, `felix_resyncs_total` and `felix_ipset_errors_total` stand in many published rules; Calico has none of
//! them (its counters lack `_total`).
//!
//! **How to mend.** Put the name or the label that exists in its place.

use crate::catalogue;
use crate::component::Component;
use crate::doctor::bisect::{Oracle, diagnose, written};
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::fix::Fix;
use crate::doctor::mend_link;
use crate::doctor::panel_causes::{Culprit, nearest, of_diagnosis, too_young, unknown};
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::queries::{self, Life, life, metric};
use crate::facts::rules::Rule;
use serde_json::json;
use tortie_promql::Expr;

pub(crate) static CHECK: Check = Check {
    id: "T904",
    slug: "rule-can-never-fire",
    title: "rules read series that exist",
    station: Station::Rules,
    level: Level::Warn,
    needs: &["T903", "T710"],
    evidence: &[Evidence::Objects, Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out: Vec<Judged> = facts.rules().iter().filter_map(|r| of(facts, r)).collect();
    if out.is_empty() {
        out.push(Judged::skipped(Entity::cluster(), "no rule that reads Calico's series is in sight"));
    }
    out
}

fn of(facts: &Facts<'_>, rule: &Rule) -> Option<Judged> {
    let expr = rule.expr.as_ref().ok()?;
    let component = rule.components.first().copied()?;
    let entity = Entity::of(component).item(rule.title());
    if queries::asks_for_absence(expr) {
        return Some(Judged::pass(entity));
    }
    // A rule for what is not installed cannot fire and need not.
    if !rule.components.iter().any(|c| facts.has(*c)) {
        return Some(Judged::skipped(entity, format!("{} is not installed", component.title())));
    }
    if let Some(finding) = by_name(facts, rule, expr) {
        return Some(Judged::warn(entity, finding));
    }
    let arrive = rule.components.iter().all(|c| facts.some_samples(*c));
    if facts.reachable().next().is_none() {
        return Some(Judged::pass(entity));
    }
    if !arrive {
        let mut finding = Finding::new(format!(
            "{} cannot fire while no sample of {} arrives",
            rule.title(),
            component.title()
        ));
        finding.cause.path = format!("rules of {component}");
        // A warning behind a failure is one of its consequences.
        return Some(Judged::fail(Entity::of(component), finding));
    }
    let diagnosis = diagnose(&Oracle::new(facts), &queries::relaxed(expr));
    let why = match of_diagnosis(facts, diagnosis, false) {
        Culprit::None => return Some(Judged::pass(entity)),
        Culprit::Unasked => return Some(Judged::unknown(entity, "Prometheus was not asked for this rule")),
        Culprit::Mode(need) => return Some(Judged::skipped(entity, format!("needs {need}"))),
        Culprit::Young(ms) => return Some(Judged::pending(entity, too_young(ms))),
        Culprit::Matcher(killer) => format!("{} matches nothing", written(&killer.matcher)),
        Culprit::Range(function, ms) => {
            format!("the range {} of {function} holds no two samples", tortie_model::duration::format(ms))
        }
        Culprit::Gone(name, until, _) => format!("{name} went with Calico 3.{until}"),
        Culprit::Other(why) => why,
    };
    Some(Judged::warn(
        entity,
        finding(rule, &why)
            .confidence(Confidence::Observed)
            .fix(Fix::Outside("correct the rule's expression".to_owned())),
    ))
}

/// A name that no version, or not this one, has: told without asking anybody.
fn by_name(facts: &Facts<'_>, rule: &Rule, expr: &Expr) -> Option<Finding> {
    let version = facts.install.version;
    let there = |name: &str| -> bool {
        let Some(component) = catalogue::component_of(name) else { return true };
        // Recorded series may have any name; what is stored is there.
        let recorded = facts.rules().iter().any(|r| !r.alert && r.name == name) || name.contains(':');
        let stored =
            facts.answer(&format!("count({name})")).and_then(Result::ok).is_some_and(|s| !s.is_empty());
        let known = catalogue::find(name)
            .is_some_and(|m| m.until.is_none_or(|u| version.is_none_or(|v| !v.since(u))));
        known || recorded || stored || !facts.has(component)
    };
    let Life::Dead(selector) = life(expr, &mut |s| Some(metric(s).is_none_or(there))) else { return None };
    let name = metric(selector)?;
    let component: Component = catalogue::component_of(name)?;
    let (why, new) = match catalogue::find(name) {
        Some(m) => (
            format!("{name} went with Calico 3.{}", m.until.unwrap_or_default()),
            m.successor.map(str::to_owned),
        ),
        None => (unknown(facts, component, name), nearest(facts, component, name)),
    };
    // Only the plain slip of `_total` is sure; a name that merely looks alike is for a human to choose.
    let sure = new.as_deref().is_some_and(|n| name.strip_suffix("_total") == Some(n))
        || catalogue::find(name).is_some();
    let finding = finding(rule, &why);
    Some(match (&rule.object, new) {
        (Some((object, pointer)), Some(new)) if sure => {
            let text = rule.text.replace(name, &new);
            finding.fix(mend_link::pointer(facts, object, "prometheusrules", pointer, json!(text), Auto::Ask))
        }
        _ => finding.fix(Fix::Outside("correct the name in the rule's expression".to_owned())),
    })
}

fn finding(rule: &Rule, why: &str) -> Finding {
    let mut finding = Finding::new(format!("{} can never fire: {why}", rule.title()));
    if !rule.alert {
        finding.title = format!("{} records nothing: {why}", rule.title());
    }
    if let Some((object, pointer)) = &rule.object {
        finding = finding.cause(object, pointer).row(
            object.reference().to_string(),
            format!("group {}", rule.group),
            "",
        );
    } else {
        finding.cause.path = format!("rule {}/{}", rule.group, rule.name);
        finding.cause.have = rule.text.clone();
    }
    finding.row("expr", rule.text.clone(), "")
}

#[cfg(test)]
mod tests {
    use crate::testing::{answered, findings, mends, rule, running, snapshot};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(expr: &str, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            o.add(rule("r", &[("Bad", expr)]));
        });
        assert_eq!(findings("T904", &snap), expect, "{expr}");
    }

    #[test]
    fn names_are_told_without_asking_anybody() {
        check("increase(felix_int_dataplane_failures[5m]) > 0", &[]);
        check("absent(felix_nothing)", &[]);
        check("felix_nothing or felix_host", &[]);
        check("felix:recorded:sum > 3", &[]);
        check(
            "increase(felix_int_dataplane_failures_total[5m]) > 0",
            &[
                "warn felix alert Bad: alert Bad can never fire: Felix has no metric felix_int_dataplane_failures_total; there is \
               felix_int_dataplane_failures",
            ],
        );
        let snap = snapshot(&Options::default(), |o| {
            o.add(rule("r", &[("Bad", "felix_ipset_errors_total > 0")]));
        });
        assert_eq!(
            mends("T904", &snap),
            [
                "kubectl --context=test -n monitoring patch prometheusrules.v1.monitoring.coreos.com r --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/groups/0/rules/0/expr\",\"value\":\"felix_ipset_errors_total > 0\"},\
              {\"op\":\"replace\",\"path\":\"/spec/groups/0/rules/0/expr\",\"value\":\"felix_ipset_errors > 0\"}]'"
            ]
        );
    }

    #[test]
    fn matchers_are_judged_by_what_is_stored() {
        let snap = running(&Options::default(), |o| {
            o.add(rule(
                "r",
                &[("Down", "up{job=\"felix_metrics\"} == 0"), ("Good", "up{job=\"felix\"} == 0")],
            ));
        });
        let snap = answered(snap, &["up{job=\"felix\"}", "felix_host{}"], &[]);
        assert_eq!(
            findings("T904", &snap),
            ["warn felix alert Down: alert Down can never fire: job=\"felix_metrics\" matches nothing"]
        );
    }
}
