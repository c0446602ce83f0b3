//! All jobs at work: each has a channel that holds its full set of groups, and tasks when it has files, names or API
//! servers to watch.

use crate::crds::{Cause, Narrow};
use crate::dns::{DnsCounters, Names};
use crate::file::{FileProblem, Files};
use crate::group::TargetGroup;
use crate::job::{Job, Source};
use crate::kubernetes::{Clusters, Provider, Spec};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tortie_client::Reach;
use tortie_host::{Clock, Fs};

/// Files are looked at this often, or more often when the configuration says so.
const LOOK: Duration = Duration::from_secs(5);

/// The full set of groups of a job.
pub type Groups = Arc<Vec<TargetGroup>>;

/// Runs the discovery of all jobs.
pub struct Manager {
    fs: Arc<dyn Fs>,
    clusters: Clusters,
    jobs: Mutex<HashMap<String, Running>>,
    /// Discoveries by API servers that jobs share.
    providers: Mutex<Vec<(Spec, Weak<Provider>)>>,
    dns: Arc<DnsCounters>,
}

struct Running {
    job: Job,
    sender: Arc<watch::Sender<Groups>>,
    files: Arc<Mutex<Vec<Files>>>,
    parts: Arc<Mutex<Parts>>,
    tasks: Vec<AbortHandle>,
}

/// What the sources of a job gave last.
#[derive(Default)]
struct Parts {
    files: Vec<TargetGroup>,
    /// Those of each entry of `dns_sd_configs`.
    dns: Vec<Vec<TargetGroup>>,
    /// Kept at work by being held.
    kubernetes: Vec<(Arc<Provider>, Option<Arc<Narrow>>)>,
    statics: Vec<TargetGroup>,
    /// How many targets the job does not want, and why.
    dropped: BTreeMap<Cause, usize>,
}

impl Manager {
    /// A manager without jobs that reads files through `fs`.
    pub fn new(fs: Arc<dyn Fs>, clock: Arc<dyn Clock>) -> Manager {
        let clusters = Clusters::new(Arc::clone(&fs), clock);
        Manager::of(fs, clusters)
    }

    /// The same; API servers that a custom resource names ([`crate::kubernetes::Server::Address`]) are kept within `reach`.
    #[must_use]
    pub fn within(self, reach: Option<Arc<Reach>>) -> Manager {
        let clusters = Clusters::within(Arc::clone(&self.fs), Arc::clone(self.clusters.clock()), reach);
        Manager::of(Arc::clone(&self.fs), clusters)
    }

    fn of(fs: Arc<dyn Fs>, clusters: Clusters) -> Manager {
        Manager { fs, clusters, jobs: Mutex::default(), providers: Mutex::default(), dns: Arc::default() }
    }

    /// Makes `jobs` the jobs at work and gives their channels by name: the value is always the full set, a change is a
    /// new full set. A job that did not change goes on undisturbed; one that changed keeps its channel and gets its new
    /// groups at once; one that is gone closes its channel. Files are read before this returns, so that targets are
    /// known when scraping starts. Needs a tokio runtime around it.
    pub fn apply(&self, jobs: Vec<Job>) -> HashMap<String, watch::Receiver<Groups>> {
        let mut running = self.running();
        let mut before = std::mem::take(&mut *running);
        for job in jobs {
            let one = match before.remove(&job.name) {
                Some(same) if same.job == job => same,
                Some(old) => {
                    old.stop();
                    // The old one is dropped after the new one is there: what both use goes on.
                    self.start(job, Arc::clone(&old.sender))
                }
                None => self.start(job, Arc::new(watch::Sender::new(Groups::default()))),
            };
            running.insert(one.job.name.clone(), one);
        }
        before.values().for_each(Running::stop);
        running.iter().map(|(name, r)| (name.clone(), r.sender.subscribe())).collect()
    }

    /// Files of all jobs that are no good now: job and problem, ascending.
    pub fn problems(&self) -> Vec<(String, FileProblem)> {
        let mut out = Vec::new();
        for (name, running) in &*self.running() {
            let files = running.files.lock().unwrap_or_else(PoisonError::into_inner);
            out.extend(files.iter().flat_map(Files::problems).map(|p| (name.clone(), p)));
        }
        out.sort_by(|a, b| (&a.0, &a.1.path).cmp(&(&b.0, &b.1.path)));
        out
    }

    /// How many discovered targets each job does not want, and why, for jobs with a [`Narrow`]: by name of the job.
    pub fn dropped(&self) -> BTreeMap<String, BTreeMap<Cause, usize>> {
        let selects = |r: &Running| r.job.sources.iter().any(|s| matches!(s, Source::Selected(..)));
        let running = self.running();
        let dropped = |r: &Running| r.parts.lock().unwrap_or_else(PoisonError::into_inner).dropped.clone();
        running.iter().filter(|(_, r)| selects(r)).map(|(name, r)| (name.clone(), dropped(r))).collect()
    }

    /// Whether all that the jobs look for at API servers was listed once.
    pub fn listed(&self) -> bool {
        let all_listed = |r: &Running| {
            let parts = r.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.kubernetes.iter().all(|(provider, _)| provider.listed())
        };
        self.running().values().all(all_listed)
    }

    /// How often DNS was asked, for all jobs.
    pub fn dns(&self) -> &DnsCounters {
        &self.dns
    }

