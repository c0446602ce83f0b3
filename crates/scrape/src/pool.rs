//! A scrape pool: the targets of one job, kept in step with what discovery says.

use crate::pool_config::PoolConfig;
use crate::scrape_loop::{self, Entry, Stop};
use crate::shared::Shared;
use crate::stats::Counter;
use crate::status::DroppedTarget;
use crate::target::{Target, populate};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tortie_client::Transport;
use tortie_discovery::TargetGroup;

/// After a sync nothing is synced for this many times its own duration, at most for [`LONGEST_REST`].
const REST: u32 = 20;
const LONGEST_REST: Duration = Duration::from_secs(5);

/// What discovery says of a pool.
pub(crate) type Groups = watch::Receiver<Arc<Vec<TargetGroup>>>;

pub(crate) struct Pool {
    pub(crate) name: Arc<str>,
    /// Syncs of targets.
    pub(crate) syncs: Counter,
    /// Targets that could not be made.
    pub(crate) sync_failures: Counter,
    shared: Arc<Shared>,
    state: Mutex<State>,
}

struct State {
    config: Arc<PoolConfig>,
    transport: Arc<Transport>,
    groups: Groups,
    entries: HashMap<u64, Arc<Entry>>,
    dropped: Vec<DroppedTarget>,
    dropped_count: usize,
    running: bool,
    /// Loops that run or write their last markers.
    loops: Vec<JoinHandle<()>>,
    watcher: Option<AbortHandle>,
}

impl Pool {
    pub(crate) fn new(
        config: PoolConfig,
        transport: Arc<Transport>,
        groups: Groups,
        shared: Arc<Shared>,
    ) -> Arc<Pool> {
        shared.stats.pools.add(1);
        let pool = Arc::new(Pool {
            name: Arc::clone(&config.job_name),
            syncs: Counter::default(),
            sync_failures: Counter::default(),
            shared,
            state: Mutex::new(State {
                config: Arc::new(config),
                transport,
                groups,
                entries: HashMap::new(),
                dropped: Vec::new(),
                dropped_count: 0,
                running: false,
                loops: Vec::new(),
                watcher: None,
            }),
        });
        pool.sync();
        pool
    }

    /// Takes over a configuration and a new source of targets. Targets that stay the same keep their loops, their
    /// connections and what was learned of their bodies.
    pub(crate) fn reload(self: &Arc<Pool>, config: PoolConfig, transport: Arc<Transport>, groups: Groups) {
        {
            let mut s = self.state();
            s.groups = groups;
            if *s.config != config {
                self.shared.stats.pool_reloads.add(1);
                s.config = Arc::new(config);
                s.transport = transport;
                for e in s.entries.values() {
                    e.set_config(Arc::clone(&s.config), Arc::clone(&s.transport));
                }
            }
        }
        self.sync();
        if self.state().running {
            self.watch();
        }
    }

    /// Starts the loops, and follows discovery from now on.
    pub(crate) fn start(self: &Arc<Pool>) {
        {
            let mut s = self.state();
            if s.running {
                return;
            }
            s.running = true;
            let entries: Vec<_> = s.entries.values().cloned().collect();
            for e in entries {
                let task = tokio::spawn(scrape_loop::run(e, Arc::clone(&self.shared)));
                s.loops.push(task);
            }
        }
        self.watch();
    }

    fn watch(self: &Arc<Pool>) {
        let mut s = self.state();
        if let Some(old) = s.watcher.take() {
            old.abort();
        }
        let (mut groups, pool) = (s.groups.clone(), Arc::downgrade(self));
        let pause = Duration::from_millis(self.shared.options.discovery_reload_ms);
        let task = tokio::spawn(async move {
            while groups.changed().await.is_ok() {
                let Some(pool) = pool.upgrade() else { return };
                groups.mark_unchanged();
                let began = tokio::time::Instant::now();
                pool.sync();
                drop(pool);
                // Discovery may change all the time; syncing that often would help nobody.
                let rest = (began.elapsed() * REST).min(LONGEST_REST);
                tokio::time::sleep(pause.max(rest)).await;
            }
        });
        s.watcher = Some(task.abort_handle());
    }

