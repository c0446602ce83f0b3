//! The fault catalogue: the ways in which the chain from Calico to a person breaks in real clusters, each as changes to a
//! healthy cluster, with the check that must name it and the way it is mended.
//!
//! One list serves four times: the doctor's own tests, the tests on a real API server with the real operators, `demo break`,
//! and the manual's table (docs/faults.md).

mod change;
mod monitors;
mod operator;
mod panels;
mod paths;
mod rules;
mod services;
mod settings;

pub use change::Change;

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
    /// The API of a Prometheus that scrapes.
    Prometheus,
    /// The processes themselves.
    Processes,
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
}

/// The whole list, by name.
pub fn all() -> Vec<Entry> {
    let mut all = Vec::new();
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
    fn names_are_unique_and_every_change_can_be_made() {
        let list = all();
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
