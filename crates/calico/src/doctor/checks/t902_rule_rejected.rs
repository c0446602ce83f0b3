//! # Rules can be read
//!
//! **Looks at** the expressions of rules that read Calico's series, with the parser that the server uses, and at the operator's
//! Events and conditions about them.
//!
//! **Why it breaks silently.** One expression that cannot be parsed makes the operator leave out the whole PrometheusRule object: its
//! good rules too. All that is seen of it is an Event, for an hour.
//!
//! **How to mend.** Correct the expression; the place of the error is marked.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::rules::Rule;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_cluster::object::Object;
use tortie_promql::{Options, parse_expr};

pub(crate) static CHECK: Check = Check {
    id: "T902",
    slug: "rule-rejected",
    title: "rules can be read",
    station: Station::Rules,
    level: Level::Fail,
    needs: &["T901"],
    evidence: &[Evidence::Objects, Evidence::Events],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out = Vec::new();
    let mut objects: BTreeSet<String> = BTreeSet::new();
    for rule in facts.rules() {
        let Some((object, pointer)) = &rule.object else { continue };
        let first = objects.insert(object.reference().to_string());
        if rule.expr.is_err() {
            out.push(Judged::fail(entity(rule, object), unreadable(rule, object, pointer)));
        } else if first && let Some((message, when)) = refused(facts, object) {
            out.push(Judged::fail(entity(rule, object), by_operator(object, &message, when)));
        }
    }
    if out.is_empty() {
        out.push(Judged::pass(Entity::cluster()));
    }
    out
}

fn entity(rule: &Rule, object: &Arc<Object>) -> Entity {
    let only: Option<Component> = rule.components.first().copied().filter(|_| rule.components.len() == 1);
    only.map_or_else(Entity::cluster, Entity::of).item(object.reference().to_string())
}

fn unreadable(rule: &Rule, object: &Arc<Object>, pointer: &str) -> Finding {
    let error = rule.expr.as_ref().err().cloned().unwrap_or_default();
    let title =
        format!("{} in group {} of {} cannot be read: {error}", rule.title(), rule.group, object.reference());
    let mut finding = Finding::new(title).cause(object, pointer);
    // The line of the error, and a mark under its place.
    if let Err(errors) = parse_expr(rule.text.trim(), &Options::ALL) {
        let text = rule.text.trim();
        let at = errors.first.span.start.min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let begin = before.rfind('\n').map_or(0, |i| i + 1);
        let line = text.get(begin..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = text.get(begin..at).unwrap_or_default().chars().count();
        finding = finding.row("expr", line, "").row("", format!("{}^", " ".repeat(column)), "");
    }
    finding
        .warning("the operator leaves out the whole object, its good rules too")
        .fix(Fix::Outside("correct the expression of this rule".to_owned()))
}

fn by_operator(object: &Arc<Object>, message: &str, when: Option<i64>) -> Finding {
    let seen = when.map(|_| "seen in an Event").unwrap_or("seen in its status");
    Finding::new(format!("prometheus-operator refuses {}: {message}", object.reference()))
        .cause(object, "/spec/groups")
        .row(object.reference().to_string(), message, seen)
        .fix(Fix::Outside(
            "correct what the operator names; until then none of the object's rules is loaded".to_owned(),
        ))
}

/// What the operator said of an object that is still so: an Event after its last change, or a binding that is not accepted.
fn refused(facts: &Facts<'_>, object: &Arc<Object>) -> Option<(String, Option<i64>)> {
    let bindings = object.at("/status/bindings").and_then(Value::as_array);
    let conditions = bindings.into_iter().flatten().filter_map(|b| b.get("conditions")?.as_array()).flatten();
    for condition in conditions {
        let text = |k: &str| condition.get(k).and_then(Value::as_str).unwrap_or_default();
        let current = condition
            .get("observedGeneration")
            .and_then(Value::as_i64)
            .is_none_or(|g| g == object.meta.generation);
        if text("type") == "Accepted" && text("status") == "False" && current {
            return Some((text("message").to_owned(), None));
        }
    }
    let changed =
        object.meta.managed.iter().filter(|m| m.subresource.is_empty()).filter_map(|m| m.time).max();
    let mut events: Vec<&Arc<Object>> =
        facts.snap.of("", "Event").chain(facts.snap.of("events.k8s.io", "Event")).collect();
    events.retain(|e| {
        let of = e.at("/involvedObject").or_else(|| e.at("/regarding"));
        let is = |k: &str, v: &str| of.and_then(|o| o.get(k)).and_then(Value::as_str) == Some(v);
        is("kind", "PrometheusRule")
            && is("name", &object.meta.name)
            && is("namespace", &object.meta.namespace)
    });
    let event = events.into_iter().find(|e| {
        let invalid = e.at("/reason").and_then(Value::as_str) == Some("InvalidConfiguration");
        invalid && (changed.is_none() || e.meta.created.is_none() || e.meta.created >= changed)
    })?;
    let message =
        event.at("/message").or_else(|| event.at("/note")).and_then(Value::as_str).unwrap_or_default();
    Some((message.to_owned(), event.meta.created.or(Some(0))))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, judged, rule, snapshot};
    use serde_json::json;
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(expr: &str, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            o.add(rule("r", &[("Down", expr)]));
        });
        assert_eq!(findings("T902", &snap), expect, "{expr}");
    }

    #[test]
    fn an_expression_must_be_promql() {
        check("felix_resync_state != 3", &[]);
        check(
            "sum(felix_host",
            &[
                "fail felix PrometheusRule monitoring/r: alert Down in group calico of PrometheusRule monitoring/r cannot be read: \
               1:15: parse error: unclosed left parenthesis",
            ],
        );
        let snap = snapshot(&Options::default(), |o| {
            o.add(rule("r", &[("Down", "felix_host ==")]));
        });
        let rows = judged("T902", &snap).remove(0).finding.expect("a finding").rows;
        assert_eq!(rows[0].value, "felix_host ==");
        assert!(rows[1].value.ends_with('^'));
    }

    #[test]
    fn the_operators_word_counts() {
        let snap = snapshot(&Options::default(), |o| {
            o.add(rule("r", &[("Down", "felix_host == 0")]));
            o.add(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "monitoring"},
                "reason": "InvalidConfiguration", "message": "group name is repeated",
                "involvedObject": {"kind": "PrometheusRule", "name": "r", "namespace": "monitoring"}}));
        });
        assert_eq!(
            findings("T902", &snap),
            [
                "fail felix PrometheusRule monitoring/r: prometheus-operator refuses PrometheusRule monitoring/r: group name is repeated"
            ]
        );
    }
}
