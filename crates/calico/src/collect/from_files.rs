//! Snapshots out of files: a dump of a whole cluster, or the manifests of a repository.

use crate::collect::assume;
use crate::snapshot::{Assumptions, Snapshot, Source};
use std::path::PathBuf;
use tortie_cluster::files::{self, Problem};
use tortie_cluster::object::Object;
use tortie_host::Fs;

/// What could not be used.
#[derive(Debug)]
pub enum Unusable {
    /// A document that could not be read, with its place.
    Document(Problem),
    /// An object that is no valid one of its kind: its name and the reason, with file, line and column when known.
    Object(String),
}

/// Reads `paths` into a snapshot; what is broken is told and the rest is judged. `now` is in milliseconds since 1970.
pub fn read(fs: &dyn Fs, paths: &[PathBuf], assume: &Assumptions, now: i64) -> (Snapshot, Vec<Unusable>) {
    let (objects, problems) = files::read(fs, paths);
    let mut unusable: Vec<Unusable> = problems.into_iter().map(Unusable::Document).collect();
    let (snap, bad) = snapshot(objects, assume, now);
    unusable.extend(bad);
    (snap, unusable)
}

/// A snapshot of objects that came from files.
pub fn snapshot(mut objects: Vec<Object>, assume: &Assumptions, now: i64) -> (Snapshot, Vec<Unusable>) {
    match crate::bundle::snapshot(&mut objects) {
        Some(Ok((snap, bad))) => {
            let told =
                bad.into_iter().map(|(o, reason)| Unusable::Object(format!("{}: {reason}", o.reference())));
            return (snap, told.collect());
        }
        // What else is in it is judged as a dump.
        Some(Err(reason)) => {
            let (snap, mut bad) = snapshot(objects, assume, now);
            bad.insert(0, Unusable::Object(reason));
            return (snap, bad);
        }
        None => {}
    }
    let dump = is_dump(&objects);
    let mut snap = Snapshot::new(if dump { Source::Dump } else { Source::Files });
    // A dump is judged at the time it was taken, not today: ages in it mean something then only.
    snap.at = if dump { taken(&objects).unwrap_or(now) } else { now };
    snap.assume = assume.clone();
    if !dump {
        // The API server would put objects without a namespace there.
        for object in &mut objects {
            if object.meta.namespace.is_empty() && namespaced(&object.gvk.kind) {
                object.meta.namespace = "default".to_owned();
            }
        }
        objects = assume::beside(objects, assume);
    }
    let bad = snap.add(objects);
    snap.identity.uid = snap
        .namespaces
        .iter()
        .find(|n| n.meta.name == "kube-system")
        .map(|n| n.meta.uid.clone())
        .unwrap_or_default();
    let told = bad.into_iter().map(|(object, reason)| {
        let place = object.origin.as_ref().and_then(|o| Some((o.file.clone(), o.position("")?)));
        let place = place.map(|(f, (l, c))| format!("{f}:{l}:{c}: ")).unwrap_or_default();
        Unusable::Object(format!("{place}{}: {reason}", object.reference()))
    });
    (snap, told.collect())
}

/// A dump has what no manifest has: objects with uids that a server gave, namespaces among them.
fn is_dump(objects: &[Object]) -> bool {
    let given = |o: &&Object| !o.meta.uid.is_empty() && !o.meta.resource_version.is_empty();
    objects.iter().filter(given).any(|o| matches!(o.gvk.kind.as_str(), "Namespace" | "Node" | "Pod"))
}

/// The newest time that any object names, plus the two minutes after which nothing is too young any more.
fn taken(objects: &[Object]) -> Option<i64> {
    let managed = objects.iter().flat_map(|o| &o.meta.managed).filter_map(|m| m.time);
    let newest = objects.iter().filter_map(|o| o.meta.created).chain(managed).max();
    newest.map(|t| t + 120_000)
}

fn namespaced(kind: &str) -> bool {
    const NAMESPACED: [&str; 20] = [
        "Service",
        "Pod",
        "Endpoints",
        "EndpointSlice",
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "Deployment",
        "DaemonSet",
        "StatefulSet",
        "ReplicaSet",
        "Role",
        "RoleBinding",
        "ServiceMonitor",
        "PodMonitor",
        "Probe",
        "ScrapeConfig",
        "PrometheusRule",
        "Prometheus",
        "Alertmanager",
    ];
    NAMESPACED.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: (Source, usize, usize)) {
        let (objects, problems) = files::parse("x.yaml", text);
        let (snap, bad) = snapshot(objects, &Assumptions::default(), 5);
        assert_eq!(
            (snap.source, snap.services.len(), problems.len() + bad.len()),
            expect,
            "{problems:?} {bad:?}"
        );
    }

    #[test]
    fn manifests_are_files_and_whole_clusters_are_dumps() {
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n";
        check(service, (Source::Files, 1, 0));
        let node = "---\napiVersion: v1\nkind: Node\nmetadata: {name: n1, uid: u, resourceVersion: '4'}\n";
        check(&format!("{service}{node}"), (Source::Dump, 1, 0));
    }

    #[test]
    fn a_broken_document_does_not_hide_the_others() {
        let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: 3}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: b}\n";
        check(text, (Source::Files, 1, 1));
    }
}
