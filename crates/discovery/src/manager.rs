//! All jobs at work: each has a channel that holds its full set of groups, and a task when it has files to watch.

use crate::file::{FileProblem, Files};
use crate::group::TargetGroup;
use crate::job::{Job, Source};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tortie_host::Fs;

/// Files are looked at this often, or more often when the configuration says so.
const LOOK: Duration = Duration::from_secs(5);

/// The full set of groups of a job.
pub type Groups = Arc<Vec<TargetGroup>>;

/// Runs the discovery of all jobs.
pub struct Manager {
    fs: Arc<dyn Fs>,
    jobs: Mutex<HashMap<String, Running>>,
}

struct Running {
    job: Job,
    sender: Arc<watch::Sender<Groups>>,
    work: Arc<Mutex<Work>>,
    task: Option<AbortHandle>,
}

/// The sources of a job with what is known of them.
struct Work {
    statics: Vec<TargetGroup>,
    files: Vec<Files>,
}

impl Manager {
    /// A manager without jobs that reads files through `fs`.
    pub fn new(fs: Arc<dyn Fs>) -> Manager {
        Manager { fs, jobs: Mutex::default() }
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
                    Running::start(&self.fs, job, Arc::clone(&old.sender))
                }
                None => Running::start(&self.fs, job, Arc::new(watch::Sender::new(Groups::default()))),
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
            let work = running.work.lock().unwrap_or_else(PoisonError::into_inner);
            out.extend(work.files.iter().flat_map(Files::problems).map(|p| (name.clone(), p)));
        }
        out.sort_by(|a, b| (&a.0, &a.1.path).cmp(&(&b.0, &b.1.path)));
        out
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
    fn start(fs: &Arc<dyn Fs>, job: Job, sender: Arc<watch::Sender<Groups>>) -> Running {
        let mut work = Work { statics: Vec::new(), files: Vec::new() };
        let mut period = LOOK;
        for source in &job.sources {
            match source {
                Source::Static(groups) => work.statics.extend(groups.iter().cloned()),
                Source::Files { patterns, refresh_interval_ms } => {
                    work.files.push(Files::new(Arc::clone(fs), patterns.clone()));
                    if let Ok(ms @ 1..) = u64::try_from(*refresh_interval_ms) {
                        period = period.min(Duration::from_millis(ms));
                    }
                }
            }
        }
        let watches = !work.files.is_empty();
        publish(&sender, work.refresh());
        let work = Arc::new(Mutex::new(work));
        let task = watches.then(|| {
            tokio::spawn(watch_files(Arc::clone(&work), Arc::clone(&sender), period)).abort_handle()
        });
        Running { job, sender, work, task }
    }

    fn stop(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Work {
    fn refresh(&mut self) -> Vec<TargetGroup> {
        self.files.iter_mut().for_each(Files::refresh);
        self.files.iter().flat_map(Files::groups).chain(&self.statics).cloned().collect()
    }
}

async fn watch_files(work: Arc<Mutex<Work>>, sender: Arc<watch::Sender<Groups>>, period: Duration) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await; // the first one is at once, and the files were just read
    loop {
        ticks.tick().await;
        let work = Arc::clone(&work);
        // A slow disk must not hold up scrapes.
        let looked = tokio::task::spawn_blocking(move || {
            work.lock().unwrap_or_else(PoisonError::into_inner).refresh()
        })
        .await;
        match looked {
            Ok(groups) => publish(&sender, groups),
            Err(e) if e.is_panic() => {
                tracing::error!(component = "discovery", discovery = "file", "BUG: looking at files panicked")
            }
            Err(_) => return,
        }
    }
}

/// Sends the groups on when they differ from what was sent before.
fn publish(sender: &watch::Sender<Groups>, groups: Vec<TargetGroup>) {
    sender.send_if_modified(|last| {
        let changed = **last != groups;
        if changed {
            *last = Arc::new(groups);
        }
        changed
    });
}
