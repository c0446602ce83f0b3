//! `tortie run --calico`: the configuration follows what the cluster says of Calico.
//!
//! The objects that say what is scraped are watched; each change gives a configuration, and where it differs from the one that
//! runs, it is loaded like any other. While the cluster does not answer nothing changes.

use super::assembly::StartError;
use super::options::ServerOptions;
use super::reload::Text;
use super::running::Running;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};
use tortie_calico::facts::Facts;
use tortie_calico::scraping::{Reach, Sight, prometheus_yml};
use tortie_discovery::kubernetes::{Clusters, Server};
use tortie_host::{Clock, Fs, RealFs};

/// Changes that come within this time are taken together.
const TOGETHER: Duration = Duration::from_millis(250);
/// From one configuration to the next at least.
const REST: Duration = Duration::from_secs(1);
/// From one look for settings that were not served to the next.
const EVERY: Duration = Duration::from_secs(60);
/// The same after one that failed, and from one look at what was not listed yet to the next.
const AGAIN: Duration = Duration::from_secs(5);
/// Where a pod finds its account's token.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// From one scrape to the next where nobody says.
pub(crate) const INTERVAL: &str = "15s";

/// What is followed.
#[derive(Debug, Clone)]
pub(crate) struct Follow {
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

    fn server(&self) -> Server {
        match &self.reach {
            Reach::InCluster => Server::Pod,
            Reach::Kubeconfig(file) => Server::Kubeconfig(PathBuf::from(file)),
        }
    }

    /// The configuration that follows from what is seen now, or what is missing for one.
    async fn made(&self, sight: &Sight, now: i64) -> Result<String, String> {
        let snap = sight.snapshot(now)?;
        let this = self.clone();
        let work = move || prometheus_yml(&Facts::of(&snap), &this.reach, &this.interval, &[]);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| format!("BUG: what the cluster says of Calico ended in a panic: {e}"))
    }

    /// Follows the cluster until the server ends, and loads what is new.
    pub(crate) fn start(self, text: Text, running: Arc<Running>, mut stopped: watch::Receiver<bool>) {
        tokio::spawn(async move {
            // It is there before anything is followed.
            let Some(reloader) = running.reloader.get() else { return };
            let watches = reloader.clusters().watches(&self.server());
            let wake = Arc::new(Notify::new());
            let mut sight = Sight::open(&watches, &wake);
            let began = Instant::now();
            let mut look = began;
            let mut said: Option<String> = None;
            loop {
                let mut problem = None;
                if Instant::now() >= look {
                    let seen = sight.look_for_settings().await;
                    look = Instant::now() + if seen.is_ok() { EVERY } else { AGAIN };
                    problem = seen.err();
                }
                sight.follow_pods();
                match problem.map_or(self.made(&sight, running.clock.now_ms()).await, Err) {
                    Ok(yaml) => {
                        if said.take().is_some() {
                            tracing::info!(component = "calico", "The cluster tells of Calico");
                        }
                        if text.replace(yaml) {
                            tracing::info!(
                                component = "calico",
                                "The cluster's settings of Calico changed what is scraped"
                            );
                            // The outcome is in the log and among the notices.
                            let _ = tortie_web::Sources::reload(&*running).await;
                        }
                    }
                    Err(e) => {
                        look = look.min(Instant::now() + AGAIN);
                        // The first lists take a moment.
                        if began.elapsed() < AGAIN {
                            look = look.min(began + AGAIN);
                        } else if said.as_deref() != Some(&e) {
                            tracing::warn!(
                                component = "calico",
                                err = e.as_str(),
                                "The cluster does not tell all of Calico; what is scraped stays"
                            );
                        }
                        said = Some(e).filter(|_| began.elapsed() >= AGAIN);
                    }
                }
                let rested = Instant::now() + REST;
                tokio::select! {
                    () = async { wake.notified().await; tokio::time::sleep(TOGETHER).await; sleep_until(rested).await } => {}
                    () = sleep_until(look.max(rested)) => {}
                    _ = stopped.wait_for(|s| *s) => return,
                }
            }
        });
    }
}

/// Whether this runs in a pod with an account.
fn in_pod(fs: &dyn Fs) -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() && fs.read(Path::new(TOKEN)).is_ok()
}

/// Where no configuration is named and none is there, and a cluster is: Calico's components are scraped, unless the cluster
/// has Prometheus objects, for then a person must say what is meant.
pub(crate) async fn by_default(
    options: &mut ServerOptions,
    clock: &Arc<dyn Clock>,
) -> Result<(), StartError> {
    let named = options.config_named || options.calico.is_some() || options.from_crds.is_some();
    if named || RealFs.read(&options.config_file).is_ok() {
        return Ok(());
    }
    let reach = match &options.cluster {
        // Discovery takes a kubeconfig's current context alone.
        Some(cluster) if cluster.context.is_some() => return Ok(()),
        Some(cluster) => Reach::Kubeconfig(cluster.kubeconfig.display().to_string()),
        None if in_pod(&RealFs) => Reach::InCluster,
        None => return Ok(()),
    };
    let follow = Follow { reach, interval: INTERVAL.to_owned() };
    let file = options.config_file.display();
    let watches = Clusters::new(Arc::new(RealFs), Arc::clone(clock)).watches(&follow.server());
    let served = match watches.cluster().await {
        Ok(cluster) => cluster.resources().await.map_err(|e| e.to_string()),
        Err(e) => Err(e.to_string()),
    };
    let served = served.map_err(|e| {
        StartError::Usage(format!(
            "{file} is not there, and the cluster does not tell what else to do: {e}\nhint: name a file with --config.file, or say --calico or --from-crds"
        ))
    })?;
    if served.find("monitoring.coreos.com", "Prometheus").is_some() {
        return Err(StartError::Usage(format!(
            "{file} is not there, and this cluster has prometheus-operator's kinds\nhint: --from-crds follows a Prometheus object, --calico scrapes Calico's components alone, --config.file names a file"
        )));
    }
    tracing::info!(
        component = "calico",
        "{file} is not there and the cluster has no Prometheus objects: scraping Calico's components, as --calico does"
    );
    options.calico = Some(follow);
    Ok(())
}
