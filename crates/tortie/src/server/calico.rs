//! `tortie run --calico`: the configuration follows what the cluster says of Calico.
//!
//! A look at the cluster's objects every half a minute gives a configuration; where it differs from the one that runs, it is
//! loaded like any other. A look that fails changes nothing.

use super::reload::Text;
use super::running::Running;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tortie_calico::collect::{Wants, collect};
use tortie_calico::facts::Facts;
use tortie_calico::scraping::{Reach, prometheus_yml};
use tortie_calico::snapshot::Unseen;
use tortie_cluster::client::ConnectOptions;
use tortie_host::Clock;

/// From one look to the next.
const EVERY: Duration = Duration::from_secs(30);
/// After a look that failed.
const AGAIN: Duration = Duration::from_secs(10);
/// Longest time of a look.
const LIMIT: Duration = Duration::from_secs(25);

/// Resources whose lists say what is scraped. Whatever else the look wanted may be missing.
const KINDS: [&str; 7] = [
    "pods",
    "services",
    "daemonsets",
    "deployments",
    "felixconfigurations",
    "kubecontrollersconfigurations",
    "installations",
];

/// What is followed.
#[derive(Debug, Clone)]
pub(crate) struct Follow {
    /// How to connect.
    pub(crate) connect: ConnectOptions,
    /// How discovery connects.
    pub(crate) reach: Reach,
    /// From one scrape to the next, a duration.
    pub(crate) interval: String,
}

impl Follow {
    /// A configuration without a job, until the cluster was seen.
    pub(crate) fn empty(&self) -> String {
        format!("global:\n  scrape_interval: {0}\n  evaluation_interval: {0}\n", self.interval)
    }

    /// One look: the configuration, or why there is none.
    async fn look(&self, clock: &Arc<dyn Clock>) -> Result<String, String> {
        let (this, now) = (self.clone(), clock.now_ms());
        let runtime = tokio::runtime::Handle::current();
        // What collects need not move between threads.
        let looked = tokio::task::spawn_blocking(move || {
            catch_unwind(AssertUnwindSafe(|| runtime.block_on(this.collected(now))))
        });
        match looked.await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err("BUG: looking at the cluster ended in a panic".to_owned()),
        }
    }

    async fn collected(&self, now: i64) -> Result<String, String> {
        let wants = Wants { probes: 0, ask: false, limit: LIMIT, twice: false, ..Wants::default() };
        let snap = tokio::time::timeout(LIMIT + AGAIN, collect(&self.connect, &wants, Vec::new(), now))
            .await
            .map_err(|_| format!("the cluster did not answer within {} s", (LIMIT + AGAIN).as_secs()))?;
        // What may not be read is as if it were not there; what did not answer would pass for it.
        let matters = |u: &&Unseen| !u.forbidden && KINDS.iter().any(|k| u.resource.starts_with(k));
        if let Some(missed) = snap.unseen.iter().find(matters) {
            return Err(format!("{}: {}", missed.what, missed.reason));
        }
        Ok(prometheus_yml(&Facts::of(&snap), &self.reach, &self.interval, &[]))
    }

    /// Looks again and again until the server ends, and loads what is new.
    pub(crate) fn start(self, text: Text, running: Arc<Running>, mut stopped: watch::Receiver<bool>) {
        tokio::spawn(async move {
            let clock = Arc::clone(&running.clock);
            let mut failing = false;
            loop {
                let wait = match self.look(&clock).await {
                    Ok(yaml) => {
                        if failing {
                            tracing::info!(component = "calico", "The cluster answers again");
                        }
                        failing = false;
                        if text.replace(yaml) {
                            tracing::info!(
                                component = "calico",
                                "The cluster's settings of Calico changed what is scraped"
                            );
                            // The outcome is in the log and among the notices.
                            let _ = tortie_web::Sources::reload(&*running).await;
                        }
                        EVERY
                    }
                    Err(e) => {
                        if !failing {
                            tracing::warn!(
                                component = "calico",
                                err = e.as_str(),
                                "The cluster could not be looked at; what is scraped stays"
                            );
                        }
                        failing = true;
                        AGAIN
                    }
                };
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    _ = stopped.wait_for(|s| *s) => return,
                }
            }
        });
    }
}