    /// The API servers of all jobs.
    pub fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    fn start(&self, job: Job, sender: Arc<watch::Sender<Groups>>) -> Running {
        let mut parts = Parts::default();
        let mut files = Vec::new();
        let mut names = Vec::new();
        let mut period = LOOK;
        for source in &job.sources {
            match source {
                Source::Static(groups) => parts.statics.extend(groups.iter().cloned()),
                Source::Files { patterns, refresh_interval_ms } => {
                    files.push(Files::new(Arc::clone(&self.fs), patterns.clone()));
                    if let Ok(ms @ 1..) = u64::try_from(*refresh_interval_ms) {
                        period = period.min(Duration::from_millis(ms));
                    }
                }
                Source::Dns(config) => {
                    let every = u64::try_from(config.refresh_interval_ms).unwrap_or(0).max(1);
                    let asked = Names::new(config.clone(), Arc::clone(&self.fs), Arc::clone(&self.dns));
                    names.push((asked, Duration::from_millis(every)));
                    parts.dns.push(Vec::new());
                }
                Source::Kubernetes(spec) => parts.kubernetes.push((self.provider(spec), None)),
                Source::Selected(spec, narrow) => {
                    parts.kubernetes.push((self.provider(spec), Some(Arc::clone(narrow))));
                }
            }
        }
        parts.files = refresh(&mut files);
        let streams: Vec<_> = parts.kubernetes.iter().map(|(p, _)| p.groups()).collect();
        let watches = !files.is_empty();
        let (files, parts) = (Arc::new(Mutex::new(files)), Arc::new(Mutex::new(parts)));
        publish(&sender, &parts, |_| {});
        let mut tasks = Vec::new();
        if watches {
            let work = watch_files(Arc::clone(&files), Arc::clone(&parts), Arc::clone(&sender), period);
            tasks.push(tokio::spawn(work).abort_handle());
        }
        for (i, (names, every)) in names.into_iter().enumerate() {
            let work = watch_names(i, names, Arc::clone(&parts), Arc::clone(&sender), every);
            tasks.push(tokio::spawn(work).abort_handle());
        }
        for stream in streams {
            let work = watch_provider(stream, Arc::clone(&parts), Arc::clone(&sender));
            tasks.push(tokio::spawn(work).abort_handle());
        }
        Running { job, sender, files, parts, tasks }
    }

    /// The discovery of a spec, which jobs with the same one share.
    fn provider(&self, spec: &Spec) -> Arc<Provider> {
        let mut all = self.providers.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, p)| p.strong_count() > 0);
        if let Some(same) = all.iter().find(|(s, _)| s == spec).and_then(|(_, p)| p.upgrade()) {
            return same;
        }
        let new = Arc::new(Provider::start(spec.clone(), &self.clusters));
        all.push((spec.clone(), Arc::downgrade(&new)));
        new
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.running().values().for_each(Running::stop);
    }
}

impl Running {
    fn stop(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

fn refresh(files: &mut [Files]) -> Vec<TargetGroup> {
    files.iter_mut().for_each(Files::refresh);
    files.iter().flat_map(Files::groups).cloned().collect()
}

async fn watch_provider(
    mut stream: watch::Receiver<Groups>,
    parts: Arc<Mutex<Parts>>,
    sender: Arc<watch::Sender<Groups>>,
) {
    // What it holds already may have come between the first look and now.
    stream.mark_changed();
    while stream.changed().await.is_ok() {
        stream.mark_unchanged();
        publish(&sender, &parts, |_| {});
    }
}

/// Asks for the names of entry `i` of `dns_sd_configs` now and after each `period`.
async fn watch_names(
    i: usize,
    mut names: Names,
    parts: Arc<Mutex<Parts>>,
    sender: Arc<watch::Sender<Groups>>,
    period: Duration,
) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        names.refresh().await;
        publish(&sender, &parts, |p| {
            if let Some(groups) = p.dns.get_mut(i) {
                *groups = names.groups();
            }
        });
    }
}

async fn watch_files(
    files: Arc<Mutex<Vec<Files>>>,
    parts: Arc<Mutex<Parts>>,
    sender: Arc<watch::Sender<Groups>>,
    period: Duration,
) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await; // the first one is at once, and the files were just read
    loop {
        ticks.tick().await;
        let files = Arc::clone(&files);
        // A slow disk must not hold up scrapes.
        let looked = tokio::task::spawn_blocking(move || {
            refresh(&mut files.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await;
        match looked {
            Ok(groups) => publish(&sender, &parts, |p| p.files = groups),
            Err(e) if e.is_panic() => {
                tracing::error!(component = "discovery", discovery = "file", "BUG: looking at files panicked")
            }
            Err(_) => return,
        }
    }
}

/// Sends all groups on when they differ from what was sent before. One at a time, so that none overtakes a newer one.
fn publish(sender: &watch::Sender<Groups>, parts: &Mutex<Parts>, change: impl FnOnce(&mut Parts)) {
    let mut parts = parts.lock().unwrap_or_else(PoisonError::into_inner);
    change(&mut parts);
    let mut groups = parts.files.clone();
    groups.extend(parts.dns.iter().flatten().cloned());
    let mut dropped = BTreeMap::new();
    for (provider, narrow) in &parts.kubernetes {
        match narrow {
            None => groups.extend(provider.groups().borrow().iter().cloned()),
            Some(narrow) => {
                let found = narrow.apply(&provider.indexed());
                groups.extend(found.groups);
                for (cause, n) in found.dropped {
                    *dropped.entry(cause).or_default() += n;
                }
            }
        }
    }
    groups.extend(parts.statics.iter().cloned());
    parts.dropped = dropped;
    sender.send_if_modified(|last| {
        let changed = **last != groups;
        if changed {
            *last = Arc::new(groups);
        }
        changed
    });
}
