//! The fault catalogue on a real cluster: each fault is made with kubectl, named by the doctor, and mended by the command it
//! prints, run as printed.

use super::cluster::{Cluster, Told};
use serde_json::{Value, json};
use std::time::Instant;
use tortie_sim::catalogue::{self, Change, Entry, Mends, Seen};

/// Kinds that a person edits and no controller puts back.
const EDITED: [&str; 7] = [
    "ServiceMonitor",
    "PodMonitor",
    "PrometheusRule",
    "Prometheus",
    "FelixConfiguration",
    "KubeControllersConfiguration",
    "Service",
];

/// Whether a fault can be made on this cluster by a person: slices, pods and status follow by themselves.
fn can_be_made(entry: &Entry) -> bool {
    let made = entry.changes.iter().filter(|c| !follows(c)).count() > 0;
    let edited = entry.changes.iter().filter(|c| !follows(c)).all(|c| match c {
        Change::Set { kind, name, pointer, .. } => {
            EDITED.contains(kind)
                && !pointer.starts_with("/status")
                && !name.starts_with("calico-") | (*kind != "Service")
        }
        Change::Remove { kind, name } => {
            EDITED.contains(kind) && (*kind != "Service" || name.starts_with("tortie-"))
        }
        Change::Add(o) => EDITED.contains(&o["kind"].as_str().unwrap_or_default()),
        Change::SetAll { .. } => false,
    });
    let usual =
        entry.cluster.calico == 30 && entry.cluster.operated() && entry.cluster.monitor_label().is_some();
    made && edited && usual && entry.seen == Seen::Objects
}

/// What controllers do after the rest.
fn follows(change: &Change) -> bool {
    match change {
        Change::Set { kind, pointer, .. } => {
            *kind == "EndpointSlice" || pointer.starts_with("/metadata/generation")
        }
        Change::Remove { kind, .. } => *kind == "EndpointSlice",
        Change::Add(o) => o["kind"] == "Event",
        Change::SetAll { .. } => false,
    }
}

