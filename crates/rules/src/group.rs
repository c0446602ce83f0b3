//! A group while it runs: one tick evaluates its rules in their order.

use crate::alert_series;
use crate::commit::{Written, end};
use crate::dependencies;
use crate::environment::Environment;
use crate::grid::{self, to_ms, to_ns};
use crate::rule::{Rule, Tick};
use crate::shared::{Shared, View};
use crate::spec::GroupSpec;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tortie_model::storage::Queryable;
use tortie_tsdb::append::Slot;

/// A group and its state.
pub struct Group {
    /// What it says.
    pub spec: GroupSpec,
    /// Its rules in order.
    pub rules: Vec<Arc<Rule>>,
    /// Its place on the grid, nanoseconds.
    pub(crate) offset: i64,
    /// Rules that may run at a time; none when all must run in order.
    pub(crate) batches: Option<Vec<Vec<usize>>>,
    /// Selections that more than one rule reads.
    shared: Shared,
    state: Mutex<GroupState>,
    /// Series of rules that are no longer there; stale markers are still to be written.
    gone: Mutex<Gone>,
    /// Raised when no further rule should begin.
    pub(crate) stopping: AtomicBool,
    /// Whether alerts wait for what storage knows of them.
    pub(crate) restores: AtomicBool,
    /// Counters of the group.
    pub counts: GroupCounts,
}

/// Series whose rule is not there any more.
#[derive(Default)]
struct Gone {
    recorded: Written,
    of_alerts: Vec<Slot>,
}

impl Gone {
    fn take_from(&mut self, rule: &Rule) {
        self.recorded.extend(rule.take_written());
        self.of_alerts.extend(rule.take_slots());
    }
}

/// Counters of a group.
#[derive(Debug, Default)]
pub struct GroupCounts {
    /// Evaluations of rules.
    pub evaluations: AtomicU64,
    /// Of these, failed ones.
    pub failures: AtomicU64,
    /// Ticks, missed ones among them.
    pub scheduled: AtomicU64,
    /// Ticks that were left out because an evaluation took too long.
    pub missed: AtomicU64,
}

/// How the last ticks of a group went.
#[derive(Debug, Clone, Copy, Default)]
pub struct GroupState {
    /// How long the last tick took, nanoseconds.
    pub duration_ns: u64,
    /// Sum of what its rules took, nanoseconds.
    pub rules_ns: u64,
    /// When it began, milliseconds since the epoch.
    pub last_evaluation_ms: Option<i64>,
    /// The time of the grid it was for, nanoseconds since the epoch.
    pub last_timestamp: Option<i64>,
    /// Rows it gave.
    pub samples: u64,
    /// How long the alerts took to take up what storage knew, nanoseconds; none before.
    pub restore_ns: Option<u64>,
}

impl Group {
    /// A group that was never evaluated. With `restores` its alerting rules write no series before
    /// [`Group::restore`](crate::restore).
    pub fn new(spec: GroupSpec, restores: bool) -> Group {
        let rules = spec.rules.iter().map(|r| Arc::new(Rule::new(r.clone(), !restores))).collect();
        Group {
            offset: grid::offset(&spec.file, &spec.name, spec.interval_ms),
            batches: dependencies::batches(&spec.rules),
            shared: Shared::new(&spec.rules),
            rules,
            spec,
            state: Mutex::default(),
            gone: Mutex::default(),
            stopping: AtomicBool::new(false),
            restores: AtomicBool::new(restores),
            counts: GroupCounts::default(),
        }
    }

    /// A group in the place of an older one of the same name, whose state it takes over.
    pub fn succeeding(spec: GroupSpec, restores: bool, old: &Group) -> Group {
        let new = Group::new(spec, restores);
        new.copy_from(old);
        new
    }

    /// How the last ticks went.
    pub fn state(&self) -> GroupState {
        *self.locked()
    }

    /// How far in the past queries look, milliseconds.
    pub fn query_offset_ms(&self, env: &Environment) -> i64 {
        self.spec.query_offset_ms.unwrap_or_else(|| env.settings().query_offset_ms)
    }

    /// The time of its grid that is not after `now`, nanoseconds.
    pub fn grid_before(&self, now: i64) -> i64 {
        grid::before(now, self.offset, self.spec.interval_ms)
    }

