//! What the real processes would listen on, given the cluster's objects. Pure.
//!
//! Precedence as in Felix: environment, then FelixConfiguration `node.NAME`, then `default`.

use std::net::{IpAddr, SocketAddr};

use serde_json::Value;
use tortie_sim::Component;

/// One listening process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    /// What answers.
    pub component: Component,
    /// Namespace and name of its pod.
    pub pod: String,
    /// Its node.
    pub node: String,
    /// Its number among the pods of its kind, by name.
    pub ordinal: usize,
    /// Whether a certificate was configured, so that it speaks TLS.
    pub tls: bool,
    /// Whether a policy keeps Prometheus from it, so that it is silent.
    pub denied: bool,
}

/// Everything that should listen: Typhas first, whose environment is there when they start, then Felixes, which get
/// their port from an object.
pub(super) fn all(pods: &[Value], felix: &[Value], kube_controllers: &[Value]) -> Vec<Listening> {
    let mut pods: Vec<&Value> = pods.iter().filter(|p| runs(p)).collect();
    pods.sort_by_key(|p| p["metadata"]["name"].as_str().unwrap_or_default().to_owned());
    let mut out = Vec::new();
    for (component, names) in [
        (Component::Typha, &["calico-typha"][..]),
        (Component::Felix, &["calico-node", "canal"]),
        (Component::KubeControllers, &["calico-kube-controllers"]),
    ] {
        let own = pods
            .iter()
            .filter(|p| p["metadata"]["labels"]["k8s-app"].as_str().is_some_and(|app| names.contains(&app)));
        for (ordinal, pod) in own.enumerate() {
            let metrics = match component {
                Component::Typha => typha(pod),
                Component::Felix => felix_of(pod, felix),
                Component::KubeControllers => controllers(kube_controllers),
            };
            out.extend(metrics.and_then(|m| m.listening(component, pod, ordinal)));
        }
    }
    out
}

fn runs(pod: &Value) -> bool {
    let alive = pod["metadata"]["deletionTimestamp"].is_null() && pod["status"]["phase"] == "Running";
    let containers = pod["status"]["containerStatuses"].as_array();
    alive && containers.into_iter().flatten().all(|c| c["state"]["waiting"].is_null())
}

struct Metrics {
    host: String,
    port: u16,
    tls: bool,
}

impl Metrics {
    fn listening(&self, component: Component, pod: &Value, ordinal: usize) -> Option<Listening> {
        let ip: IpAddr = match self.host.as_str() {
            "" | "0.0.0.0" | "::" => pod["status"]["podIP"].as_str()?.parse().ok()?,
            host => host.parse().ok()?,
        };
        let meta = &pod["metadata"];
        Some(Listening {
            address: SocketAddr::new(ip, self.port),
            component,
            pod: format!("{}/{}", meta["namespace"].as_str()?, meta["name"].as_str()?),
            node: pod["spec"]["nodeName"].as_str()?.to_owned(),
            ordinal,
            tls: self.tls,
            denied: false,
        })
    }
}

/// A plain environment variable of any of the pod's containers.
fn env<'a>(pod: &'a Value, name: &str) -> Option<&'a str> {
    let containers = pod["spec"]["containers"].as_array()?;
    let all = containers.iter().flat_map(|c| c["env"].as_array().into_iter().flatten());
    all.filter(|e| e["name"] == name).find_map(|e| e["value"].as_str())
}

fn truth(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "true" | "1" | "yes" | "y" | "t")
}

fn typha(pod: &Value) -> Option<Metrics> {
    let setting = |name: &str| env(pod, &format!("TYPHA_PROMETHEUSMETRICS{name}"));
    setting("ENABLED").filter(|v| truth(v))?;
    Some(Metrics {
        host: setting("HOST").unwrap_or_default().to_owned(),
        port: setting("PORT").map_or(Some(9093), |p| p.parse().ok())?,
        tls: setting("CERTFILE").is_some_and(|f| !f.is_empty()),
    })
}