/// The chain of the catalogue's usual cluster on a real one.
fn chain(cluster: &Cluster) {
    for (kind, patch) in [
        ("felixconfigurations.crd.projectcalico.org", r#"{"spec":{"prometheusMetricsEnabled":true}}"#),
        ("installations.operator.tigera.io", r#"{"spec":{"typhaMetricsPort":9093}}"#),
    ] {
        cluster.bed.kubectl_ok(&["patch", kind, "default", "--type=merge", "-p", patch]).unwrap();
    }
    let options = tortie_sim::installs::Options { calico: 30, ..Default::default() };
    let model = tortie_sim::installs::Objects::of(&options);
    let wanted = |o: &&Value| {
        o["kind"] == "ServiceMonitor"
            || (o["kind"] == "Service" && o["metadata"]["name"] == "tortie-felix-metrics")
    };
    let mut objects: Vec<Value> = model.0.iter().filter(wanted).map(bare).collect();
    for o in objects.iter_mut().filter(|o| o["kind"] == "ServiceMonitor") {
        o["spec"]["endpoints"][0]["interval"] = json!("1s");
    }
    cluster.bed.apply_objects(&objects).unwrap();
}

/// Without what a server gives.
fn bare(object: &Value) -> Value {
    let mut o = object.clone();
    let meta = o["metadata"].as_object_mut().unwrap();
    for key in
        ["uid", "creationTimestamp", "generation", "managedFields", "ownerReferences", "resourceVersion"]
    {
        meta.remove(key);
    }
    o.as_object_mut().unwrap().remove("status");
    o
}

fn path(cluster: &Cluster, kind: &str, name: &str) -> Value {
    let namespace = match kind {
        "ServiceMonitor" | "PodMonitor" | "Prometheus" | "PrometheusRule" => "monitoring",
        "Service" => "calico-system",
        _ => "",
    };
    let kind = match kind {
        "FelixConfiguration" | "KubeControllersConfiguration" => {
            format!("{kind}s.crd.projectcalico.org").to_lowercase()
        }
        other => other.to_lowercase(),
    };
    let mut args = vec!["get", kind.as_str(), name, "-o", "json"];
    if !namespace.is_empty() {
        args.extend(["-n", namespace]);
    }
    serde_json::from_str(&cluster.bed.kubectl_ok(&args).unwrap()).unwrap()
}

/// Makes a change and gives back what undoes it: objects to replace, objects to delete.
fn make(cluster: &Cluster, change: &Change, before: &mut Vec<Value>, added: &mut Vec<Value>) {
    if follows(change) {
        return;
    }
    match change {
        Change::Set { kind, name, pointer, value } => {
            let now = path(cluster, kind, name);
            let mut changed = now.clone();
            before.push(bare(&now));
            tortie_sim::installs::set(&mut changed, pointer, value.clone());
            replace(cluster, &changed);
        }
        Change::Remove { kind, name } => {
            let now = path(cluster, kind, name);
            before.push(bare(&now));
            delete(cluster, &now);
        }
        Change::Add(object) => {
            let mut o = bare(object);
            // A bed's nodes are called otherwise than the model's.
            if let Some(node) = o["metadata"]["name"].as_str().and_then(|n| n.strip_prefix("node.n")) {
                o["metadata"]["name"] = json!(format!("node.node{node}"));
            }
            if o["apiVersion"] == "projectcalico.org/v3" {
                o["apiVersion"] = json!("crd.projectcalico.org/v1");
            }
            cluster.bed.apply_objects(&[o.clone()]).unwrap();
            added.push(o);
        }
        Change::SetAll { .. } => unreachable!("filtered"),
    }
}

fn replace(cluster: &Cluster, object: &Value) {
    let mut command = cluster.bed.command(tortie_testbed::binary("kubectl").unwrap());
    command
        .args(["replace", "-f", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), object.to_string().as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "replace {object}");
}

fn delete(cluster: &Cluster, object: &Value) {
    let mut command = cluster.bed.command(tortie_testbed::binary("kubectl").unwrap());
    command
        .args(["delete", "--ignore-not-found", "--wait=true", "-f", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), object.to_string().as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "delete {object}");
}

/// Brings everything back by hand, for faults that no command mends and after wrong verdicts.
fn restore(cluster: &Cluster, before: &[Value], added: &[Value]) {
    for object in added {
        delete(cluster, object);
    }
    for object in before.iter().rev() {
        delete(cluster, object);
        let ok = cluster.bed.apply_objects(std::slice::from_ref(object));
        assert!(ok.is_ok(), "{ok:?}");
    }
}

#[test]
#[ignore = "a campaign: make campaign NAME=faults"]
fn each_fault_is_named_and_mended() {
    let cluster = Cluster::start(30, false);
    chain(&cluster);
    let healthy = cluster.doctor_until(|t| t.exit == 0);
    assert_eq!((healthy.ids(), healthy.exit), (vec![], 0), "{}", healthy.screen);
    let mut wrong = Vec::new();
    let entries: Vec<Entry> = catalogue::all().into_iter().filter(can_be_made).collect();
    assert!(entries.len() >= 20, "only {} faults can be made here", entries.len());
    for entry in &entries {
        let begin = Instant::now();
        let (mut before, mut added) = (Vec::new(), Vec::new());
        for change in &entry.changes {
            make(&cluster, change, &mut before, &mut added);
        }
        let told = cluster.doctor_until(|t| t.ids() == [entry.check]);
        let named = told.ids() == [entry.check];
        let named_after = begin.elapsed();
        let mut result = String::new();
        if !named {
            result = format!("expected {}, told {:?}\n{}", entry.check, told.ids(), told.screen);
        } else if entry.mends == Mends::Command {
            result = mended(&cluster, entry, &told);
        }
        println!(
            "{:<28} {} named after {named_after:?}, all {:?} {}",
            entry.name,
            entry.check,
            begin.elapsed(),
            result.lines().next().unwrap_or("ok")
        );
        if !result.is_empty() || entry.mends != Mends::Command {
            restore(&cluster, &before, &added);
        }
        if !result.is_empty() {
            wrong.push(format!("{}: {result}", entry.name));
        }
        let again = cluster.doctor_until(|t| t.exit == 0);
        if again.exit != 0 {
            restore(&cluster, &before, &added);
            wrong.push(format!("{}: not healthy afterwards: {:?}", entry.name, again.ids()));
            let _ = cluster.doctor_until(|t| t.exit == 0);
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), entries.len(), wrong.join("\n"));
}

fn mended(cluster: &Cluster, entry: &Entry, told: &Told) -> String {
    let commands = told.finding(entry.check)["fix"]["commands"].as_array().cloned().unwrap_or_default();
    if commands.is_empty() {
        return "no command was printed".to_owned();
    }
    for command in &commands {
        cluster.run_printed(command);
    }
    let healed = cluster.doctor_until(|t| t.exit == 0);
    if healed.exit == 0 {
        String::new()
    } else {
        format!("after its command: {:?}\n{}", healed.ids(), healed.screen)
    }
}
