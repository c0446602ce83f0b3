//! A second look at objects that are being written while the doctor looks, so that two writers who fight over one show.
//!
//! A cluster at rest is looked at once and costs nothing more. An object that has been changed often, or by two writers, and
//! again within the last seconds is read a second time [`PAUSE`] after the first.

use crate::collect::live::{Watch, unseen};
use crate::snapshot::Snapshot;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tortie_cluster::client::{Cluster, ListOptions, Resources};
use tortie_cluster::object::{Object, ObjectRef};

/// Between the two looks.
const PAUSE: Duration = Duration::from_secs(4);
/// A write within so many milliseconds may be one of many.
const FRESH: i64 = 10_000;
/// A specification that was changed so often is not the work of one afternoon's setup.
const OFTEN: i64 = 20;
/// Objects that are looked at again.
const MOST: usize = 8;

/// What is to be looked at again, and when.
pub(super) struct SecondLook {
    objects: Vec<ObjectRef>,
    at: Instant,
}

impl SecondLook {
    /// Chooses among the objects that were just read.
    pub(super) fn of(snap: &Snapshot, watch: &Watch) -> SecondLook {
        let now = watch.now();
        let objects = snap.objects.iter().filter(|o| contended(o, now)).map(|o| o.reference());
        SecondLook { objects: objects.take(MOST).collect(), at: Instant::now() + PAUSE }
    }
}

/// Whether an object is one that operators, charts and people write, and seems to be written in turn.
fn contended(object: &Object, now: i64) -> bool {
    let kind = object.gvk.kind.as_str();
    let watched = match object.gvk.group.as_str() {
        "projectcalico.org" | "crd.projectcalico.org" => kind.ends_with("Configuration"),
        "operator.tigera.io" => kind == "Installation",
        "apps" => ["calico-typha", "calico-node"].contains(&object.meta.name.as_str()),
        "monitoring.coreos.com" => ["ServiceMonitor", "PodMonitor", "Prometheus"].contains(&kind),
        _ => false,
    };
    if !watched {
        return false;
    }
    let writers = object.meta.managed.iter().filter(|m| m.subresource.is_empty());
    let fresh = writers.filter(|m| m.time.is_some_and(|t| now - t < FRESH)).count();
    fresh >= 2 || (fresh == 1 && object.meta.generation >= OFTEN)
}

/// Reads them again once the pause is over. Lists of one ask for no more rights than the first look did.
pub(super) async fn again(cluster: &Cluster, resources: &Resources, look: SecondLook, snap: &mut Snapshot) {
    if look.objects.is_empty() {
        return;
    }
    tokio::time::sleep_until(look.at).await;
    for object in look.objects {
        let Some(resource) = resources.exact(&object.gvk) else { continue };
        let options =
            ListOptions { fields: Some(format!("metadata.name={}", object.name)), ..ListOptions::default() };
        let namespace = Some(object.namespace.as_str()).filter(|n| !n.is_empty());
        match cluster.list(resource, namespace, &options).await {
            Ok(list) => snap.second_look.extend(list.into_iter().map(Arc::new)),
            Err(e) => unseen(snap, &format!("second look at {object}"), &resource.full_name(), &e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(kind: &str, generation: i64, seconds_ago: &[i64], expect: bool) {
        let now: i64 = 1_767_776_400_000;
        let managed: Vec<_> = seconds_ago
            .iter()
            .map(|ago| {
                let time = jiff::Timestamp::from_millisecond(now - ago * 1000).unwrap().to_string();
                json!({"manager": format!("m{ago}"), "operation": "Update", "time": time, "fieldsV1": {}})
            })
            .collect();
        let group = if kind == "Secret" { "v1" } else { "projectcalico.org/v3" };
        let body = json!({"apiVersion": group, "kind": kind,
            "metadata": {"name": "default", "generation": generation, "managedFields": managed}});
        let got = contended(&Object::parse(body).unwrap(), now);
        assert_eq!(got, expect, "{kind} {generation} {seconds_ago:?}");
    }

    #[test]
    fn who_writes_in_turn_is_looked_at_again() {
        check("FelixConfiguration", 1, &[], false);
        // Somebody at work, or long ago.
        check("FelixConfiguration", 3, &[2], false);
        check("FelixConfiguration", 900, &[60, 90], false);
        check("FelixConfiguration", 3, &[2, 5], true);
        check("FelixConfiguration", 20, &[2, 300], true);
        check("Secret", 20, &[2, 5], false);
    }
}
