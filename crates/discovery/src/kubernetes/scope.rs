//! The objects of one role in one namespace (or in all), and the groups made of them.

use super::around::{Other, Surroundings};
use super::groups::{self, Around, AttachMetadata};
use super::spec::Spec;
use crate::TargetGroup;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::Notify;
use tortie_cluster::watch::{
    EndpointSlice, Endpoints, Ingress, Key, Listener, Node, Pod, Selection, Service, Standard, Watch, Watches,
};
use tortie_config::kubernetes::Role;

/// Groups by their source.
pub(super) type Groups = BTreeMap<String, TargetGroup>;

/// A scope, whatever its role.
pub(super) trait Scope: Send {
    /// Makes the groups anew that changed; whether any did. Until everything was listed once there are none.
    fn refresh(&mut self, groups: &mut Groups) -> bool;

    /// Whether everything was listed once.
    fn synced(&self) -> bool;
}

/// Makes the group of an object; `None` leaves the one that is there.
type Build<T> = fn(&T, &dyn Around, AttachMetadata) -> Option<TargetGroup>;

struct Objects<T> {
    main: Watch<T>,
    changes: Listener,
    around: Surroundings,
    attach: AttachMetadata,
    build: Build<T>,
    source: fn(&str) -> String,
    /// The other objects that were looked at for each object, and the way back.
    looked_at: HashMap<Key, Vec<Other>>,
    looked_for: HashMap<Other, HashSet<Key>>,
}

/// Watches what a role needs in one namespace, or in all.
pub(super) fn open(
    spec: &Spec,
    namespace: Option<&str>,
    watches: &Watches,
    wake: &Arc<Notify>,
) -> Box<dyn Scope> {
    let place = Place { spec, namespace, watches, wake };
    match spec.role {
        Role::Node => place.objects::<Node>(|n, _, _| groups::node(n), groups::node_source),
        Role::Pod => place.objects::<Pod>(|p, a, m| Some(groups::pod(p, a, m)), groups::pod_source),
        Role::Service => {
            place.objects::<Service>(|s, a, m| Some(groups::service(s, a, m)), groups::service_source)
        }
        Role::Endpoints => {
            place.objects::<Endpoints>(|e, a, m| Some(groups::endpoints(e, a, m)), groups::endpoints_source)
        }
        Role::EndpointSlice => {
            place.objects::<EndpointSlice>(|s, a, m| Some(groups::slice(s, a, m)), groups::slice_source)
        }
        Role::Ingress => {
            place.objects::<Ingress>(|i, a, m| Some(groups::ingress(i, a, m)), groups::ingress_source)
        }
    }
}

struct Place<'a> {
    spec: &'a Spec,
    namespace: Option<&'a str>,
    watches: &'a Watches,
    wake: &'a Arc<Notify>,
}

impl Place<'_> {
    fn objects<T: Standard>(&self, build: Build<T>, source: fn(&str) -> String) -> Box<dyn Scope> {
        let namespace = self.namespace.filter(|_| self.spec.role != Role::Node);
        let selection = self.spec.select(self.spec.role, Selection::of::<T>(namespace));
        let main = self.watches.select::<T>(selection);
        Box::new(Objects {
            changes: main.listen(self.wake),
            main,
            around: Surroundings::open(self.spec, self.namespace, self.watches, self.wake),
            attach: self.spec.attach,
            build,
            source,
            looked_at: HashMap::new(),
            looked_for: HashMap::new(),
        })
    }
}

impl<T: Standard> Scope for Objects<T> {
    fn synced(&self) -> bool {
        self.main.synced() && self.around.synced()
    }

    fn refresh(&mut self, groups: &mut Groups) -> bool {
        if !self.synced() {
            return false;
        }
        // What changes while this runs is told again.
        let mut keys = self.changes.take().keys;
        for other in self.around.changed() {
            keys.extend(self.looked_for.get(&other).into_iter().flatten().cloned());
        }
        let mut any = false;
        for key in keys {
            any |= match self.main.get(&key) {
                Some(object) => self.make(&key, &object, groups),
                None => {
                    self.remember(&key, Vec::new());
                    groups.remove(&(self.source)(&key)).is_some()
                }
            };
        }
        any
    }
}

impl<T: Standard> Objects<T> {
    fn make(&mut self, key: &Key, object: &T, groups: &mut Groups) -> bool {
        let looks = self.around.looks();
        let made = (self.build)(object, &looks, self.attach);
        let others = looks.others();
        self.remember(key, others);
        let Some(group) = made else { return false };
        if group.targets.is_empty() {
            return groups.remove(&group.source).is_some();
        }
        match groups.get_mut(&group.source) {
            Some(old) if *old == group => false,
            Some(old) => {
                *old = group;
                true
            }
            None => groups.insert(group.source.clone(), group).is_none(),
        }
    }

    fn remember(&mut self, key: &Key, others: Vec<Other>) {
        for old in self.looked_at.remove(key).into_iter().flatten() {
            if let Some(keys) = self.looked_for.get_mut(&old) {
                keys.remove(key);
                if keys.is_empty() {
                    self.looked_for.remove(&old);
                }
            }
        }
        for other in &others {
            self.looked_for.entry(other.clone()).or_default().insert(Arc::clone(key));
        }
        if !others.is_empty() {
            self.looked_at.insert(Arc::clone(key), others);
        }
    }
}
