//! A plan as values for the charts that keep the cluster: kube-prometheus-stack's for monitors, Services and dashboards,
//! tigera-operator's for what its release keeps, and plain objects for settings that no chart keeps.

use super::own;
use super::step::{Plan, Step, Write};
use crate::render::yaml::yaml_of;
use serde_json::{Value, json};

/// Labels that the chart kube-prometheus-stack writes itself; a second one of the same name is an error.
const CHARTS: [&str; 5] = ["release", "heritage", "chart", "app", "app.kubernetes.io/"];

/// The files: name and text. A file that would be empty is left out.
pub(super) fn files(plan: &Plan) -> Vec<(String, String)> {
    let (mut monitors, mut manifests) = (Vec::new(), Vec::new());
    let (mut values, mut settings, mut open) = (String::new(), Vec::new(), String::new());
    for step in &plan.steps {
        match &step.write {
            Write::Apply { object, .. } if step.own && step.target.kind == "ServiceMonitor" => {
                monitors.push(monitor(object));
            }
            Write::Apply { object, .. } if step.own => manifests.push(manifest(object)),
            Write::Apply { object, .. } => settings.push(yaml_of(object)),
            Write::Elsewhere { fragment, .. } if is_values(fragment) => add_values(&mut values, fragment),
            Write::Patch { .. } | Write::Elsewhere { .. } | Write::Conflict => open.push_str(&by_hand(step)),
            Write::Nothing => {}
        }
    }
    let mut out = Vec::new();
    if !monitors.is_empty() || !manifests.is_empty() {
        let mut stack = json!({});
        if !monitors.is_empty() {
            stack["prometheus"] = json!({"additionalServiceMonitors": monitors});
        }
        if !manifests.is_empty() {
            stack["extraManifests"] = Value::Array(manifests);
        }
        let head = "# values of the chart kube-prometheus-stack: helm upgrade ... --reuse-values -f THIS\n";
        out.push(("kube-prometheus-stack-values.yaml".to_owned(), format!("{head}{}", yaml_of(&stack))));
    }
    if !values.is_empty() {
        let head = "# values of the chart tigera-operator: helm upgrade ... --reuse-values -f THIS\n";
        out.push(("tigera-operator-values.yaml".to_owned(), format!("{head}{values}")));
    }
    if !settings.is_empty() {
        let head = "# settings that no chart keeps: kubectl apply --server-side -f THIS\n";
        out.push(("calico-settings.yaml".to_owned(), format!("{head}{}", settings.join("---\n"))));
    }
    if !open.is_empty() {
        out.push(("by-hand.txt".to_owned(), open));
    }
    out
}

/// A fragment for a chart is a mapping of the chart's own sections.
fn is_values(fragment: &str) -> bool {
    ["installation:", "defaultFelixConfiguration:"].iter().any(|s| fragment.starts_with(s))
}

/// Adds a fragment, below the section of its name when there is one.
fn add_values(values: &mut String, fragment: &str) {
    let (section, fields) = fragment.split_once('\n').unwrap_or((fragment, ""));
    let head = format!("{section}\n");
    let at = values
        .match_indices(&head)
        .map(|(i, _)| i)
        .find(|i| *i == 0 || values.as_bytes().get(i - 1) == Some(&b'\n'));
    match at {
        Some(at) => values.insert_str(at + head.len(), fields),
        None => values.push_str(fragment),
    }
}

fn by_hand(step: &Step) -> String {
    let what = step.target.reference();
    match &step.write {
        Write::Patch { operations } => {
            format!("{what}: a JSON patch: {}\n", Value::Array(operations.clone()))
        }
        Write::Elsewhere { advice, fragment } => {
            let lines: String = fragment.lines().map(|l| format!("  {l}\n")).collect();
            format!("{what}: {advice}\n{lines}")
        }
        _ => format!("{what}: somebody else keeps another value there\n"),
    }
}

/// An item of `prometheus.additionalServiceMonitors`. The chart puts it beside Prometheus, with its own labels.
fn monitor(object: &Value) -> Value {
    let mut out = json!({"name": object["metadata"]["name"]});
    for key in ["selector", "namespaceSelector", "endpoints"] {
        out[key] = object["spec"][key].clone();
    }
    let labels: serde_json::Map<String, Value> = object["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(k, _)| !CHARTS.iter().any(|c| k == c || (c.ends_with('/') && k.starts_with(c))))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    if !labels.is_empty() {
        out["additionalLabels"] = Value::Object(labels);
    }
    out
}

/// An item of `extraManifests`: the release keeps it, so it carries no mark of setup. The chart reads it as a template.
fn manifest(object: &Value) -> Value {
    escaped(&own::unmarked(object))
}

fn escaped(value: &Value) -> Value {
    match value {
        Value::String(s) => json!(s.replace("{{", "{{`{{`}}")),
        Value::Array(items) => items.iter().map(escaped).collect(),
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), escaped(v))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, plan};
    use super::*;
    use crate::facts::Facts;
    use crate::testing::snapshot;
    use tortie_sim::installs::{self, set};

    #[track_caller]
    fn check(helm: bool, expect: &[&str]) -> Vec<(String, String)> {
        let options = installs::Options { calico: 30, chain: false, ..installs::Options::default() };
        let snap = snapshot(&options, |o| {
            if helm {
                let release = json!({"meta.helm.sh/release-name": "calico"});
                set(o.get("Installation", "default"), "/metadata/annotations", release);
            }
        });
        let files = files(&plan(&Facts::of(&snap), &Options::default()).unwrap());
        assert_eq!(files.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), expect);
        files
    }

    #[test]
    fn each_chart_gets_its_values() {
        check(false, &["kube-prometheus-stack-values.yaml", "calico-settings.yaml"]);
        let all =
            ["kube-prometheus-stack-values.yaml", "tigera-operator-values.yaml", "calico-settings.yaml"];
        let files = check(true, &all);
        assert!(files[1].1.ends_with("installation:\n  typhaMetricsPort: 9093\n"), "{}", files[1].1);
        let stack = &files[0].1;
        assert!(stack.contains("prometheus:\n  additionalServiceMonitors:\n"), "{stack}");
        assert!(!stack.contains("app.kubernetes.io/managed-by"), "{stack}");
        // The chart labels its monitors itself; a manifest stands as it is.
        let (monitors, manifests) = stack.split_once("extraManifests:\n").unwrap();
        assert!(!monitors.contains("release:"), "{stack}");
        assert!(
            manifests.contains("kind: PrometheusRule\n") && manifests.contains("{{`{{`}} $labels"),
            "{stack}"
        );
    }

    #[test]
    fn braces_of_dashboards_survive_the_charts_templates() {
        let item = manifest(&json!({"metadata": {"labels": {"x": "1"}}, "data": {"a": "{{instance}} }}"}}));
        assert_eq!(item["data"]["a"], "{{`{{`}}instance}} }}");
    }
}
