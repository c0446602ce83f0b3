//! One Prometheus object of a live cluster, followed: the configuration that it amounts to now, and what is known of everybody
//! who had a part in it.

mod choose;
mod fetch;
mod policy;
mod resolve;
mod sight;

pub use choose::{StartError, missing_rights};
pub use resolve::{Accepts, Flags, Refused, State};

use super::generate::Sharing;
use crate::kubernetes::{Clusters, Server, WatchStatus};
use crate::together::Together;
use fetch::Fetched;
use resolve::Resolver;
use sight::Sight;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

/// Changes that come within this time are taken together.
const TOGETHER: Duration = Duration::from_millis(250);
/// Secrets and ConfigMaps are read anew this often, and kinds that were not served are looked for.
const AGAIN: Duration = Duration::from_secs(60);

/// Whom to follow, and as whom to act.
#[derive(Debug, Clone)]
pub struct FollowOptions {
    /// The API server.
    pub server: Server,
    /// `namespace/name` of the Prometheus object; the only one when it is not given.
    pub prometheus: Option<String>,
    /// Who this process is among several that share the targets.
    pub identity: Identity,
}

/// What the operator's placeholders stand for.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// Name of the pod, which is a label for whoever reads from it.
    pub pod: String,
    /// Number of the shard; without one all targets are taken.
    pub shard: Option<u32>,
    /// Zone of the shard.
    pub zone: String,
}

impl Identity {
    pub(super) fn sharing(&self) -> Sharing {
        if self.shard.is_some() { Sharing::Shards } else { Sharing::None }
    }
}

/// A Prometheus object that is followed. It ends when it is dropped.
pub struct Follower {
    state: watch::Receiver<Arc<State>>,
    watches: tortie_cluster::watch::Watches,
    /// The API server, in words without a credential.
    server: String,
    task: AbortHandle,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Follower {
    /// Chooses the Prometheus object and makes its configuration once; then follows. `accepts` says whether this program can
    /// do what a configuration says. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// When the cluster cannot be read in time, has no custom resources, or it is not clear which object is meant.
    pub async fn start(
        options: FollowOptions,
        clusters: &Clusters,
        accepts: Accepts,
    ) -> Result<Follower, StartError> {
        let watches = clusters.watches(&options.server);
        let cluster = watches.cluster().await.map_err(|e| StartError::Cluster(e.to_string()))?;
        let wake = Arc::new(Notify::new());
        let mut sight = Sight::open(&cluster, &watches, &wake).await?;
        sight.all_there(&wake).await?;
        sight.shown_there(&wake).await;
        sight.take();
        let prometheus = choose::choose(sight.objects(), options.prometheus.as_deref())?;
        sight.beside(&watches, &prometheus, &wake);
        // Whether anything may be sent hangs on it.
        sight.beside_known(&wake).await;
        let mut work = Work {
            sight,
            fetched: Fetched::new(watches.clone()),
            resolver: Resolver::new(prometheus, options.identity, accepts),
        };
        let first = work.resolve(None).await;
        let (sender, state) = watch::channel(Arc::new(first));
        let task = tokio::spawn(run(work, watches.clone(), wake, sender)).abort_handle();
        Ok(Follower { state, watches, server: options.server.to_string(), task })
    }

    /// The cluster whose object is followed.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn cluster(&self) -> Result<tortie_cluster::Cluster, String> {
        self.watches.cluster().await.map_err(|e| e.to_string())
    }

    /// Its watches of the custom resources, and how they do.
    pub fn watches(&self) -> Vec<WatchStatus> {
        let of = |(selection, health)| WatchStatus { server: self.server.clone(), selection, health };
        self.watches.health().into_iter().map(of).collect()
    }

    /// What is known now, and each change of it.
    pub fn state(&self) -> watch::Receiver<Arc<State>> {
        self.state.clone()
    }
}

struct Work {
    sight: Sight,
    fetched: Fetched,
    resolver: Resolver,
}

impl Work {
    /// Resolves; what is referred to and not here yet is fetched until nothing is missing.
    async fn resolve(&mut self, last: Option<&State>) -> State {
        loop {
            let objects = self.sight.objects();
            let (state, asked) =
                self.resolver.resolve(objects, self.fetched.known(), self.sight.ready_beside(), last);
            if !self.fetched.fetch(&asked).await {
                let beside_unknown = self.sight.beside_unknown();
                return State { unreadable: self.sight.unreadable().to_vec(), beside_unknown, ..state };
            }
        }
    }
}

async fn run(
    mut work: Work,
    watches: tortie_cluster::watch::Watches,
    wake: Arc<Notify>,
    sender: watch::Sender<Arc<State>>,
) {
    let mut again = Instant::now() + AGAIN;
    let together = Together::new(&wake, TOGETHER);
    loop {
        let left = again.saturating_duration_since(Instant::now());
        // Changes that never end do not keep it from looking again.
        let woken = !left.is_zero() && timeout(left, together.woken()).await.is_ok();
        let mut changed = false;
        if woken {
            together.gathered().await;
            changed |= work.sight.take();
        } else {
            again = Instant::now() + AGAIN;
            if let Ok(cluster) = watches.cluster().await {
                changed |= work.sight.look_for_more(&cluster, &watches, &wake).await;
            }
            changed |= work.fetched.refresh().await;
        }
        if !changed {
            continue;
        }
        let last = Arc::clone(&sender.borrow());
        let state = work.resolve(Some(&last)).await;
        sender.send_if_modified(|kept| {
            let other = **kept != state;
            if other {
                *kept = Arc::new(state);
            }
            other
        });
    }
}
