//! `snapshot.json`: what a snapshot holds beside Kubernetes objects.

use crate::snapshot::{
    Assumptions, Collector, Grafana, Identity, Journal, LogLine, Probe, Snapshot, Source, Unseen, Written,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_cluster::object::{Gvk, Object, ObjectRef};

/// The fields of `snapshot.json`.
#[derive(Serialize, Deserialize)]
pub(super) struct Form {
    source: Source,
    identity: Identity,
    at: i64,
    machine_ahead: Option<i64>,
    #[serde(default)]
    assume: Assumptions,
    #[serde(default)]
    served: Vec<String>,
    #[serde(default)]
    unseen: Vec<Unseen>,
    #[serde(default)]
    probes: Vec<Probe>,
    #[serde(default)]
    logs: Vec<LogLine>,
    #[serde(default)]
    collectors: Vec<Collector>,
    #[serde(default)]
    pub(super) generated: BTreeMap<String, String>,
    #[serde(default)]
    second_look: Vec<Value>,
    setup: Option<Setup>,
    grafana: Option<Grafana>,
}

#[derive(Serialize, Deserialize)]
struct Setup {
    fields: Vec<Field>,
    objects: Vec<Named>,
}

#[derive(Serialize, Deserialize)]
struct Field {
    object: Named,
    pointer: String,
    value: Value,
    at: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

/// Everything but the objects.
pub(super) fn of(snap: &Snapshot) -> Form {
    Form {
        source: snap.source.clone(),
        identity: snap.identity.clone(),
        at: snap.at,
        machine_ahead: snap.machine_ahead,
        assume: snap.assume.clone(),
        served: snap.served.clone(),
        unseen: snap.unseen.clone(),
        probes: snap.probes.clone(),
        logs: snap.logs.clone(),
        collectors: snap.collectors.clone(),
        generated: snap.generated.clone(),
        second_look: snap.second_look.iter().map(|o| o.body.clone()).collect(),
        setup: snap.setup.as_ref().map(setup),
        grafana: snap.grafana.clone(),
    }
}

/// The snapshot without its objects.
pub(super) fn read(body: &Value) -> Result<Snapshot, String> {
    let form = Form::deserialize(body).map_err(|e| e.to_string())?;
    let mut snap = Snapshot::new(form.source);
    snap.identity = form.identity;
    snap.at = form.at;
    snap.machine_ahead = form.machine_ahead;
    snap.assume = form.assume;
    snap.served = form.served;
    snap.unseen = form.unseen;
    snap.probes = form.probes;
    snap.logs = form.logs;
    snap.collectors = form.collectors;
    snap.generated = form.generated;
    for body in form.second_look {
        snap.second_look.push(Arc::new(Object::parse(body).map_err(|e| e.to_string())?));
    }
    snap.setup = form.setup.map(|s| Journal {
        fields: s
            .fields
            .into_iter()
            .map(|f| Written { object: reference(&f.object), pointer: f.pointer, value: f.value, at: f.at })
            .collect(),
        objects: s.objects.iter().map(reference).collect(),
    });
    snap.grafana = form.grafana;
    Ok(snap)
}

fn setup(journal: &Journal) -> Setup {
    let field = |w: &Written| Field {
        object: named(&w.object),
        pointer: w.pointer.clone(),
        value: w.value.clone(),
        at: w.at,
    };
    Setup {
        fields: journal.fields.iter().map(field).collect(),
        objects: journal.objects.iter().map(named).collect(),
    }
}

fn named(o: &ObjectRef) -> Named {
    Named {
        api_version: o.gvk.api_version(),
        kind: o.gvk.kind.clone(),
        namespace: o.namespace.clone(),
        name: o.name.clone(),
    }
}

fn reference(n: &Named) -> ObjectRef {
    ObjectRef::new(Gvk::from_api_version(&n.api_version, &n.kind), &n.namespace, &n.name)
}
