//! The fault catalogue: the ways in which the chain from Calico to a person breaks in real clusters, each as changes to a
//! healthy cluster, with the check that must name it and the way it is mended.
//!
//! One list serves four times: the doctor's own tests, the tests on a real API server with the real operators, `demo break`,
//! and the manual's table (docs/faults.md).

mod access;
mod change;
mod monitors;
mod operator;
mod panels;
mod paths;
mod processes;
mod remarks;
mod rules;
mod services;
mod settings;
mod symptom;
mod targets;

pub use change::Change;
pub use symptom::{Asked, Live, Probed, Process, Symptom};

use crate::installs::{Kind, Options, Stack};

/// How a fault is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mends {
    /// The doctor prints a command; running it as printed mends it.
    Command,
    /// The doctor names object, path and value; the change is made where the object is kept.
    Edit,
    /// No command can: the doctor says what to do and prints none.
    Outside,
}

/// What has to be seen to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Objects alone.
    Objects,
    /// Objects alone, and only while no Prometheus can be asked: one that answers shows the same elsewhere.
    Paper,
    /// The connection to the API server, or what `tortie setup` noted.
    Api,
    /// The API of a Prometheus that scrapes.
    Prometheus,
    /// The processes themselves.
    Processes,
}

/// What the doctor makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A finding that something is broken or will hurt.
    Finding,
    /// A remark: worth knowing, nothing is broken.
    Info,
    /// It cannot be told, with the reason.
    Unknown,
    /// Too young to be judged.
    Pending,
    /// It does not apply here, with the reason.
    Skipped,
}

/// One fault.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name on the command line: `port-name`.
    pub name: &'static str,
    /// What somebody did, or what happened, in one sentence without a full stop.
    pub says: &'static str,
    /// The check that must be the one root finding.
    pub check: &'static str,
    /// Checks that must be announced as next.
    pub next: &'static [&'static str],
    /// The healthy cluster it happens in.
    pub cluster: Options,
    /// What changes.
    pub changes: Vec<Change>,
    /// How it is mended.
    pub mends: Mends,
    /// What has to be seen.
    pub seen: Seen,
    /// What is seen beyond the objects.
    pub symptoms: Vec<Symptom>,
    /// How it is made on a real cluster.
    pub live: Live,
    /// What the doctor makes of it.
    pub told: Told,
}

/// The whole list of faults, by name: each has its finding.
pub fn all() -> Vec<Entry> {
    let mut all = Vec::new();
    all.extend(access::faults());
    all.extend(processes::faults());
    all.extend(targets::faults());
    all.extend(settings::faults());
    all.extend(services::faults());
    all.extend(monitors::faults());
    all.extend(operator::faults());
    all.extend(paths::faults());
    all.extend(panels::faults());
    all.extend(rules::faults());
    all.sort_by_key(|e| e.name);
    all
}

/// States that are no faults and that the doctor only remarks on, by name.
pub fn remarks() -> Vec<Entry> {
    let mut all = remarks::remarks();
    all.sort_by_key(|e| e.name);
    all
}

/// The cluster of most faults: an operator's Calico 3.30 under kube-prometheus-stack.
fn usual() -> Options {
    Options { calico: 30, ..Options::default() }
}

fn manifest() -> Options {
    Options { calico: 30, kind: Kind::Manifest, ..Options::default() }
}

fn kube_prometheus() -> Options {
    Options { calico: 30, kind: Kind::Manifest, stack: Stack::KubePrometheus, ..Options::default() }
}

/// Name of the Prometheus object of the usual cluster.
const PROMETHEUS: &str = "prometheus-kube-prometheus-prometheus";

fn fault(name: &'static str, check: &'static str, says: &'static str, changes: Vec<Change>) -> Entry {
    Entry {
        name,
        says,
        check,
        next: &[],
        cluster: usual(),
        changes,
        mends: Mends::Command,
        seen: Seen::Objects,
        symptoms: Vec::new(),
        live: Live::Changes,
        told: Told::Finding,
    }
}

impl Entry {
    fn in_cluster(mut self, cluster: Options) -> Entry {
        self.cluster = cluster;
        self
    }

    fn edit(mut self) -> Entry {
        self.mends = Mends::Edit;
        self
    }

    fn outside(mut self) -> Entry {
        self.mends = Mends::Outside;
        self
    }

    fn next(mut self, next: &'static [&'static str]) -> Entry {
        self.next = next;
        self
    }

    fn by(mut self, seen: Seen) -> Entry {
        self.seen = seen;
        self
    }

    /// What is seen, and by whom.
    fn shows(mut self, seen: Seen, symptoms: Vec<Symptom>) -> Entry {
        self.seen = seen;
        self.symptoms = symptoms;
        self
    }

    fn live(mut self, live: Live) -> Entry {
        self.live = live;
        self
    }

    /// No fault: the doctor says this much of it and offers nothing to run.
    fn told(mut self, told: Told) -> Entry {
        self.told = told;
        self.mends = Mends::Outside;
        self
    }

    fn mended(mut self, mends: Mends) -> Entry {
        self.mends = mends;
        self
    }

    /// What a person changes with kubectl to have the fault on a real cluster. The specification of what Tigera's operator
    /// keeps follows by itself.
    pub fn by_hand(&self) -> impl Iterator<Item = &Change> {
        let operated = self.cluster.operated();
        let kept = move |kind: &str, name: &str| {
            operated && ["Service", "Deployment", "DaemonSet"].contains(&kind) && name.starts_with("calico-")
        };
        let by_operator = move |c: &Change| match c {
            Change::Set { kind, name, pointer, .. } => kept(kind, name) && !pointer.starts_with("/metadata"),
            Change::Remove { kind, name } => kept(kind, name),
            Change::SetAll { .. } | Change::Add(_) => false,
        };
        self.changes.iter().filter(move |c| !c.follows() && !by_operator(c))
    }

    /// The cluster with the fault in it.
    pub fn broken(&self) -> crate::installs::Objects {
        let mut objects = crate::installs::Objects::of(&self.cluster);
        for change in &self.changes {
            change.make(&mut objects);
        }
        objects
    }
}

#[cfg(test)]
mod tests {
    use super::all;
    use std::collections::BTreeSet;

    #[test]
    fn a_fault_that_kubectl_makes_has_something_to_make() {
        let made = all().into_iter().filter(|e| e.live == super::Live::Changes);
        let idle: Vec<&str> = made.filter(|e| e.by_hand().next().is_none()).map(|e| e.name).collect();
        assert!(idle.is_empty(), "nothing that a person could change: {idle:?}");
    }

    #[test]
    fn names_are_unique_and_every_change_can_be_made() {
        let mut list = all();
        list.extend(super::remarks());
        let names: BTreeSet<&str> = list.iter().map(|e| e.name).collect();
        assert_eq!(names.len(), list.len());
        for entry in &list {
            let healthy = crate::installs::Objects::of(&entry.cluster).0;
            assert!(
                entry.changes.is_empty() || entry.broken().0 != healthy,
                "{} changes nothing",
                entry.name
            );
        }
    }
}
