//! Dashboards as ConfigMaps that Grafana's side-car takes, and rules as a PrometheusRule.

use super::chain::place;
use super::own;
use super::step::{Step, Target};
use crate::dashboards;
use crate::facts::Facts;
use crate::facts::grafana::side_cars;
use crate::facts::prometheus::{Prometheus, Selected};
use serde_json::{Value, json};

/// One step a dashboard that no ConfigMap has yet; without a side-car none, and the reason.
pub(super) fn steps(facts: &Facts<'_>) -> Result<Vec<Step>, String> {
    let cars = side_cars(facts.snap);
    let Some(car) = cars.first() else {
        return Err("no dashboards: no side-car of Grafana that takes them was found".to_owned());
    };
    let namespace = match &car.namespaces {
        Some(list) if !list.contains(&car.workload.namespace) => list.first().cloned(),
        _ => Some(car.workload.namespace.clone()),
    };
    let Some(namespace) = namespace else {
        return Err(format!("no dashboards: the side-car of {} looks into no namespace", car.workload));
    };
    let mark = [(car.label.clone(), car.value.clone().unwrap_or_else(|| "1".to_owned()))];
    let mut out = Vec::new();
    for board in dashboards::all() {
        let short = board.uid.trim_start_matches("tortie-");
        let target = Target::new("v1", "ConfigMap", &namespace, &format!("tortie-dashboard-{short}"));
        let elsewhere = facts.snap.of("", "ConfigMap").any(|o| {
            o.meta.name != target.name
                && o.at("/data").is_some_and(|d| d.to_string().contains(&format!("\\\"{}\\\"", board.uid)))
        });
        if elsewhere {
            continue;
        }
        let data = json!({format!("{}.json", board.uid): board.json});
        let labels = own::labels(mark.clone().into());
        let object = own::object(&target, &labels, &[("data", data)]);
        out.push(own::step(
            facts.snap,
            target,
            object,
            format!("dashboard {:?}; label {}={}", board.title, mark[0].0, mark[0].1),
        ));
    }
    Ok(out)
}

/// The PrometheusRule with these rules; none when there are none to bring.
///
/// # Errors
/// When the Prometheus would not take it.
pub(super) fn rules(
    facts: &Facts<'_>,
    prometheus: &Prometheus<'_>,
    spec: Option<&Value>,
) -> Result<Option<Step>, String> {
    let Some(spec) = spec else { return Ok(None) };
    let (namespace, labels) = place(facts, prometheus, Selected::Rule, &facts.install.namespace)?;
    let target = Target::new("monitoring.coreos.com/v1", "PrometheusRule", &namespace, "tortie-calico");
    let object = own::object(&target, &own::labels(labels), &[("spec", spec.clone())]);
    Ok(Some(own::step(facts.snap, target, object, "alerts and recording rules")))
}
