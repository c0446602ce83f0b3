//! # Variables of dashboards have values
//!
//! **Looks at** the query of each variable (`label_values(...)`) of dashboards that read Calico's series.
//!
//! **Why it breaks silently.** A variable without values puts an empty text into every expression that uses it, and the whole
//! dashboard is empty at once.
//!
//! **How to mend.** The report says what the query lacks: a metric that is not there, or a matcher that nothing meets.

use crate::component::Component;
use crate::doctor::bisect::written;
use crate::doctor::bisect::{Oracle, diagnose, variable_expr};
use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::panel_causes::{Culprit, of_diagnosis, too_young};
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::panels::Board;
use crate::facts::variables::Variable;

pub(crate) static CHECK: Check = Check {
    id: "T808",
    slug: "variable-empty",
    title: "variables of dashboards have values",
    station: Station::Panels,
    level: Level::Fail,
    needs: &["T710"],
    evidence: &[Evidence::Prometheus, Evidence::Grafana],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if let Some(judged) = unasked(facts, Entity::cluster()) {
        return vec![judged];
    }
    let boards = facts.boards().iter();
    boards
        .flat_map(|b| {
            b.variables
                .iter()
                .filter(|v| v.kind == "query")
                .filter_map(|v| of(facts, b, v))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn of(facts: &Facts<'_>, board: &Board, variable: &Variable) -> Option<Judged> {
    let expr = variable_expr(facts, board, &variable.query)?;
    let component: Component = crate::facts::queries::components(&expr).first().copied()?;
    let entity = Entity::of(component).item(format!("dashboard {} ${}", board.name(), variable.name));
    let why = match of_diagnosis(facts, diagnose(&Oracle::new(facts), &expr), false) {
        Culprit::None => return Some(Judged::pass(entity)),
        Culprit::Unasked => {
            return Some(Judged::unknown(entity, "Prometheus was not asked for this variable"));
        }
        Culprit::Mode(need) => return Some(Judged::skipped(entity, format!("needs {need}"))),
        Culprit::Young(ms) => return Some(Judged::pending(entity, too_young(ms))),
        Culprit::Matcher(killer) => format!("{} matches nothing", written(&killer.matcher)),
        Culprit::Range(function, _) => format!("the range of {function} is too short"),
        Culprit::Gone(name, until, _) => format!("{name} went with Calico 3.{until}"),
        Culprit::Other(why) => why,
    };
    let mut finding =
        Finding::new(format!("variable ${} of \"{}\" has no value: {why}", variable.name, board.name()))
            .confidence(Confidence::Observed)
            .row("query", variable.query.clone(), "");
    if let Some(object) = &board.object {
        finding = finding.cause(object, &board.pointer);
    }
    finding.cause.path = format!("templating ${}", variable.name);
    finding.cause.have = why;
    let text = format!("correct the query of the variable ({})", board.kept());
    Some(Judged::fail(entity, finding.fix(Fix::Outside(text))))
}

#[cfg(test)]
mod tests {
    use crate::testing::{answered, dashboard, findings, running};
    use serde_json::json;
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(query: &str, expect: &[&str]) {
        let snap = running(&Options::default(), |o| {
            let mut board = dashboard("d", &["felix_host"]);
            let mut inner: serde_json::Value =
                serde_json::from_str(board["data"]["d.json"].as_str().expect("text")).expect("JSON");
            inner["templating"] = json!({"list": [{"name": "node", "type": "query", "query": query}]});
            board["data"]["d.json"] = inner.to_string().into();
            o.add(board);
        });
        assert_eq!(findings("T808", &answered(snap, &["felix_host{job=\"felix\"}"], &[])), expect, "{query}");
    }

    #[test]
    fn a_variable_without_values_is_named() {
        check("label_values(felix_host, instance)", &[]);
        check("label_values(node_load1, instance)", &[]);
        check(
            "label_values(felix_host{job=\"felix_metrics\"}, instance)",
            &[
                "fail felix dashboard Board d $node: variable $node of \"Board d\" has no value: job=\"felix_metrics\" matches nothing",
            ],
        );
    }
}