fn felix_of(pod: &Value, configurations: &[Value]) -> Option<Metrics> {
    let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
    let setting = |name: &str| -> Option<String> {
        if let Some(text) = env(pod, &format!("FELIX_PROMETHEUSMETRICS{}", name.to_uppercase())) {
            return Some(text.to_owned());
        }
        [format!("node.{node}"), "default".to_owned()].iter().find_map(|wanted| {
            let own = configurations.iter().find(|c| c["metadata"]["name"] == wanted.as_str())?;
            match &own["spec"][format!("prometheusMetrics{name}")] {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            }
        })
    };
    setting("Enabled").filter(|v| truth(v))?;
    Some(Metrics {
        host: setting("Host").unwrap_or_default(),
        port: setting("Port").map_or(Some(9091), |p| p.parse().ok())?,
        tls: setting("CertFile").is_some_and(|f| !f.is_empty()),
    })
}

/// Without the object kube-controllers makes it, with port 9094; an object without the field means 0, which is off.
fn controllers(configurations: &[Value]) -> Option<Metrics> {
    let port = match configurations.iter().find(|c| c["metadata"]["name"] == "default") {
        None => 9094,
        Some(own) => own["spec"]["prometheusMetricsPort"].as_u64().unwrap_or(0),
    };
    let port = u16::try_from(port).ok().filter(|p| *p != 0)?;
    Some(Metrics { host: String::new(), port, tls: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(app: &str, ip: &str, env: &Value) -> Value {
        json!({
            "metadata": { "namespace": "calico-system", "name": format!("{app}-x"), "labels": { "k8s-app": app } },
            "spec": { "nodeName": "node1", "containers": [{ "name": app, "env": env }] },
            "status": { "phase": "Running", "podIP": ip },
        })
    }

    #[track_caller]
    fn check(pods: &[Value], felix: &[Value], controllers: &[Value], expect: &[&str]) {
        let got: Vec<String> = all(pods, felix, controllers).iter().map(|l| l.address.to_string()).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn felix_follows_environment_then_node_then_default() {
        let felix = |name: &str, spec: Value| json!({ "metadata": { "name": name }, "spec": spec });
        let on = felix("default", json!({ "prometheusMetricsEnabled": true }));
        let node = felix("node.node1", json!({ "prometheusMetricsPort": 9191 }));
        let quiet = [pod("calico-node", "10.99.1.1", &json!([]))];
        check(&quiet, &[], &[], &[]);
        check(&quiet, std::slice::from_ref(&on), &[], &["10.99.1.1:9091"]);
        check(&quiet, &[on.clone(), node.clone()], &[], &["10.99.1.1:9191"]);
        let off = json!([{ "name": "FELIX_PROMETHEUSMETRICSENABLED", "value": "false" }]);
        check(&[pod("calico-node", "10.99.1.1", &off)], &[on, node], &[], &[]);
        let local = felix(
            "default",
            json!({ "prometheusMetricsEnabled": true, "prometheusMetricsHost": "127.0.0.1" }),
        );
        check(&quiet, &[local], &[], &["127.0.0.1:9091"]);
    }

    #[test]
    fn kube_controllers_make_their_own_default() {
        let pods = [pod("calico-kube-controllers", "10.99.64.2", &json!([]))];
        check(&pods, &[], &[], &["10.99.64.2:9094"]);
        check(&pods, &[], &[json!({ "metadata": { "name": "default" }, "spec": {} })], &[]);
        let own = json!({ "metadata": { "name": "default" }, "spec": { "prometheusMetricsPort": 9095 } });
        check(&pods, &[], &[own], &["10.99.64.2:9095"]);
    }

    #[test]
    fn typha_has_its_environment_alone() {
        let env = json!([{ "name": "TYPHA_PROMETHEUSMETRICSENABLED", "value": "true" }]);
        check(&[pod("calico-typha", "10.99.1.1", &env)], &[], &[], &["10.99.1.1:9093"]);
        check(&[pod("calico-typha", "10.99.1.1", &json!([]))], &[], &[], &[]);
    }
}
