//! The API servers that are asked, each with its watches.

use super::pinned;
use super::spec::{self, Server};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;
use tortie_client::Reach;
use tortie_cluster::client::{ConnectClass, ConnectError};
use tortie_cluster::watch::{Connect, Health, Selection, Watches};
use tortie_cluster::{Cluster, ConnectOptions};
use tortie_config::http_client::redacted;
use tortie_host::{Clock, Fs};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take to begin: longer than the 30 s that a server in trouble may need.
const ANSWER: Duration = Duration::from_secs(40);

/// All API servers. Cheap to clone.
#[derive(Clone)]
pub struct Clusters(Arc<Inner>);

struct Inner {
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    /// What API servers may not be that a custom resource names.
    reach: Option<Arc<Reach>>,
    made: Mutex<Vec<(Server, Watches)>>,
}

/// A watch and how it does.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchStatus {
    /// The API server, in words without a credential.
    pub server: String,
    /// What is watched.
    pub selection: Selection,
    /// How it does.
    pub health: Health,
}

impl Clusters {
    /// None yet. Files named by a configuration are read through `fs`.
    pub fn new(fs: Arc<dyn Fs>, clock: Arc<dyn Clock>) -> Clusters {
        Clusters::within(fs, clock, None)
    }

    /// The same; those that a custom resource names are kept within `reach`.
    pub(crate) fn within(fs: Arc<dyn Fs>, clock: Arc<dyn Clock>, reach: Option<Arc<Reach>>) -> Clusters {
        Clusters(Arc::new(Inner { fs, clock, reach, made: Mutex::default() }))
    }

    /// The watches of an API server; the same ones for whoever names it the same way.
    pub fn watches(&self, server: &Server) -> Watches {
        let mut made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, watches)) = made.iter().find(|(s, _)| s == server) {
            return watches.clone();
        }
        // Those that nobody watches any more were of an older configuration.
        made.retain(|(_, watches)| watches.in_use());
        let mut seed = DefaultHasher::new();
        (server.to_string(), self.0.clock.now_ms()).hash(&mut seed);
        let connect = connect(server.clone(), Arc::clone(&self.0.fs), self.0.reach.clone());
        let watches = Watches::new(connect, Arc::clone(&self.0.clock), seed.finish());
        made.push((server.clone(), watches.clone()));
        watches
    }

    /// All watches with how they do, by server and selection.
    pub fn status(&self) -> Vec<WatchStatus> {
        let made = self.0.made.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<WatchStatus> = Vec::new();
        for (server, watches) in &*made {
            let server = server.to_string();
            all.extend(watches.health().into_iter().map(|(selection, health)| WatchStatus {
                server: server.clone(),
                selection,
                health,
            }));
        }
        all.sort_by(|a, b| (&a.server, &a.selection).cmp(&(&b.server, &b.selection)));
        all
    }

    pub(super) fn fs(&self) -> &Arc<dyn Fs> {
        &self.0.fs
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }
}

fn connect(server: Server, fs: Arc<dyn Fs>, reach: Option<Arc<Reach>>) -> Connect {
    Box::new(move || {
        let (server, fs, reach) = (server.clone(), Arc::clone(&fs), reach.clone());
        Box::pin(async move {
            let connected = match server {
                Server::Pod => Cluster::connect_in_pod(CONNECT, ANSWER).await,
                Server::Kubeconfig(path) => {
                    let options = ConnectOptions {
                        kubeconfig: Some(path),
                        request_timeout: ANSWER,
                        connect_timeout: Some(CONNECT),
                        ..ConnectOptions::default()
                    };
                    Cluster::connect(&options).await
                }
                Server::Asked(options) => Cluster::connect(&options).await,
                Server::Address { url, http, foreign } => {
                    let no = |class, message| ConnectError { class, message, hint: None };
                    let mut access = spec::access(&url, &http, &*fs)
                        .map_err(|message| no(ConnectClass::Credentials, message))?;
                    if let Some(reach) = reach.filter(|_| foreign) {
                        let looked = timeout(CONNECT, pinned::pin(&mut access, &reach)).await;
                        let looked = looked
                            .unwrap_or_else(|_| Err(format!("{} has no address in time", redacted(&url))));
                        looked.map_err(|message| no(ConnectClass::Other, message))?;
                    }
                    Cluster::connect_to(&access, CONNECT, ANSWER).await
                }
            };
            connected.map(|(cluster, _)| cluster)
        })
    })
}
