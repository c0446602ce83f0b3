//! What every part of setup begins with: the cluster looked at, a writer, the place of the journal's copy.

use super::{Ended, UNFINISHED, USAGE};
use crate::commands::doctor::kube_flags::{KubeFlags, PrometheusFlags};
use std::future::Future;
use std::path::PathBuf;
use tortie_calico::setup::apply::{Making, SetupError};
use tortie_calico::setup::unread;
use tortie_calico::snapshot::Snapshot;
use tortie_cluster::client::{Cluster, Identity};
use tortie_cluster::writer::Writer;
use tortie_host::{Clock, RealFs, SystemClock};

/// A connected cluster.
pub(super) struct Session {
    runtime: tokio::runtime::Runtime,
    /// Writes.
    pub(super) writer: Writer,
    /// As whom.
    pub(super) identity: Identity,
}

static OPEN: fn() -> bool = || true;

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// When a flag is wrong or the cluster cannot be reached.
    pub(super) fn open(kube: &KubeFlags) -> Result<Session, Ended> {
        let options = kube.options().map_err(|e| (USAGE, e))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| (UNFINISHED, e.to_string()))?;
        let (cluster, identity) =
            runtime.block_on(Cluster::connect(&options)).map_err(|e| (UNFINISHED, e.to_string()))?;
        Ok(Session { runtime, writer: Writer::new(&cluster), identity })
    }

    /// Waits for something.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// How steps are made by this user.
    pub(super) fn making(&self, cluster_uid: &str) -> Making<'static> {
        Making {
            fs: &RealFs,
            file: state_folder().map(|f| f.join(format!("setup-{cluster_uid}.json"))),
            by: self.identity.user.clone(),
            now: SystemClock::new().now_ms(),
            gate: &OPEN,
        }
    }
}

/// Looks at the cluster without probing its processes.
///
/// # Errors
/// When a flag is wrong or the API server cannot be reached.
pub(super) fn look(kube: &KubeFlags, prometheus: &PrometheusFlags) -> Result<Snapshot, Ended> {
    let flags = PrometheusFlags { probe_nodes: 0, once: true, ..prometheus.clone() };
    let (snap, _) = kube.look(&flags, None).map_err(|e| (USAGE, e))?;
    match snap.unseen.iter().find(|u| u.what == "api") {
        Some(unseen) => Err((UNFINISHED, unseen.reason.clone())),
        None => Ok(snap),
    }
}

/// The same, and all of it that a step can hang on was read: what did not come looks like what is not there.
///
/// # Errors
/// As [`look`], and when something is missing.
pub(super) fn look_whole(kube: &KubeFlags, prometheus: &PrometheusFlags) -> Result<Snapshot, Ended> {
    let snap = look(kube, prometheus)?;
    match unread(&snap) {
        Some(text) => Err((UNFINISHED, text)),
        None => Ok(snap),
    }
}

/// A failed step: what was made before it is in the journal.
#[allow(clippy::needless_pass_by_value)] // for map_err
pub(super) fn failed(e: SetupError) -> Ended {
    (
        UNFINISHED,
        format!(
            "{e}\nwhat was written before stands in the journal (hint: tortie setup status, tortie setup undo)"
        ),
    )
}

fn state_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|h| h.join(".local/state")))?;
    Some(base.join("tortie"))
}
