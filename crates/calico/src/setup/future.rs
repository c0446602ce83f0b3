//! The cluster as it will be after the steps so far, what operators do about them included.
//!
//! The reactions are those of Tigera's operator (pkg/render/typha.go, node.go, kubecontrollers): with `typhaMetricsPort` it
//! sets Typha's environment and, from Calico 3.28 on, makes a Service; with `nodeMetricsPort` it sets Felix' environment.

use super::patch;
use super::step::{Step, Target, Write};
use crate::component::Component;
use crate::facts::Facts;
use crate::facts::install::{Install, Keeper, workload};
use crate::facts::service_link::ServiceLink;
use crate::snapshot::Snapshot;
use serde_json::{Value, json};
use std::sync::Arc;
use tortie_cluster::object::{Object, Service};

/// A snapshot that steps are made on.
pub(super) struct Future {
    /// As it will be.
    pub(super) snap: Snapshot,
}

impl Future {
    /// Begins with what is, and with what an operator makes of settings that it has not come to yet: an earlier run may
    /// have written them a moment ago.
    pub(super) fn of(snap: &Snapshot) -> Future {
        let mut out = Future { snap: snap.clone() };
        let facts = Facts::of(snap);
        let off = |c| facts.settings.of_component(c).is_some_and(|e| !e.enabled.value);
        let comes = facts.service_link(Component::Typha) == ServiceLink::Comes;
        let typha = (off(Component::Typha) || comes).then_some("/spec/typhaMetricsPort");
        let felix = off(Component::Felix).then_some("/spec/nodeMetricsPort");
        for field in [typha, felix].into_iter().flatten() {
            let told = facts.settings.installations.iter().rev().find(|i| i.at(field).is_some());
            if let Some(installation) = told {
                out.react(&Target::from(&installation.reference()));
            }
        }
        out
    }

    /// Makes a step. One that is made elsewhere counts as made: its owner is told to.
    pub(super) fn make(&mut self, step: &Step) {
        let mut body = body_of(&self.snap, &step.target).unwrap_or_else(|| empty(&step.target));
        match &step.write {
            Write::Apply { object, .. } => patch::merge(&mut body, object),
            Write::Patch { operations } => {
                if patch::make(&mut body, operations).is_err() {
                    return;
                }
            }
            Write::Conflict | Write::Elsewhere { .. } => {
                for change in &step.changes {
                    set(&mut body, &change.pointer, &change.after);
                }
            }
            Write::Nothing => return,
        }
        self.put(body);
        self.react(&step.target);
    }

    fn put(&mut self, body: Value) {
        let Ok(object) = Object::parse(body) else { return };
        let (namespace, name) = (&object.meta.namespace, &object.meta.name);
        if object.gvk.is("", "Service") {
            let Ok(service) = Service::from_object(&object) else { return };
            self.snap.services.retain(|s| (&s.meta.namespace, &s.meta.name) != (namespace, name));
            self.snap.services.push(service);
            return;
        }
        let same = |o: &Arc<Object>| {
            o.gvk.is(&object.gvk.group, &object.gvk.kind)
                && (&o.meta.namespace, &o.meta.name) == (namespace, name)
        };
        let at = self.snap.objects.iter().position(same);
        let object = Arc::new(object);
        match at.and_then(|i| self.snap.objects.get_mut(i)) {
            Some(place) => *place = object,
            None => self.snap.objects.push(object),
        }
    }

    /// What the operator makes of a changed setting.
    fn react(&mut self, target: &Target) {
        let install = Install::of(&self.snap);
        if install.keeper != Keeper::Operator {
            return;
        }
        let setting = self.snap.find(&target.reference().gvk.group, &target.kind, "", &target.name).cloned();
        let port = |pointer: &str| {
            let value = setting.as_ref().and_then(|o| o.at(pointer)).and_then(Value::as_u64);
            value.and_then(|v| u16::try_from(v).ok()).filter(|p| *p != 0)
        };
        match target.kind.as_str() {
            "Installation" => {
                if let Some(port) = port("/spec/typhaMetricsPort") {
                    self.environment(Component::Typha, "TYPHA", port);
                    if install.since(28) {
                        self.service(
                            &install,
                            "calico-typha-metrics",
                            "calico-typha-metrics",
                            "calico-typha",
                            "calico-typha-metrics",
                            port,
                        );
                    }
                }
                if let Some(port) = port("/spec/nodeMetricsPort") {
                    self.environment(Component::Felix, "FELIX", port);
                }
            }
            "KubeControllersConfiguration" => {
                if let Some(port) = port("/spec/prometheusMetricsPort") {
                    let app = "calico-kube-controllers";
                    self.service(&install, "calico-kube-controllers-metrics", app, app, "metrics-port", port);
                }
            }
            _ => {}
        }
    }

    fn environment(&mut self, component: Component, prefix: &str, port: u16) {
        let Some(object) = workload(&self.snap, component) else { return };
        let mut body = object.body.clone();
        let at = "/spec/template/spec/containers/0";
        let Some(container) = body.pointer_mut(at).and_then(Value::as_object_mut) else { return };
        let env = container.entry("env").or_insert_with(|| json!([]));
        let Some(env) = env.as_array_mut() else { return };
        for (field, value) in [("ENABLED", "true".to_owned()), ("PORT", port.to_string())] {
            let name = format!("{prefix}_PROMETHEUSMETRICS{field}");
            env.retain(|e| e["name"] != name.as_str());
            env.push(json!({"name": name, "value": value}));
        }
        self.put(body);
    }

    fn service(&mut self, install: &Install, name: &str, label: &str, app: &str, port_name: &str, port: u16) {
        let old =
            self.snap.services.iter().find(|s| s.meta.namespace == install.namespace && s.meta.name == name);
        let mut labels = old.map(|s| s.meta.labels.clone()).unwrap_or_default();
        labels.insert("k8s-app".to_owned(), label.to_owned());
        self.put(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": install.namespace, "labels": labels, "ownerReferences": [
                {"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "name": "default", "uid": "", "controller": true}]},
            "spec": {"selector": {"k8s-app": app}, "type": "ClusterIP",
                "ports": [{"name": port_name, "port": port, "protocol": "TCP", "targetPort": port}]},
        }));
    }
}

/// The JSON of an object of a snapshot.
pub(super) fn body_of(snap: &Snapshot, target: &Target) -> Option<Value> {
    let r = target.reference();
    if r.gvk.is("", "Service") {
        let found =
            snap.services.iter().find(|s| s.meta.namespace == r.namespace && s.meta.name == r.name)?;
        return Some(found.to_json());
    }
    snap.find(&r.gvk.group, &r.gvk.kind, &r.namespace, &r.name).map(|o| o.body.clone())
}

fn empty(target: &Target) -> Value {
    let mut body =
        json!({"apiVersion": target.api_version, "kind": target.kind, "metadata": {"name": target.name}});
    if !target.namespace.is_empty() {
        body["metadata"]["namespace"] = json!(target.namespace);
    }
    body
}

fn set(body: &mut Value, pointer: &str, value: &Value) {
    let fields = pointer
        .split('/')
        .skip(1)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .fold(value.clone(), |inner, step| json!({step.replace("~1", "/").replace("~0", "~"): inner}));
    patch::merge(body, &fields);
}
