//! How a watch does.

use crate::client::ReadError;
use std::sync::Arc;

/// A right that the API server says is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingRight {
    /// The verb.
    pub verb: String,
    /// Resource and group, such as `servicemonitors.monitoring.coreos.com`.
    pub resource: String,
    /// The namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// The name that the server gives to who asked; empty when it does not say.
    pub user: String,
}

impl MissingRight {
    pub(super) fn of(error: &ReadError) -> Option<MissingRight> {
        let ReadError::Forbidden { verb, resource, namespace, user } = error else { return None };
        let (verb, resource, user) = (verb.clone(), resource.clone(), user.clone());
        Some(MissingRight { verb, resource, namespace: namespace.clone(), user })
    }
}

/// How a watch does. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Whether its objects were listed at least once.
    pub synced: bool,
    /// Since when the objects may be other than those of the cluster: when the API server was heard last before it could not
    /// be reached. `None` while all is well.
    pub stale_since: Option<i64>,
    /// Why it fails; `None` while all is well.
    pub error: Option<Arc<str>>,
    /// Whether it fails because it may not be read or is not served: only somebody's doing ends that.
    pub refused: bool,
    /// The right that is missing, when that is why it fails.
    pub missing_right: Option<MissingRight>,
    /// When the API server was heard last.
    pub heard: i64,
    /// Lists asked for, pages counted as one.
    pub lists: u64,
    /// Watches asked for.
    pub watches: u64,
    /// Failed attempts of both.
    pub failures: u64,
    /// Objects that were new, other or gone.
    pub events: u64,
    /// Events that could not be read, and were left out.
    pub unreadable: u64,
}

impl Health {
    /// The API server was heard.
    pub(super) fn heard(&mut self, now: i64) {
        self.heard = now;
        self.stale_since = None;
        self.error = None;
        self.refused = false;
        self.missing_right = None;
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, now: i64, error: &str, refused: bool, missing: Option<MissingRight>) {
        self.failures += 1;
        self.refused = refused;
        self.missing_right = missing;
        let last = if self.heard == 0 { now } else { self.heard };
        self.stale_since.get_or_insert(last);
        self.error = Some(error.into());
    }
}
