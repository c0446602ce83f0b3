//! What a fault shows beyond the cluster's objects: in the API of a Prometheus, at the processes, at the API server. A
//! test's snapshot gets it from here; on a real cluster it comes by itself ([`super::Live`] says what has to be done).

use crate::inventory::Component;
use serde_json::Value;

/// One thing that is seen. Nodes are called as in [`crate::installs::Options::node_name`]; `None` means all of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Symptom {
    /// No Prometheus has a target of the component.
    NoTargets(Component),
    /// The target on one node is missing.
    TargetGone(Component, &'static str),
    /// Targets are down, with this text as their last error; `URL` in it stands for the target's address.
    Down(Component, Option<&'static str>, &'static str),
    /// All targets of the component were discovered and dropped: the YAML of the job's `relabel_configs`, and labels
    /// that each of them had.
    Dropped(Component, &'static str, &'static [(&'static str, &'static str)]),
    /// The last scrape of one node's target took so many seconds.
    Took(Component, &'static str, f64),
    /// No target of the component was scraped for so many seconds.
    NotScrapedFor(Component, i64),
    /// The targets are scraped a second time, by this job.
    Again(Component, &'static str),
    /// The targets lost these labels.
    WithoutLabels(Component, &'static [&'static str]),
    /// Prometheus answers a question so: labels as a selector (`{job="x"}`) and value of each sample.
    Answer(Asked, Vec<(&'static str, f64)>),
    /// No series whose name begins so is stored.
    Unstored(&'static str),
    /// The configuration that Prometheus runs has every job but the component's.
    NotLoaded(Component),
    /// The last reload failed; the text stands in the log of its container.
    ReloadRefused(&'static str),
    /// The Secret that the operator writes has every job but the component's.
    NotGenerated(Component),
    /// Seconds that the clock of Prometheus is ahead of the API server's.
    ClockAhead(i64),
    /// No Prometheus can be asked, for this reason.
    Unreachable(&'static str),
    /// What `/api/v1/rules` gives.
    Rules(Value),
    /// Prometheus has no active Alertmanager.
    NoAlertmanager,
    /// What came of asking the process itself.
    Probe(Component, Option<&'static str>, Probed),
    /// A line in the log of the component's pod on a node.
    Log(Component, &'static str, &'static str),
    /// The API server does not answer at all, for this reason.
    ApiSilent(&'static str),
    /// The API server refuses a list: what was asked, its plural resource with its group.
    Forbidden(&'static str, &'static str),
    /// Discovery of one group fails, for this reason.
    GroupSilent(&'static str, &'static str),
    /// The snapshot is of a living cluster, which says what it serves.
    Live,
    /// An object looked at a second time: kind, name, its generation by then, who wrote it meanwhile.
    SecondLook(&'static str, &'static str, i64, &'static [&'static str]),
    /// The journal of setup: kind, name and JSON pointer of a field, and what setup wrote there.
    Wrote(&'static str, &'static str, &'static str, Value),
    /// The journal of setup is there and empty.
    EmptyJournal,
    /// The uid of `kube-system` is not known.
    Nameless,
}

/// A question that the doctor asks of a Prometheus whatever the cluster looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Samples that each target sends.
    Scraped,
    /// Samples that are left after metric relabelling.
    Kept,
    /// How often `up` changed within the hour.
    Flaps,
    /// Labels that a target's label pushed aside.
    Clashes,
    /// Samples refused because another of the same instant was there.
    Duplicates,
    /// Seconds that remote write is behind.
    RemoteLag,
    /// Jobs with metrics that every process has.
    ProcessJobs,
    /// The component's own families.
    Families(Component),
}

/// What came of asking a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    /// Its metrics, with these families among them.
    Families(&'static [&'static str]),
    /// Its metrics, with a line that cannot be read.
    Broken(&'static str),
    /// A status other than 200.
    Status(u16),
    /// Nothing, with this error.
    Failed(&'static str),
}

/// How a fault is made on a real cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// Its changes are made with kubectl; status, generations, slices and pods follow by themselves.
    Changes,
    /// Its changes, and the processes of a component, on one node or all, do this.
    Process(Component, Option<&'static str>, Process),
    /// Something is done outside of the cluster's objects, in words.
    Hand(&'static str),
    /// Only a model can have it, for this reason.
    Model(&'static str),
}

/// What a process does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Process {
    /// It does not listen.
    Down,
    /// It takes connections and says nothing.
    Silent,
    /// It answers so many seconds late.
    Late(u64),
    /// It answers with this status.
    Status(u16),
    /// It answers with this body.
    Text(&'static str),
    /// It breaks off in the middle of its answer.
    Half,
    /// It speaks TLS with a certificate that nobody knows.
    Tls,
    /// It speaks TLS with a certificate that has expired.
    Expired,
}