    /// Makes the targets of the newest groups, starts loops of new ones and stops those that are gone.
    pub(crate) fn sync(&self) {
        let mut guard = self.state();
        let s = &mut *guard;
        let groups = Arc::clone(&s.groups.borrow_and_update());
        let wanted = self.wanted(s, &groups);
        self.syncs.add(1);
        let gone: Vec<u64> = s.entries.keys().filter(|h| !wanted.contains_key(h)).copied().collect();
        for hash in gone {
            let Some(entry) = s.entries.remove(&hash) else { continue };
            self.let_go(entry, s.running);
        }
        for (hash, target) in wanted {
            match s.entries.get(&hash) {
                Some(old) => old.target.set_discovered(target.discovered()),
                None => {
                    let (config, transport) = (Arc::clone(&s.config), Arc::clone(&s.transport));
                    let entry = Arc::new(Entry::new(Arc::new(target), config, transport, &self.shared));
                    if s.running {
                        s.loops.push(tokio::spawn(scrape_loop::run(
                            Arc::clone(&entry),
                            Arc::clone(&self.shared),
                        )));
                    }
                    s.entries.insert(hash, entry);
                }
            }
        }
        let forced = self.target_limit(s);
        for e in s.entries.values() {
            e.force(forced.clone());
        }
        s.loops.retain(|l| !l.is_finished());
    }

    fn wanted(&self, s: &mut State, groups: &[TargetGroup]) -> BTreeMap<u64, Target> {
        let config = Arc::clone(&s.config);
        let keep = config.keep_dropped_targets as usize;
        s.dropped.clear();
        s.dropped_count = 0;
        let mut wanted = BTreeMap::new();
        for group in groups {
            for (i, labels) in group.targets.iter().enumerate() {
                match populate(&config, &group.labels, labels) {
                    Ok(p) if p.labels.is_empty() => {
                        s.dropped_count += 1;
                        if keep == 0 || s.dropped.len() < keep {
                            s.dropped.push(DroppedTarget {
                                pool: Arc::clone(&self.name),
                                discovered: p.discovered,
                            });
                        }
                    }
                    Ok(p) => {
                        let target = Target::new(&config, &p.labels, p.discovered);
                        wanted.insert(target.hash, target);
                    }
                    Err(e) => {
                        self.sync_failures.add(1);
                        let err = format!("instance {i} in group {}: {e}", group.source);
                        tracing::error!(component = "scrape manager", scrape_pool = %self.name, err, "Creating target failed");
                    }
                }
            }
        }
        wanted
    }

    fn target_limit(&self, s: &State) -> Option<String> {
        let (limit, count) = (s.config.target_limit, s.entries.len() as u64);
        if limit == 0 || count <= limit {
            return None;
        }
        self.shared.stats.target_limit.add(1);
        Some(format!("target_limit exceeded (number of targets: {count}, limit: {limit})"))
    }

    /// Active targets in the order of their URLs.
    pub(crate) fn entries(&self) -> Vec<Arc<Entry>> {
        let mut all: Vec<_> = self.state().entries.values().cloned().collect();
        all.sort_by(|a, b| {
            a.target
                .url
                .as_str()
                .cmp(b.target.url.as_str())
                .then_with(|| a.target.public.cmp(&b.target.public))
        });
        all
    }

    /// Targets that relabelling dropped, as many as are kept, and how many there are.
    pub(crate) fn dropped(&self) -> (Vec<DroppedTarget>, usize) {
        let s = self.state();
        (s.dropped.clone(), s.dropped_count)
    }

    /// What opens connections for it.
    pub(crate) fn transport(&self) -> Arc<Transport> {
        Arc::clone(&self.state().transport)
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> Arc<PoolConfig> {
        Arc::clone(&self.state().config)
    }

    /// Tells all loops to stop. They end after the scrape that runs; their handles are returned.
    pub(crate) fn stop(&self, how: Stop) -> Vec<JoinHandle<()>> {
        let mut s = self.state();
        if let Some(w) = s.watcher.take() {
            w.abort();
        }
        let running = std::mem::replace(&mut s.running, false);
        for (_, e) in s.entries.drain() {
            match how {
                Stop::Gone => self.let_go(e, running),
                _ => e.stop(how),
            }
        }
        std::mem::take(&mut s.loops)
    }

    /// A target is gone: its loop writes the last markers, or, when none runs, its slots are given up at once.
    fn let_go(&self, entry: Arc<Entry>, running: bool) {
        if running {
            entry.stop(Stop::Gone);
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let shared = Arc::clone(&self.shared);
            runtime.spawn(async move { entry.discard(&shared).await });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