    /// Evaluates all rules in order at `ts` (nanoseconds).
    pub fn evaluate(&self, env: &Environment, ts: i64) {
        let at = self.begin(env);
        let mut samples = 0;
        let tick = self.tick(env, ts);
        let at_ms = to_ms(ts - to_ns(tick.query_offset_ms));
        let opened = self.shared.open(&*env.store, at_ms, env.lookback_ms());
        let kept = opened.as_ref().map(|o| o.places()).unwrap_or_default();
        let view = View::new(&*env.store, &kept, env.budget.clone());
        for rule in &self.rules {
            if self.stopping.load(Ordering::Relaxed) {
                return;
            }
            samples += self.evaluate_rule(env, &view, rule, tick);
        }
        self.finish(env, ts, at, samples);
    }

    /// Evaluates one rule.
    pub(crate) fn evaluate_rule(
        &self,
        env: &Environment,
        data: &dyn Queryable,
        rule: &Rule,
        tick: Tick,
    ) -> u64 {
        self.counts.evaluations.fetch_add(1, Ordering::Relaxed);
        let evaluated = rule.evaluate(env, data, tick);
        if evaluated.failed {
            self.counts.failures.fetch_add(1, Ordering::Relaxed);
        }
        // Queries that are cut off at the end are nobody's fault.
        if let Some(e) = &evaluated.error
            && !env.ending.load(Ordering::Relaxed)
        {
            let (file, group, name) = (&self.spec.file, &self.spec.name, &rule.spec.name);
            tracing::warn!(file, group, rule = name, err = &**e, "Evaluating rule failed");
        }
        evaluated.samples as u64
    }

    pub(crate) fn tick(&self, env: &Environment, ts: i64) -> Tick {
        Tick {
            ts,
            query_offset_ms: self.query_offset_ms(env),
            interval_ms: self.spec.interval_ms,
            limit: self.spec.limit,
        }
    }

    /// Counts the beginning of a tick: wall clock in milliseconds and monotonic nanoseconds.
    pub(crate) fn begin(&self, env: &Environment) -> (i64, u64) {
        self.counts.scheduled.fetch_add(1, Ordering::Relaxed);
        (env.clock.now_ms(), env.clock.monotonic_ns())
    }

    /// Ends a tick: stale markers of rules that went, figures.
    pub(crate) fn finish(&self, env: &Environment, ts: i64, (began_ms, began): (i64, u64), samples: u64) {
        self.end_gone(env, ts);
        let now = env.clock.monotonic_ns();
        let took = now.saturating_sub(began);
        env.counters.ticks.observe(now, took);
        let rules_ns = self.rules.iter().map(|r| r.standing().duration_ns).sum();
        let mut s = self.locked();
        s.duration_ns = took;
        s.rules_ns = rules_ns;
        s.last_evaluation_ms = Some(began_ms);
        s.last_timestamp = Some(ts);
        s.samples = samples;
    }

    /// Writes stale markers for series whose rule is gone.
    pub(crate) fn end_gone(&self, env: &Environment, ts: i64) {
        let mut gone = self.gone();
        let t = to_ms(ts - to_ns(self.query_offset_ms(env)));
        let ended = end(&*env.store, t, &mut gone.recorded);
        if let Err(e) = ended.and(alert_series::end(&*env.store, t, &mut gone.of_alerts)) {
            tracing::warn!(
                group = self.spec.name,
                err = e.as_str(),
                "Stale markers of former rules were not stored"
            );
        }
    }

    /// Makes all series of all rules end at the next [`Group::end_gone`].
    pub(crate) fn give_up_all(&self) {
        let mut gone = self.gone();
        self.rules.iter().for_each(|rule| gone.take_from(rule));
    }

    pub(crate) fn set_restore_time(&self, ns: u64) {
        self.locked().restore_ns = Some(ns);
    }

    /// Takes over the state of the same group of an older configuration: rules find theirs by name and labels, the
    /// first of equal ones that of the first.
    fn copy_from(&self, old: &Group) {
        {
            let from = old.state();
            let mut s = self.locked();
            s.duration_ns = from.duration_ns;
            s.last_evaluation_ms = from.last_evaluation_ms;
        }
        let mut by_identity: HashMap<_, Vec<&Arc<Rule>>> = HashMap::new();
        for rule in old.rules.iter().rev() {
            by_identity.entry(rule.spec.identity()).or_default().push(rule);
        }
        for rule in &self.rules {
            if let Some(from) = by_identity.get_mut(&rule.spec.identity()).and_then(Vec::pop) {
                rule.copy_from(from);
            }
        }
        let mut gone = self.gone();
        let Gone { recorded, of_alerts } = std::mem::take(&mut *old.gone());
        gone.recorded.extend(recorded);
        gone.of_alerts.extend(of_alerts);
        by_identity.into_values().flatten().for_each(|rule| gone.take_from(rule));
    }

    fn locked(&self) -> MutexGuard<'_, GroupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gone(&self) -> MutexGuard<'_, Gone> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
