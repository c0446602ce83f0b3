//! All groups of a server: what a reload changes, start and end.

use crate::environment::{Environment, Settings};
use crate::group::Group;
use crate::metrics;
use crate::notify::Notice;
use crate::runner::{self, Order, Works};
use crate::spec::GroupSpec;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tortie_host::CpuPool;
use tortie_wire::text::Writer;

/// File and name of a group.
type Key = (String, String);

struct Running {
    group: Arc<Group>,
    order: watch::Sender<Order>,
    task: JoinHandle<()>,
}

/// The groups of a server.
pub struct Manager {
    env: Arc<Environment>,
    pool: CpuPool,
    beside: Arc<Semaphore>,
    groups: Mutex<BTreeMap<Key, Running>>,
    /// One reload at a time.
    updating: tokio::sync::Mutex<()>,
    /// Alerts of the first groups go on where storage left them; those of later ones begin.
    loaded: AtomicBool,
    started: watch::Sender<bool>,
    ended: watch::Sender<bool>,
}

impl Manager {
    /// A manager without groups; rules run on `pool`.
    pub fn new(env: Arc<Environment>, pool: CpuPool) -> Manager {
        let beside = Arc::new(Semaphore::new(env.options.max_concurrent.max(1)));
        Manager {
            env,
            pool,
            beside,
            groups: Mutex::default(),
            updating: tokio::sync::Mutex::default(),
            loaded: AtomicBool::new(false),
            started: watch::Sender::new(false),
            ended: watch::Sender::new(false),
        }
    }

    /// What the groups share.
    pub fn environment(&self) -> &Arc<Environment> {
        &self.env
    }

    /// Takes over the groups of a configuration. Those that stay the same go on undisturbed; a changed one waits for the
    /// iteration that runs and takes over its state; those that are gone get stale markers. Within a tokio runtime only.
    pub async fn update(&self, specs: Vec<GroupSpec>, settings: Settings) {
        let _one = self.updating.lock().await;
        if *self.ended.borrow() {
            return;
        }
        self.env.set(settings);
        let restores = !self.loaded.swap(true, Ordering::Relaxed);
        // The last of the same name in the same file counts.
        let specs: BTreeMap<Key, GroupSpec> =
            specs.into_iter().map(|s| ((s.file.clone(), s.name.clone()), s)).collect();
        let mut changed = Vec::new();
        let mut ending = Vec::new();
        {
            let mut groups = self.groups();
            for (key, running) in std::mem::take(&mut *groups) {
                match specs.get(&key) {
                    Some(spec) if *spec == running.group.spec => {
                        groups.insert(key, running);
                    }
                    Some(_) => changed.push(running),
                    None => ending.push(running),
                }
            }
            for (key, spec) in &specs {
                if groups.contains_key(key) || changed.iter().any(|r| r.is(key)) {
                    continue;
                }
                groups.insert(key.clone(), self.spawn(Group::new(spec.clone(), restores)));
            }
        }
        for running in ending {
            running.end(Order::Gone);
        }
        changed.iter().for_each(|r| r.end(Order::Stop));
        for Running { group: old, task, .. } in changed {
            if task.await.is_err() {
                tracing::error!(group = old.spec.name, "BUG: the loop of a rule group ended in a panic");
            }
            let key = (old.spec.file.clone(), old.spec.name.clone());
            let Some(spec) = specs.get(&key) else { continue };
            let running = self.spawn(Group::succeeding(spec.clone(), restores, &old));
            self.groups().insert(key, running);
        }
    }

    fn spawn(&self, group: Group) -> Running {
        let group = Arc::new(group);
        let order = watch::Sender::new(Order::Run);
        let works = Works {
            env: Arc::clone(&self.env),
            pool: self.pool.clone(),
            beside: Arc::clone(&self.beside),
            started: self.started.subscribe(),
            ended: self.ended.subscribe(),
        };
        let task = tokio::spawn(runner::run(Arc::clone(&group), works, order.subscribe()));
        Running { group, order, task }
    }

    /// Lets all groups, now and to come, begin.
    pub fn start(&self) {
        self.started.send_replace(true);
    }

    /// Ends all groups and waits for the iterations that run. Writes no stale markers.
    pub async fn stop(&self) {
        let _one = self.updating.lock().await;
        let all = std::mem::take(&mut *self.groups());
        all.values().for_each(|r| r.end(Order::Stop));
        self.ended.send_replace(true);
        self.env.ending.store(true, Ordering::Relaxed);
        for running in all.into_values() {
            // A loop that panicked has ended too.
            let _ = running.task.await;
        }
    }

    /// All groups, ascending by file, then name.
    pub fn list(&self) -> Vec<Arc<Group>> {
        self.groups().values().map(|r| Arc::clone(&r.group)).collect()
    }

    /// Visits what was said of each alert of all groups last, until `visit` says false.
    pub fn told_of(&self, visit: &mut dyn FnMut(Notice) -> bool) {
        for group in self.list() {
            if !group.rules.iter().all(|r| r.told_of(&self.env, visit)) {
                return;
            }
        }
    }

    /// When `group` is evaluated next, milliseconds since the epoch.
    pub fn next_ms(&self, group: &Group) -> i64 {
        runner::next_ms(group, self.env.clock.now_ms())
    }

    /// Writes own metrics.
    pub fn write_metrics(&self, w: &mut Writer) {
        metrics::write(w, self.env.clock.monotonic_ns(), &self.env.counters, &self.list());
    }

    fn groups(&self) -> MutexGuard<'_, BTreeMap<Key, Running>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn is(&self, (file, name): &Key) -> bool {
        self.group.spec.file == *file && self.group.spec.name == *name
    }

    /// Tells the loop to end after the rule that runs.
    fn end(&self, order: Order) {
        self.group.stopping.store(true, Ordering::Relaxed);
        self.order.send_replace(order);
    }
}
