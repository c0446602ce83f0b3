//! What `tortie run --calico` scrapes: a configuration made from what the cluster says of Calico, without a Service, a
//! monitor or a custom resource of prometheus-operator.
//!
//! Pods are found by their label `k8s-app`, in any namespace; ports are the effective ones, node by node. Targets carry the
//! labels that the monitors of `tortie setup` give them (endpoint, job, namespace, pod, service, and container where the port is declared), so that the same
//! dashboards and rules fit.

mod sight;

pub use sight::Sight;

use crate::component::Component;
use crate::facts::Facts;
use crate::facts::services::MetricsService;
use crate::render::yaml::yaml_of;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How the server reaches the API, in words of `kubernetes_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// By the pod's own account.
    InCluster,
    /// By a kubeconfig's current context.
    Kubeconfig(String),
}

/// The configuration as `prometheus.yml`, every `interval` (a duration, `15s`), with rules from `rule_files`.
pub fn prometheus_yml(facts: &Facts<'_>, reach: &Reach, interval: &str, rule_files: &[String]) -> String {
    let jobs: Vec<Value> = Component::ALL.into_iter().map(|component| job(facts, component, reach)).collect();
    let mut config = json!({
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "scrape_configs": jobs,
    });
    if !rule_files.is_empty() {
        config["rule_files"] = json!(rule_files);
    }
    yaml_of(&config)
}

fn job(facts: &Facts<'_>, component: Component, reach: &Reach) -> Value {
    let mut discovery = json!({
        "role": "pod",
        "selectors": [{"role": "pod", "label": sight::pods_of(component)}],
    });
    if let Reach::Kubeconfig(file) = reach {
        discovery["kubeconfig_file"] = json!(file);
    }
    let (service, port_name) = names(facts, component);
    let mut rules = vec![
        keep("__meta_kubernetes_pod_container_init", "|false"),
        drop("__meta_kubernetes_pod_phase", "Failed|Succeeded"),
        // A pod without an address has not begun.
        keep("__meta_kubernetes_pod_ip", ".+"),
    ];
    rules.extend(addresses(facts, component));
    rules.extend([
        json!({"target_label": "job", "replacement": service}),
        json!({"target_label": "service", "replacement": service}),
        json!({"target_label": "endpoint", "replacement": port_name}),
        copy("__meta_kubernetes_namespace", "namespace"),
        copy("__meta_kubernetes_pod_name", "pod"),
    ]);
    // Behind a Service a target has the name of the container that declares its port, and none where nobody does.
    if declares(facts, component) {
        let port = facts.settings.port(component).to_string();
        rules.push(keep("__meta_kubernetes_pod_container_port_number", &port));
        rules.push(copy("__meta_kubernetes_pod_container_name", "container"));
    }
    let mut job = json!({
        "job_name": format!("calico/{component}"),
        "kubernetes_sd_configs": [discovery],
        "relabel_configs": rules,
    });
    if facts.settings.of_component(component).is_some_and(|e| e.tls) {
        job["scheme"] = json!("https");
    }
    job
}

/// Whether the component's pods declare their metrics port.
fn declares(facts: &Facts<'_>, component: Component) -> bool {
    let port = facts.settings.port(component);
    let pods = facts.workloads.get(&component).into_iter().flat_map(|w| &w.pods);
    pods.flat_map(|p| &p.containers).flat_map(|c| &c.ports).any(|p| p.port == port)
}

/// Names of Service and port that the targets are called by: those of the Service in front of the component, else those
/// that setup would make.
fn names(facts: &Facts<'_>, component: Component) -> (String, String) {
    let whole = |s: &&MetricsService<'_>| s.sends && s.metrics_port.is_some();
    let found = facts.services(component).iter().find(whole).and_then(|s| {
        let port = s.service.ports.get(s.metrics_port?)?;
        (!port.name.is_empty()).then(|| (s.service.meta.name.clone(), port.name.clone()))
    });
    found.unwrap_or_else(|| (format!("tortie-{component}-metrics"), format!("{component}-metrics")))
}

/// Rules that set the address: the port of most, then those of nodes whose Felix listens elsewhere.
fn addresses(facts: &Facts<'_>, component: Component) -> Vec<Value> {
    let port = facts.settings.port(component);
    let mut rules = address(".*", port).to_vec();
    if component == Component::Felix {
        let mut elsewhere: BTreeMap<u16, Vec<String>> = BTreeMap::new();
        for (node, endpoint) in &facts.settings.felix {
            if !node.is_empty() && endpoint.port.value != port {
                elsewhere.entry(endpoint.port.value).or_default().push(node.replace('.', "\\."));
            }
        }
        for (port, nodes) in elsewhere {
            rules.extend(address(&nodes.join("|"), port));
        }
    }
    rules
}

/// The address of pods on nodes whose name matches, of version 4 and of version 6.
fn address(nodes: &str, port: u16) -> [Value; 2] {
    let rule = |ip: &str, address: &str| {
        json!({
            "source_labels": ["__meta_kubernetes_pod_ip", "__meta_kubernetes_pod_node_name"],
            "regex": format!("({ip});(?:{nodes})"),
            "target_label": "__address__",
            "replacement": format!("{address}:{port}"),
        })
    };
    [rule("[0-9.]+", "$1"), rule(".*:.*", "[$1]")]
}

fn keep(source: &str, regex: &str) -> Value {
    json!({"source_labels": [source], "regex": regex, "action": "keep"})
}

fn drop(source: &str, regex: &str) -> Value {
    json!({"source_labels": [source], "regex": regex, "action": "drop"})
}

fn copy(source: &str, target: &str) -> Value {
    json!({"source_labels": [source], "target_label": target})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;
    use crate::testing::snapshot;
    use serde_json::json;
    use tortie_model::LabelsBuilder;
    use tortie_sim::installs::{Kind, Options};

    fn config(snap: &Snapshot) -> tortie_config::Config {
        let facts = Facts::of(snap);
        let text = prometheus_yml(&facts, &Reach::InCluster, "15s", &[]);
        tortie_config::Config::load(&text, "prometheus.yml").unwrap_or_else(|e| panic!("{e}\n{text}"))
    }

    /// Labels of the target that a job makes of a pod, as `name=value` in order.
    fn target(config: &tortie_config::Config, job: &str, pod: &[(&str, &str)]) -> Option<String> {
        let job = config.scrape_configs.iter().find(|j| j.job_name == job).unwrap();
        let mut labels = LabelsBuilder::new();
        for (name, value) in pod {
            let name =
                if *name == "__address__" { (*name).to_owned() } else { format!("__meta_kubernetes_{name}") };
            labels.set(&name, value);
        }
        if !tortie_model::relabel::process(&job.relabel, &mut labels) {
            return None;
        }
        let shown: Vec<String> = labels
            .labels()
            .iter()
            .filter(|(n, _)| !n.starts_with("__meta_"))
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        Some(shown.join(" "))
    }

    fn pod<'a>(ip: &'a str, node: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("__address__", ip),
            ("pod_ip", ip),
            ("pod_node_name", node),
            ("namespace", "calico-system"),
            ("pod_name", "calico-node-x"),
            ("pod_container_name", "calico-node"),
            ("pod_container_init", "false"),
            ("pod_phase", "Running"),
        ]
    }

    #[test]
    fn targets_have_the_effective_port_and_the_labels_of_setups_monitors() {
        let snap = snapshot(&Options::default(), |_| {});
        let config = config(&snap);
        let jobs: Vec<_> = config.scrape_configs.iter().map(|j| j.job_name.as_str()).collect();
        assert_eq!(jobs, ["calico/felix", "calico/typha", "calico/kube-controllers"]);
        assert_eq!(
            target(&config, "calico/felix", &pod("10.0.0.7", "node1")).unwrap(),
            "__address__=10.0.0.7:9091 endpoint=felix-metrics job=tortie-felix-metrics \
             namespace=calico-system pod=calico-node-x service=tortie-felix-metrics"
        );
        assert!(
            target(&config, "calico/felix", &pod("fd00::7", "node1"))
                .unwrap()
                .starts_with("__address__=[fd00::7]:9091 ")
        );
        let mut gone = pod("10.0.0.7", "node1");
        gone.retain(|(name, _)| *name != "pod_phase");
        gone.push(("pod_phase", "Succeeded"));
        assert_eq!(target(&config, "calico/felix", &gone), None);
        let mut init = pod("10.0.0.7", "node1");
        init.retain(|(name, _)| *name != "pod_container_init");
        init.push(("pod_container_init", "true"));
        assert_eq!(target(&config, "calico/felix", &init), None);
        assert_eq!(target(&config, "calico/felix", &pod("", "node1")), None);
    }

    #[test]
    fn a_node_with_another_port_is_scraped_there() {
        let snap = snapshot(&Options::default(), |o| {
            let mut other = o.get("FelixConfiguration", "default").clone();
            other["metadata"]["name"] = json!(format!("node.{}", Options::node_name(1)));
            other["metadata"]["uid"] = json!("other");
            other["spec"] = json!({"prometheusMetricsPort": 9191});
            o.add(other);
        });
        let config = config(&snap);
        assert!(
            target(&config, "calico/felix", &pod("10.0.0.8", &Options::node_name(1)))
                .unwrap()
                .contains("10.0.0.8:9191")
        );
        assert!(
            target(&config, "calico/felix", &pod("10.0.0.7", "node1")).unwrap().contains("10.0.0.7:9091")
        );
    }

    #[test]
    fn without_a_service_targets_are_called_as_setup_would_call_them() {
        let snap = snapshot(&Options { kind: Kind::Manifest, ..Options::default() }, |o| {
            o.0.retain(|v| v["kind"] != "Service" && v["kind"] != "EndpointSlice");
        });
        let text = target(&config(&snap), "calico/typha", &pod("10.0.0.9", "node1")).unwrap();
        assert!(
            text.contains("__address__=10.0.0.9:9093 ") && text.contains("job=tortie-typha-metrics"),
            "{text}"
        );
    }

    #[test]
    fn a_container_that_declares_the_port_gives_its_name_and_no_other_port_a_target() {
        let snap = snapshot(&Options::default(), |o| {
            for pod in
                o.0.iter_mut()
                    .filter(|v| v["kind"] == "Pod" && v["metadata"]["labels"]["k8s-app"] == "calico-typha")
            {
                pod["spec"]["containers"][0]["ports"] = json!([{"containerPort": 5473, "protocol": "TCP"}, {"containerPort": 9093, "protocol": "TCP"}]);
            }
        });
        let config = config(&snap);
        let of_port = |port: &'static str| {
            let mut pod = pod("10.0.0.9", "node1");
            pod.push(("pod_container_port_number", port));
            target(&config, "calico/typha", &pod)
        };
        assert_eq!(of_port("5473"), None);
        assert!(
            of_port("9093").unwrap().contains("__address__=10.0.0.9:9093 container=calico-node endpoint=")
        );
    }
}
