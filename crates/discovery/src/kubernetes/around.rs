//! The watched objects around those of a role, and who looked at which.

use super::groups::Around;
use super::spec::Spec;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::Notify;
use tortie_cluster::watch::{
    Job, Key, Listener, Namespace, Node, Pod, ReplicaSet, Selection, Service, Standard, Watch, Watches,
};
use tortie_config::kubernetes::Role;

/// A kind of object besides that of the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Service,
    Pod,
    Node,
    Namespace,
    ReplicaSet,
    Job,
}

/// One such object, whether it is there or not.
pub(super) type Other = (Kind, Key);

/// What is watched besides the objects of the role.
pub(super) struct Surroundings {
    services: Option<Watched<Service>>,
    pods: Option<Watched<Pod>>,
    nodes: Option<Watched<Node>>,
    namespaces: Option<Watched<Namespace>>,
    replica_sets: Option<Watched<ReplicaSet>>,
    jobs: Option<Watched<Job>>,
}

struct Watched<T> {
    watch: Watch<T>,
    changes: Listener,
}

impl Surroundings {
    pub(super) fn open(
        spec: &Spec,
        namespace: Option<&str>,
        watches: &Watches,
        wake: &Arc<Notify>,
    ) -> Surroundings {
        let attach = spec.attach;
        let by_service = matches!(spec.role, Role::Endpoints | Role::EndpointSlice);
        let has_pods = by_service || spec.role == Role::Pod;
        let with = Opener { watches, wake };
        Surroundings {
            services: by_service
                .then(|| with.open(spec.select(Role::Service, Selection::of::<Service>(namespace)))),
            pods: by_service.then(|| with.open(spec.select(Role::Pod, Selection::of::<Pod>(namespace)))),
            nodes: (has_pods && attach.node)
                .then(|| with.open(spec.select(Role::Node, Selection::of::<Node>(None)))),
            namespaces: (spec.role != Role::Node && attach.namespace)
                .then(|| with.open(Selection::of::<Namespace>(None))),
            replica_sets: (has_pods && attach.deployment)
                .then(|| with.open(Selection::of::<ReplicaSet>(namespace))),
            jobs: (has_pods && (attach.job || attach.cronjob))
                .then(|| with.open(Selection::of::<Job>(namespace))),
        }
    }

    /// Whether all of it was listed once.
    pub(super) fn synced(&self) -> bool {
        fn one<T: Standard>(w: &Option<Watched<T>>) -> bool {
            w.as_ref().is_none_or(|w| w.watch.synced())
        }
        one(&self.services)
            && one(&self.pods)
            && one(&self.nodes)
            && one(&self.namespaces)
            && one(&self.replica_sets)
            && one(&self.jobs)
    }

    /// What has changed since this was asked last.
    pub(super) fn changed(&self) -> Vec<Other> {
        fn add<T>(all: &mut Vec<Other>, kind: Kind, w: &Option<Watched<T>>) {
            let Some(w) = w else { return };
            all.extend(w.changes.take().keys.into_iter().map(|k| (kind, k)));
        }
        let mut all = Vec::new();
        add(&mut all, Kind::Service, &self.services);
        add(&mut all, Kind::Pod, &self.pods);
        add(&mut all, Kind::Node, &self.nodes);
        add(&mut all, Kind::Namespace, &self.namespaces);
        add(&mut all, Kind::ReplicaSet, &self.replica_sets);
        add(&mut all, Kind::Job, &self.jobs);
        all
    }

    /// A look at all of it that remembers what was looked at.
    pub(super) fn looks(&self) -> Looks<'_> {
        Looks { at: self, others: RefCell::default() }
    }
}

struct Opener<'a> {
    watches: &'a Watches,
    wake: &'a Arc<Notify>,
}

impl Opener<'_> {
    fn open<T: Standard>(&self, selection: Selection) -> Watched<T> {
        let watch = self.watches.select::<T>(selection);
        let changes = watch.listen(self.wake);
        Watched { watch, changes }
    }
}

/// A look at the surroundings.
pub(super) struct Looks<'a> {
    at: &'a Surroundings,
    others: RefCell<HashSet<Other>>,
}

impl Looks<'_> {
    /// What was looked at.
    pub(super) fn others(self) -> Vec<Other> {
        self.others.into_inner().into_iter().collect()
    }

    fn look<T: Standard>(&self, kind: Kind, watched: &Option<Watched<T>>, key: &str) -> Option<Arc<T>> {
        let watched = watched.as_ref()?;
        self.others.borrow_mut().insert((kind, key.into()));
        watched.watch.get(key)
    }
}

impl Around for Looks<'_> {
    fn service(&self, key: &str) -> Option<Arc<Service>> {
        self.look(Kind::Service, &self.at.services, key)
    }

    fn pod(&self, key: &str) -> Option<Arc<Pod>> {
        self.look(Kind::Pod, &self.at.pods, key)
    }

    fn node(&self, name: &str) -> Option<Arc<Node>> {
        self.look(Kind::Node, &self.at.nodes, name)
    }

    fn namespace(&self, name: &str) -> Option<Arc<Namespace>> {
        self.look(Kind::Namespace, &self.at.namespaces, name)
    }

    fn replica_set(&self, key: &str) -> Option<Arc<ReplicaSet>> {
        self.look(Kind::ReplicaSet, &self.at.replica_sets, key)
    }

    fn job(&self, key: &str) -> Option<Arc<Job>> {
        self.look(Kind::Job, &self.at.jobs, key)
    }
}
