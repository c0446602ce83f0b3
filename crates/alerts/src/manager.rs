//! All Alertmanagers: sets as the configuration names them, a sender for each Alertmanager that discovery finds.

use crate::alert::{Alert, Source};
use crate::from_config::{SetSettings, Settings};
use crate::memory::{self, Kept, KeptAlerts};
use crate::metrics;
use crate::saver::{Saver, keep_now};
use crate::sender::{Keeping, Refill, Sender};
use crate::target::{self, Targets};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tortie_discovery::Groups;
use tortie_host::{Clock, Fs};
use tortie_model::relabel::{Rule, process};
use tortie_model::{Labels, LabelsBuilder};
use tortie_wire::text::Writer;

/// What was kept of an Alertmanager that is not there is kept this much longer, milliseconds.
const PARKED_MS: i64 = 3_600_000;

/// What flags decide.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most alerts that wait for one Alertmanager.
    pub capacity: usize,
    /// Most alerts of one request.
    pub batch: usize,
    /// Whether what waits is sent at the end.
    pub drain: bool,
    /// Directory of the side file; none keeps nothing.
    pub data: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Options {
        Options { capacity: 10_000, batch: 256, drain: true, data: None }
    }
}

/// Tells Alertmanagers of alerts.
pub struct Manager {
    options: Options,
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    discovery: tortie_discovery::Manager,
    state: Mutex<State>,
    /// Whom to ask for what found no room.
    source: OnceLock<Arc<dyn Source>>,
    /// When what is to be kept is written.
    pub(crate) saver: Saver,
    /// Held while it is, so that an older state does not come last.
    writing: Mutex<()>,
}

#[derive(Default)]
struct State {
    external: Labels,
    relabel: Vec<Rule>,
    sets: Vec<Arc<Set>>,
    /// What was kept of Alertmanagers that have no sender, and since when.
    parked: HashMap<String, (KeptAlerts, i64)>,
    stopped: bool,
}

/// One set of Alertmanagers.
struct Set {
    settings: SetSettings,
    inner: Mutex<SetState>,
    watch: Mutex<Option<AbortHandle>>,
}

#[derive(Default)]
struct SetState {
    targets: Targets,
    loops: HashMap<String, Loop>,
}

