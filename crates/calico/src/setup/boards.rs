//! Dashboards as ConfigMaps that Grafana's side-car takes, and rules as a PrometheusRule.

use super::chain::place;
use super::options::Options;
use super::own;
use super::step::{Step, Target};
use crate::dashboards;
use crate::facts::Facts;
use crate::facts::grafana::side_cars;
use crate::facts::prometheus::{Prometheus, Selected};
use crate::rules::{self, Runbooks, Scope};
use serde_json::json;

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
        let elsewhere = facts.boards().iter().any(|b| {
            let other =
                b.object.as_ref().is_some_and(|o| o.gvk.is("", "ConfigMap") && o.meta.name != target.name);
            other && b.json["uid"] == board.uid
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

/// The PrometheusRule with the rules that fit this cluster, or those that are given; none when they are left out.
///
/// # Errors
/// When the Prometheus would not take it.
pub(super) fn alerts(
    facts: &Facts<'_>,
    prometheus: &Prometheus<'_>,
    options: &Options,
) -> Result<Option<Step>, String> {
    if options.no_rules {
        return Ok(None);
    }
    let mut scope = Scope::of(facts);
    if let Some(url) = &options.runbooks {
        scope.runbooks = Runbooks::At(format!("{}/", url.trim_end_matches('/')));
    }
    let groups = rules::rules(&scope);
    let spec = options.rules.clone().unwrap_or_else(|| rules::write::spec(&groups));
    let (namespace, labels) = place(facts, prometheus, Selected::Rule, &facts.install.namespace)?;
    let shown = labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(", ");
    let target = Target::new("monitoring.coreos.com/v1", "PrometheusRule", &namespace, "tortie-calico");
    let object = own::object(&target, &own::labels(labels), &[("spec", spec)]);
    let count = groups.iter().flat_map(|g| &g.rules).filter(|r| r.alert).count();
    let mut remark = match &options.rules {
        Some(_) => "alerts and recording rules".to_owned(),
        None => format!("{count} alerts that fit this Calico, and recording rules"),
    };
    if !shown.is_empty() {
        remark.push_str(&format!("; label {shown}"));
    }
    Ok(Some(own::step(facts.snap, target, object, remark)))
}

#[cfg(test)]
mod tests {
    use crate::facts::Facts;
    use crate::setup::step::Write;
    use crate::setup::{Options, plan};
    use crate::testing::snapshot;
    use serde_json::{Value, json};
    use tortie_sim::installs;

    /// The PrometheusRule that setup would write.
    fn rule(options: &Options) -> Option<Value> {
        let cluster = installs::Options { calico: 30, chain: false, ..installs::Options::default() };
        let snap = snapshot(&cluster, |_| {});
        let plan = plan(&Facts::of(&snap), options).expect("a plan");
        plan.steps.into_iter().find(|s| s.target.kind == "PrometheusRule").map(|s| match s.write {
            Write::Apply { object, .. } => object,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn rules_that_fit_the_cluster_stand_where_prometheus_takes_them() {
        let object = rule(&Options::default()).expect("a rule object");
        assert_eq!(object["metadata"]["namespace"], "monitoring");
        assert_eq!(object["metadata"]["labels"]["release"], "prometheus");
        let text = object["spec"].to_string();
        assert!(text.contains(r#"up{job=~\".*(felix|calico.node|canal).*\"} == 0"#), "{text}");
        assert!(text.contains("CalicoIptablesErrors") && text.contains("\"Watchdog\""), "{text}");
        for gone in ["CalicoNftErrors", "CalicoBPFEventsLost", "CalicoWireguardStale", "TortieRulesFailing"] {
            assert!(!text.contains(gone), "{gone}");
        }
    }

    #[test]
    fn they_are_left_out_or_replaced_when_asked() {
        assert_eq!(rule(&Options { no_rules: true, ..Options::default() }), None);
        let own = json!({"groups": [{"name": "mine", "rules": []}]});
        let object =
            rule(&Options { rules: Some(own.clone()), ..Options::default() }).expect("a rule object");
        assert_eq!(object["spec"], own);
    }
}
