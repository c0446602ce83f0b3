//! The names and addresses of the simulated fleet, put over those of the model clusters.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tortie_sim::installs::{Objects, Options};
use tortie_sim::{Component, SimTarget};

/// The model's Service of Felix' metrics, and what the fleet calls it.
const FELIX_SERVICE: (&str, &str) = ("tortie-felix-metrics", "felix-metrics-svc");

/// What is called how.
pub(super) struct Names {
    /// Words of the model and the fleet's: nodes, pods, ReplicaSets, Felix' Service.
    words: BTreeMap<String, String>,
    /// Address of each pod.
    pods: BTreeMap<String, String>,
    /// Address of each node.
    nodes: BTreeMap<String, String>,
    /// Typhas that the model does not have: pod and node.
    more_typhas: Vec<(String, String)>,
}

impl Names {
    /// Finds for each pod of the model the target of the fleet that plays it.
    pub(super) fn of(options: &Options, targets: &[SimTarget]) -> Names {
        let mut names = Names {
            words: BTreeMap::new(),
            pods: BTreeMap::new(),
            nodes: BTreeMap::new(),
            more_typhas: Vec::new(),
        };
        names.words.insert(FELIX_SERVICE.0.to_owned(), FELIX_SERVICE.1.to_owned());
        let of = |c: Component| targets.iter().filter(move |t| t.component == c);
        let felix: Vec<&SimTarget> = of(Component::Felix).collect();
        // The model's Typhas begin at its second node and the fleet's at its first; kube-controllers is on the model's first
        // node and on the fleet's last.
        let n = felix.len().max(1);
        for (i, target) in felix.iter().enumerate() {
            let model = Options::node_name((i + 1) % n);
            names.words.insert(format!("node.{model}"), format!("node.{}", target.node));
            names.words.insert(model, target.node.clone());
            names.nodes.insert(target.node.clone(), target.address.ip().to_string());
        }
        for target in targets {
            names.pods.insert(target.pod.clone(), target.address.ip().to_string());
        }
        let pods = Objects::of(options).0;
        let pods: Vec<&Value> = pods.iter().filter(|o| o["kind"] == "Pod").collect();
        for (app, component) in [
            ("calico-node", Component::Felix),
            ("calico-typha", Component::Typha),
            ("calico-kube-controllers", Component::KubeControllers),
        ] {
            let mut open: Vec<&SimTarget> = of(component).collect();
            for pod in pods.iter().filter(|p| p["metadata"]["labels"]["k8s-app"] == app) {
                let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
                let node = names.words.get(&word(&pod["spec"]["nodeName"])).cloned().unwrap_or_default();
                let Some(at) = open.iter().position(|t| t.node == node) else { continue };
                let target = open.remove(at);
                let name = word(&pod["metadata"]["name"]);
                if let (Some((old, _)), Some((new, _))) = (name.rsplit_once('-'), target.pod.rsplit_once('-'))
                {
                    names.words.insert(old.to_owned(), new.to_owned());
                }
                names.words.insert(name, target.pod.clone());
            }
            if component == Component::Typha {
                names.more_typhas = open.iter().map(|t| (t.pod.clone(), t.node.clone())).collect();
            }
        }
        // The DaemonSet keeps its name; the rule for generated names took it for one.
        names.words.remove("calico-node");
        names
    }

    /// A cluster's objects under the fleet's names.
    pub(super) fn renamed(&self, mut objects: Vec<Value>) -> Vec<Value> {
        objects.iter_mut().for_each(|o| self.rename(o));
        objects.iter_mut().for_each(|o| self.address(o));
        self.add_typhas(&mut objects);
        objects
    }

    fn rename(&self, v: &mut Value) {
        match v {
            Value::String(s) => {
                if let Some(new) = self.words.get(s.as_str()) {
                    s.clone_from(new);
                } else if let Some(rest) = s.strip_prefix(FELIX_SERVICE.0) {
                    // The slice of the Service.
                    *s = format!("{}{rest}", FELIX_SERVICE.1);
                } else {
                    // An expression that asks for the Service's job.
                    let (model, fleet) = (format!("{:?}", FELIX_SERVICE.0), format!("{:?}", FELIX_SERVICE.1));
                    if s.contains(&model) {
                        *s = s.replace(&model, &fleet);
                    }
                }
            }
            Value::Array(list) => list.iter_mut().for_each(|v| self.rename(v)),
            Value::Object(map) => map.values_mut().for_each(|v| self.rename(v)),
            _ => {}
        }
    }

    fn address(&self, o: &mut Value) {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let name = text(&o["metadata"]["name"]);
        match o["kind"].as_str() {
            Some("Node") => {
                let Some(ip) = self.nodes.get(&name) else { return };
                let list = o.pointer_mut("/status/addresses").and_then(Value::as_array_mut);
                for a in list.into_iter().flatten().filter(|a| a["type"] == "InternalIP") {
                    a["address"] = json!(ip);
                }
            }
            Some("Pod") => {
                if let Some(host) = self.nodes.get(&text(&o["spec"]["nodeName"])) {
                    o["status"]["hostIP"] = json!(host);
                }
                if let Some(ip) = self.pods.get(&name) {
                    o["status"]["podIP"] = json!(ip);
                    o["status"]["podIPs"] = json!([{"ip": ip}]);
                }
            }
            Some("EndpointSlice") => {
                let list = o.pointer_mut("/endpoints").and_then(Value::as_array_mut);
                for e in list.into_iter().flatten() {
                    if let Some(ip) = self.pods.get(&text(&e["targetRef"]["name"])) {
                        e["addresses"] = json!([ip]);
                    }
                }
            }
            _ => {}
        }
    }

    /// Typhas beyond the model's: like its first one.
    fn add_typhas(&self, objects: &mut Vec<Value>) {
        if self.more_typhas.is_empty() {
            return;
        }
        let typha = |o: &Value| o["kind"] == "Pod" && o["metadata"]["labels"]["k8s-app"] == "calico-typha";
        let Some(first) = objects.iter().find(|o| typha(o)).cloned() else { return };
        let like = first["metadata"]["name"].clone();
        let mut count = objects.iter().filter(|o| typha(o)).count();
        for (pod, node) in &self.more_typhas {
            let mut new = first.clone();
            new["metadata"]["name"] = json!(pod);
            new["metadata"]["uid"] = json!(format!("{}{}", &node, &pod));
            new["spec"]["nodeName"] = json!(node);
            self.address(&mut new);
            objects.push(new);
            count += 1;
            for slice in objects.iter_mut().filter(|o| o["kind"] == "EndpointSlice") {
                let list = slice.pointer_mut("/endpoints").and_then(Value::as_array_mut);
                let Some(list) = list else { continue };
                let Some(mut e) = list.iter().find(|e| e["targetRef"]["name"] == like).cloned() else {
                    continue;
                };
                e["targetRef"]["name"] = json!(pod);
                e["nodeName"] = json!(node);
                list.push(e);
                self.address(slice);
            }
        }
        let deployment =
            |o: &&mut Value| o["kind"] == "Deployment" && o["metadata"]["name"] == "calico-typha";
        if let Some(d) = objects.iter_mut().find(deployment) {
            d["spec"]["replicas"] = json!(count);
            for field in ["replicas", "readyReplicas", "availableReplicas"] {
                d["status"][field] = json!(count);
            }
        }
    }
}