struct Loop {
    sender: Arc<Sender>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// How it stands with one Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its URL.
    pub url: String,
    /// Alerts that wait for it.
    pub waiting: usize,
    /// Alerts that it was told fire.
    pub firing: usize,
    /// Alerts that were sent.
    pub sent: u64,
    /// Alerts of requests that failed.
    pub errors: u64,
    /// Alerts that were given up.
    pub dropped: u64,
    /// Why the last request failed, when it did.
    pub last_error: Option<String>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Manager {
    /// A manager that knows no Alertmanager yet; what a run before kept is read now. Needs a tokio runtime around it.
    pub fn new(options: Options, fs: Arc<dyn Fs>, clock: Arc<dyn Clock>) -> Arc<Manager> {
        let mut state = State::default();
        if let Some(path) = path(&options) {
            match memory::load(&*fs, &path) {
                Ok(kept) => {
                    let now = clock.now_ms();
                    state.parked = kept.into_iter().map(|(url, alerts)| (url, (alerts, now))).collect();
                }
                Err(e) => tracing::warn!(component = "notifier", file = %path.display(), err = e, "ignored"),
            }
        }
        let discovery = tortie_discovery::Manager::new(Arc::clone(&fs), Arc::clone(&clock));
        let manager = Arc::new(Manager {
            options,
            fs,
            clock,
            discovery,
            state: Mutex::new(state),
            source: OnceLock::new(),
            saver: Saver::default(),
            writing: Mutex::default(),
        });
        if manager.options.data.is_some() {
            manager.saver.start(&manager);
        }
        manager
    }

    /// Says whom to ask for alerts that found no room in a queue. Only the first one counts.
    pub fn set_source(&self, source: Arc<dyn Source>) {
        let _ = self.source.set(source);
    }

    /// Takes a configuration over. A set that did not change keeps its senders and what waits in them.
    pub fn apply(self: &Arc<Self>, settings: Settings) {
        let groups = self.discovery.apply(settings.sets.iter().map(|s| s.job.clone()).collect());
        let mut state = lock(&self.state);
        state.external = settings.external_labels;
        state.relabel = settings.alert_relabel;
        let mut before = std::mem::take(&mut state.sets);
        for new in settings.sets {
            let same =
                before.iter().position(|s| s.settings.config == new.config && s.settings.job == new.job);
            let set = match same {
                Some(i) => before.swap_remove(i),
                None => Arc::new(Set { settings: new, inner: Mutex::default(), watch: Mutex::default() }),
            };
            state.sets.push(set);
        }
        for set in before {
            set.stop_watching();
            let loops: Vec<Loop> = lock(&set.inner).loops.drain().map(|(_, l)| l).collect();
            loops.iter().for_each(|l| self.park(&mut state, l));
        }
        let sets: Vec<Arc<Set>> = state.sets.clone();
        for set in sets {
            let Some(stream) = groups.get(&set.settings.job.name) else { continue };
            set.stop_watching();
            let known = Arc::clone(&stream.borrow());
            self.sync(&mut state, &set, &known);
            let work = follow(Arc::downgrade(self), Arc::clone(&set), stream.clone());
            *lock(&set.watch) = Some(tokio::spawn(work).abort_handle());
        }
    }

    /// Takes notices of an evaluation. Never blocks for long: alerts go into queues.
    pub fn notify(&self, alerts: Vec<Alert>) {
        let (sets, external, relabel) = {
            let state = lock(&self.state);
            if state.stopped || state.sets.is_empty() {
                return;
            }
            (state.sets.clone(), state.external.clone(), state.relabel.clone())
        };
        let alerts: Vec<Arc<Alert>> =
            alerts.into_iter().filter_map(|a| relabelled(Arc::new(a), &external, &relabel)).collect();
        if alerts.is_empty() {
            return;
        }
        for set in sets {
            let rules = &set.settings.config.alert_relabel;
            let own = match rules.is_empty() {
                true => alerts.clone(),
                false => {
                    alerts.iter().filter_map(|a| relabelled(Arc::clone(a), &Labels::empty(), rules)).collect()
                }
            };
            for l in lock(&set.inner).loops.values() {
                l.sender.add(&own);
            }
        }
        self.saver.soon.notify_one();
    }

    /// URLs of all Alertmanagers in use, and of those that relabelling dropped.
    pub fn alertmanagers(&self) -> (Vec<String>, Vec<String>) {
        let (mut active, mut dropped) = (Vec::new(), Vec::new());
        for set in &lock(&self.state).sets {
            let inner = lock(&set.inner);
            active.extend(inner.targets.active.iter().cloned());
            dropped.extend(inner.targets.dropped.iter().cloned());
        }
        (active, dropped)
    }

    /// How it stands with each Alertmanager, ascending by URL.
    pub fn status(&self) -> Vec<Status> {
        let status = |s: &Arc<Sender>| {
            let queue = s.queue();
            let (sent, errors) = s.counters.totals();
            Status {
                url: s.url.clone(),
                waiting: queue.len(),
                firing: queue.told(),
                sent,
                errors,
                dropped: queue.dropped(),
                last_error: lock(&s.last_error).clone(),
            }
        };
        self.senders().iter().map(status).collect()
    }

    /// Names that DNS was asked for, and those that had no answer.
    pub fn dns(&self) -> (u64, u64) {
        self.discovery.dns().totals()
    }

    /// Writes the metrics.
    pub fn write_metrics(&self, w: &mut Writer) {
        let now = self.clock.monotonic_ns();
        metrics::write(w, now, &self.senders(), self.alertmanagers().0.len(), self.options.capacity);
    }

    /// Ends all senders: what waits is sent when the options say so, within `most`, and the rest is kept.
    pub async fn stop(&self, most: Duration) {
        let loops: Vec<Loop> = {
            let mut state = lock(&self.state);
            state.stopped = true;
            let all = state.sets.iter().flat_map(|set| {
                set.stop_watching();
                lock(&set.inner).loops.drain().map(|(_, l)| l).collect::<Vec<_>>()
            });
            all.collect()
        };
        let drain = self.options.drain;
        let ends = loops.into_iter().map(|l| async move {
            // It may have ended already.
            let _ = l.stop.send(true);
            let _ = l.task.await;
            if drain {
                let _ = tokio::time::timeout(most, l.sender.drain()).await;
            }
            l.sender
        });
        let senders = futures_util::future::join_all(ends).await;
        self.saver.stop().await;
        let _one = lock(&self.writing);
        let mut state = lock(&self.state);
        for sender in senders {
            let kept = sender.queue().to_keep();
            state.parked.insert(sender.url.clone(), (kept, self.clock.now_ms()));
        }
        let kept = self.kept(&state);
        drop(state);
        self.write(&kept);
    }

    fn senders(&self) -> Vec<Arc<Sender>> {
        let state = lock(&self.state);
        let mut all: Vec<Arc<Sender>> = state
            .sets
            .iter()
            .flat_map(|set| {
                lock(&set.inner).loops.values().map(|l| Arc::clone(&l.sender)).collect::<Vec<_>>()
            })
            .collect();
        all.sort_by(|a, b| a.url.cmp(&b.url));
        all
    }

    /// Brings the senders of a set in line with what discovery found.
    fn sync(self: &Arc<Self>, state: &mut State, set: &Arc<Set>, groups: &Groups) {
        let config = &set.settings.config;
        let targets = target::of_groups(groups, &config.scheme, &config.path_prefix, &config.relabel);
        for err in &targets.problems {
            tracing::error!(
                component = "notifier",
                err = err.as_str(),
                "Creating discovered Alertmanagers failed"
            );
        }
        let mut inner = lock(&set.inner);
        let gone: Vec<String> = inner.loops.keys().filter(|u| !targets.active.contains(u)).cloned().collect();
        for url in gone {
            if let Some(l) = inner.loops.remove(&url) {
                self.park(state, &l);
            }
        }
        // Those that were there before take what is theirs before new ones take what is left.
        let (known, new): (Vec<&String>, Vec<&String>) = targets
            .active
            .iter()
            .filter(|url| !inner.loops.contains_key(*url))
            .partition(|url| state.parked.contains_key(*url));
        for url in known.into_iter().chain(new) {
            let sender = self.sender(set, url);
            sender.queue().restore(&inherited(state, url));
            inner.loops.insert(url.clone(), start(sender));
        }
        inner.targets = targets;
    }

    fn sender(self: &Arc<Self>, set: &Arc<Set>, url: &str) -> Arc<Sender> {
        let timeout = Duration::from_millis(set.settings.config.timeout_ms.max(1) as u64);
        Arc::new(Sender::new(
            url.to_owned(),
            self.options.capacity,
            self.options.batch,
            timeout,
            Arc::clone(&set.settings.post),
            Arc::clone(&self.clock),
            (refill(Arc::downgrade(self), Arc::downgrade(set)), self.keeping()),
        ))
    }

    fn keeping(self: &Arc<Self>) -> Keeping {
        let manager = Arc::downgrade(self);
        Keeping {
            now: Box::new(move || Box::pin(keep_now(Weak::clone(&manager)))),
            soon: Arc::clone(&self.saver.soon),
        }
    }

    /// Whether anything is kept on disk.
    pub(crate) fn keeps(&self) -> bool {
        self.options.data.is_some()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Asks for all alerts and puts those into a queue that its Alertmanager was not told of.
    fn fill(&self, set: &Set, sender: &Sender) {
        let Some(source) = self.source.get() else { return };
        let (external, relabel) = {
            let state = lock(&self.state);
            if state.stopped {
                return;
            }
            (state.external.clone(), state.relabel.clone())
        };
        let own = &set.settings.config.alert_relabel;
        source.each(&mut |alert| {
            let alert = relabelled(Arc::new(alert), &external, &relabel);
            let alert = alert.and_then(|a| relabelled(a, &Labels::empty(), own));
            alert.is_none_or(|a| sender.queue().wants(&a))
        });
        self.saver.soon.notify_one();
    }

    /// Ends a sender and keeps what must not be lost for its successor.
    fn park(&self, state: &mut State, l: &Loop) {
        // Its loop may have ended.
        let _ = l.stop.send(true);
        let kept = l.sender.queue().to_keep();
        state.parked.insert(l.sender.url.clone(), (kept, self.clock.now_ms()));
        self.saver.soon.notify_one();
    }

    fn kept(&self, state: &State) -> Kept {
        let now = self.clock.now_ms();
        let parked = state.parked.iter().filter(|(_, (_, since))| now - since < PARKED_MS);
        let mut kept: Kept = parked.map(|(url, (alerts, _))| (url.clone(), alerts.clone())).collect();
        for set in &state.sets {
            for l in lock(&set.inner).loops.values() {
                kept.insert(l.sender.url.clone(), l.sender.queue().to_keep());
            }
        }
        kept
    }

    fn write(&self, kept: &Kept) {
        let Some(path) = path(&self.options) else { return };
        if let Err(err) = memory::save(&*self.fs, &path, kept) {
            tracing::error!(component = "notifier", file = %path.display(), %err, "Writing what was told failed");
        }
    }

    /// Writes the side file when something changed.
    pub(crate) fn save(&self) {
        let _one = lock(&self.writing);
        let state = lock(&self.state);
        let mut changed = false;
        for set in &state.sets {
            for l in lock(&set.inner).loops.values() {
                changed |= l.sender.queue().take_changed();
            }
        }
        if changed {
            let kept = self.kept(&state);
            drop(state);
            self.write(&kept);
        }
    }
}

impl Set {
    fn stop_watching(&self) {
        if let Some(watch) = lock(&self.watch).take() {
            watch.abort();
        }
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        self.stop_watching();
        for l in lock(&self.inner).loops.values() {
            l.task.abort();
        }
    }
}

fn path(options: &Options) -> Option<PathBuf> {
    options.data.as_ref().map(|dir| dir.join(memory::FILE))
}

fn start(sender: Arc<Sender>) -> Loop {
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(Arc::clone(&sender).run(stopped));
    Loop { sender, stop, task }
}

/// What a new sender takes over: its own from before, or that of Alertmanagers that are gone (the same one may have come
/// back at another address).
fn inherited(state: &mut State, url: &str) -> KeptAlerts {
    match state.parked.remove(url) {
        Some((kept, _)) => kept,
        None => state.parked.values().flat_map(|(kept, _)| kept.iter().cloned()).collect(),
    }
}

/// An alert with the labels of the server and after relabelling; nothing when it is to be dropped.
fn relabelled(alert: Arc<Alert>, external: &Labels, rules: &[Rule]) -> Option<Arc<Alert>> {
    if external.is_empty() && rules.is_empty() {
        return Some(alert);
    }
    let all = with_external(&alert.labels, external);
    let labels = if rules.is_empty() {
        all
    } else {
        let mut labels: LabelsBuilder = all.builder();
        if !process(rules, &mut labels) {
            return None;
        }
        labels.labels()
    };
    Some(if labels == alert.labels { alert } else { Arc::new(alert.with_labels(labels)) })
}

/// Labels with those of the server that they have none of.
fn with_external(labels: &Labels, external: &Labels) -> Labels {
    if external.is_empty() {
        return labels.clone();
    }
    let (mut own, mut more) = (labels.iter().peekable(), external.iter().peekable());
    Labels::from_sorted(std::iter::from_fn(|| {
        let Some((name, _)) = more.peek() else { return own.next() };
        match own.peek().map(|(n, _)| n.cmp(name)) {
            Some(Ordering::Less) => own.next(),
            Some(Ordering::Equal) => {
                more.next();
                own.next()
            }
            Some(Ordering::Greater) | None => more.next(),
        }
    }))
}

/// What fills the queue of a sender of `set` again, beside the loops of others.
fn refill(manager: Weak<Manager>, set: Weak<Set>) -> Refill {
    Box::new(move |sender| {
        let (manager, set, sender) = (Weak::clone(&manager), Weak::clone(&set), Arc::clone(sender));
        Box::pin(async move {
            let work = move || {
                if let (Some(manager), Some(set)) = (manager.upgrade(), set.upgrade()) {
                    manager.fill(&set, &sender);
                }
            };
            if let Err(e) = tokio::task::spawn_blocking(work).await {
                tracing::error!(component = "notifier", err = %e, "BUG: filling a queue ended in a panic");
            }
        })
    })
}

/// Brings a set in line with each new full set of groups.
async fn follow(manager: Weak<Manager>, set: Arc<Set>, mut stream: watch::Receiver<Groups>) {
    while stream.changed().await.is_ok() {
        let Some(manager) = manager.upgrade() else { return };
        let groups = Arc::clone(&stream.borrow_and_update());
        let mut state = lock(&manager.state);
        if !state.stopped {
            manager.sync(&mut state, &set, &groups);
        }
    }
}
