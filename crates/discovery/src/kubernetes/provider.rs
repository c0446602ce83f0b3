//! One discovery at work: its scopes, and its groups as a stream.

use super::clusters::Clusters;
use super::scope::{self, Groups, Scope};
use super::spec::{self, Server, Spec};
use crate::TargetGroup;
use crate::crds::Indexed;
use crate::together::Together;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tortie_config::kubernetes::Role;

/// Changes that come within this time are taken together.
const TOGETHER: Duration = Duration::from_millis(200);
/// After a refresh nothing is done for this many times its own duration.
const REST: u32 = 4;
/// Where a pod finds the name of its namespace.
const OWN_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// One discovery at work. It ends when it is dropped.
pub struct Provider {
    groups: watch::Receiver<Arc<Vec<TargetGroup>>>,
    listed: Arc<AtomicBool>,
    /// The newest groups that somebody looked through.
    indexed: Mutex<Option<Arc<Indexed>>>,
    task: AbortHandle,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    /// Starts a discovery. Needs a tokio runtime around it.
    pub fn start(spec: Spec, clusters: &Clusters) -> Provider {
        let (sender, groups) = watch::channel(Arc::default());
        let listed = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(run(spec, clusters.clone(), sender, Arc::clone(&listed))).abort_handle();
        Provider { groups, listed, indexed: Mutex::default(), task }
    }

    /// Whether all that it needs was listed once, so that its groups are all there are.
    pub fn listed(&self) -> bool {
        self.listed.load(Ordering::Acquire)
    }

    /// Its groups: always the full set, ascending by source. Empty until all that it needs was listed once.
    pub fn groups(&self) -> watch::Receiver<Arc<Vec<TargetGroup>>> {
        self.groups.clone()
    }

    /// Its groups to look through; all who ask share one index.
    pub fn indexed(&self) -> Arc<Indexed> {
        let groups = Arc::clone(&self.groups.borrow());
        let mut indexed = self.indexed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*indexed {
            Some(same) if same.is_of(&groups) => Arc::clone(same),
            _ => Arc::clone(indexed.insert(Arc::new(Indexed::new(groups)))),
        }
    }
}

async fn run(
    spec: Spec,
    clusters: Clusters,
    sender: watch::Sender<Arc<Vec<TargetGroup>>>,
    listed: Arc<AtomicBool>,
) {
    let namespaces = match namespaces(&spec, &clusters) {
        Ok(namespaces) => namespaces,
        Err(e) => {
            tracing::error!(component = "discovery", discovery = "kubernetes", err = %e, "Cannot create service discovery");
            return;
        }
    };
    let watches = clusters.watches(&spec.server);
    let wake = Arc::new(Notify::new());
    let mut scopes: Vec<Box<dyn Scope>> =
        namespaces.iter().map(|n| scope::open(&spec, n.as_deref(), &watches, &wake)).collect();
    let mut groups = Groups::new();
    let mut together = Together::new(&wake, TOGETHER);
    loop {
        together.woken().await;
        together.gathered().await;
        let began = Instant::now();
        // Before the refresh: what comes during it makes groups only with the next one.
        let all_listed = scopes.iter().all(|s| s.synced());
        let mut changed = false;
        for scope in &mut scopes {
            changed |= scope.refresh(&mut groups);
            tokio::task::yield_now().await;
        }
        if changed {
            sender.send_replace(Arc::new(groups.values().cloned().collect()));
        }
        listed.store(all_listed, Ordering::Release);
        together.rest(began.elapsed() * REST);
    }
}

/// The namespaces to look at; `None` stands for all.
fn namespaces(spec: &Spec, clusters: &Clusters) -> Result<Vec<Option<String>>, String> {
    let mut named: Vec<Option<String>> = Vec::new();
    for n in &spec.namespaces {
        if !named.contains(&Some(n.clone())) {
            named.push(Some(n.clone()));
        }
    }
    if spec.own_namespace && spec.server == Server::Pod {
        let own = spec::read_text(&**clusters.fs(), OWN_NAMESPACE)
            .map_err(|e| format!("could not determine the pod's namespace: {e}"))?;
        let own = Some(own.trim().to_owned()).filter(|o| !o.is_empty());
        if own.is_none() {
            return Err("could not read own namespace name (empty file)".to_owned());
        }
        if !named.contains(&own) {
            named.push(own);
        }
    }
    if named.is_empty() || spec.role == Role::Node {
        named = vec![None];
    }
    Ok(named)
}
