//! Rules that read Calico's series: those of PrometheusRule objects and those that a Prometheus has loaded.

use crate::component::Component;
use crate::facts::{Facts, queries};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_cluster::object::Object;
use tortie_promql::Expr;

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The object it stands in and the JSON pointer of its expression; none for one that is only loaded.
    pub object: Option<(Arc<Object>, String)>,
    /// Its group.
    pub group: String,
    /// Name of the alert or of the recorded series.
    pub name: String,
    /// Whether it is an alert.
    pub alert: bool,
    /// Its expression as written.
    pub text: String,
    /// The expression, or why it cannot be read.
    pub expr: Result<Expr, String>,
    /// The components whose series it reads.
    pub components: BTreeSet<Component>,
}

impl Rule {
    /// What findings call it: `alert FelixDown`.
    pub fn title(&self) -> String {
        format!("{} {}", if self.alert { "alert" } else { "record" }, self.name)
    }
}

/// A rule as a Prometheus has it loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Whether it is an alert.
    pub alert: bool,
    /// Its expression, as Prometheus prints it.
    pub query: String,
    /// `ok`, `err` or `unknown`.
    pub health: String,
    /// The last error; empty when there was none.
    pub last_error: String,
    /// `firing`, `pending` or `inactive` of an alert; empty for others.
    pub state: String,
    /// Interval of its group, seconds.
    pub interval: f64,
    /// How long the last evaluation of its group took, seconds.
    pub group_took: f64,
}

impl Facts<'_> {
    /// Rules that read Calico's series, of objects and of running Prometheus', each once.
    pub fn rules(&self) -> &[Rule] {
        self.rules.get_or_init(|| find(self))
    }

    /// The components of which an alert speaks that somebody wrote: those that tortie brings along ask for nobody by
    /// themselves.
    pub fn alerted_by_people(&self) -> BTreeSet<Component> {
        let own = |r: &&Rule| r.alert && crate::rules::runbooks::page(&r.name).is_none();
        self.rules().iter().filter(own).flat_map(|r| r.components.iter().copied()).collect()
    }

    /// The components of which an alert speaks.
    pub fn alerted(&self) -> BTreeSet<Component> {
        self.rules().iter().filter(|r| r.alert).flat_map(|r| r.components.iter().copied()).collect()
    }
}

/// Reads `/api/v1/rules`, whole or its `data` alone.
pub fn loaded(answer: &Value) -> Vec<Loaded> {
    let groups = answer.pointer("/data/groups").or_else(|| answer.get("groups")).and_then(Value::as_array);
    let mut out = Vec::new();
    for group in groups.into_iter().flatten() {
        let number = |k: &str| group.get(k).and_then(Value::as_f64).unwrap_or(0.0);
        for rule in group.get("rules").and_then(Value::as_array).into_iter().flatten() {
            let text = |k: &str| rule.get(k).and_then(Value::as_str).unwrap_or_default().to_owned();
            out.push(Loaded {
                group: group.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
                name: text("name"),
                alert: rule.get("type").and_then(Value::as_str) == Some("alerting"),
                query: text("query"),
                health: text("health"),
                last_error: text("lastError"),
                state: text("state"),
                interval: number("interval"),
                group_took: number("evaluationTime"),
            });
        }
    }
    out
}

fn find(facts: &Facts<'_>) -> Vec<Rule> {
    let mut out: Vec<Rule> = Vec::new();
    for object in facts.snap.of("monitoring.coreos.com", "PrometheusRule") {
        let groups = object.at("/spec/groups").and_then(Value::as_array);
        for (g, group) in groups.into_iter().flatten().enumerate() {
            let name = group.get("name").and_then(Value::as_str).unwrap_or_default();
            let rules = group.get("rules").and_then(Value::as_array);
            for (r, rule) in rules.into_iter().flatten().enumerate() {
                let pointer = format!("/spec/groups/{g}/rules/{r}/expr");
                out.extend(of_object(object, name, rule, pointer));
            }
        }
    }
    // The same rule loaded from an object has the same name and, printed, the same expression.
    let printed =
        |r: &Rule| (r.name.clone(), r.expr.as_ref().map_or_else(|_| r.text.clone(), ToString::to_string));
    let mut known: BTreeSet<(String, String)> = out.iter().map(printed).collect();
    for answer in facts.snap.collectors.iter().filter_map(|c| c.rules.as_ref()) {
        for rule in loaded(answer) {
            let made = rule_of(None, &rule.group, rule.name, rule.alert, rule.query);
            if !made.components.is_empty() && known.insert(printed(&made)) {
                out.push(made);
            }
        }
    }
    out
}

fn of_object(object: &Arc<Object>, group: &str, rule: &Value, pointer: String) -> Option<Rule> {
    let text = |k: &str| rule.get(k).and_then(Value::as_str).unwrap_or_default().to_owned();
    let alert = rule.get("alert").is_some();
    let name = if alert { text("alert") } else { text("record") };
    // The field is a text or a number.
    let expr =
        rule.get("expr").map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned)).unwrap_or_default();
    let made = rule_of(Some((Arc::clone(object), pointer)), group, name, alert, expr);
    (!made.components.is_empty()).then_some(made)
}

fn rule_of(
    object: Option<(Arc<Object>, String)>,
    group: &str,
    name: String,
    alert: bool,
    text: String,
) -> Rule {
    let expr = queries::parse(text.trim());
    let components = match &expr {
        Ok(e) => queries::components(e),
        // One that cannot be parsed still shows by its words whose it is.
        Err(_) => {
            let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'));
            words.filter(|w| !w.is_empty()).filter_map(crate::catalogue::component_of).collect()
        }
    };
    Rule { object, group: group.to_owned(), name, alert, text, expr, components }
}

#[cfg(test)]
mod tests {
    use super::loaded;
    use crate::facts::Facts;
    use crate::testing::{rule, snapshot};
    use serde_json::json;
    use tortie_sim::installs::Options;

    #[test]
    fn rules_of_objects_and_of_a_prometheus_are_one_list() {
        let mut snap = snapshot(&Options::default(), |o| {
            o.add(rule(
                "r",
                &[
                    ("FelixDown", "up{job=\"felix\"} == 0"),
                    ("Other", "node_load1 > 3"),
                    ("Bad", "felix_host =="),
                ],
            ));
        });
        let answer = json!({"status": "success", "data": {"groups": [{"name": "g", "interval": 30, "evaluationTime": 0.1, "rules": [
            {"name": "FelixDown", "type": "alerting", "query": "up{job=\"felix\"} == 0", "health": "ok", "state": "inactive"},
            {"name": "x", "type": "recording", "query": "sum(typha_connections_active)", "health": "err", "lastError": "e"}]}]}});
        assert_eq!(loaded(&answer).len(), 2);
        snap.collectors.push(crate::snapshot::Collector { rules: Some(answer), ..Default::default() });
        let facts = Facts::of(&snap);
        let names: Vec<String> = facts.rules().iter().map(super::Rule::title).collect();
        assert_eq!(names, ["alert FelixDown", "alert Bad", "record x"]);
        assert!(facts.rules()[1].expr.is_err());
    }
}
