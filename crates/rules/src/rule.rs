//! One rule while it runs: its health, its alerts, the series it wrote.

use crate::alert::{Alert, AlertState};
use crate::alert_series::{self, Rows};
use crate::alerting::{self, Alerts, Found, Waits};
use crate::commit::{Written, commit};
use crate::environment::{Environment, Settings};
use crate::grid::{to_ms, to_ns};
use crate::notify::Notice;
use crate::recording;
use crate::spec::{Kind, RuleSpec};
use crate::texts::{Texts, Written as Annotated};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tortie_model::Labels;
use tortie_model::storage::Queryable;
use tortie_tsdb::append::Slot;

/// How the last evaluation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// There was none.
    Unknown,
    /// Well.
    Good,
    /// It failed.
    Bad,
}

impl Health {
    /// The word of the API: `unknown`, `ok`, `err`.
    pub fn as_str(self) -> &'static str {
        match self {
            Health::Unknown => "unknown",
            Health::Good => "ok",
            Health::Bad => "err",
        }
    }
}

/// What a group says to each of its rules at a tick.
#[derive(Clone, Copy)]
pub(crate) struct Tick {
    /// Time of the evaluation, nanoseconds.
    pub(crate) ts: i64,
    /// How far before it queries look, milliseconds.
    pub(crate) query_offset_ms: i64,
    pub(crate) interval_ms: i64,
    pub(crate) limit: i64,
}

/// What one evaluation gave.
pub(crate) struct Evaluated {
    /// Rows of the answer.
    pub(crate) samples: usize,
    /// Whether there was no answer, or none of it was stored.
    pub(crate) failed: bool,
    /// What was wrong; single rows that were refused are no failure.
    pub(crate) error: Option<Arc<str>>,
}

/// A rule and its state.
pub struct Rule {
    /// What it says.
    pub spec: RuleSpec,
    /// Read at the first evaluation.
    texts: OnceLock<Texts>,
    state: Mutex<State>,
    /// Series that the last evaluation of a recording rule wrote; only who evaluates takes it.
    written: Mutex<Written>,
    /// Series of alerts that are over and have no stale marker yet.
    left: Mutex<Vec<Slot>>,
}

struct State {
    health: Health,
    last_error: Option<Arc<str>>,
    duration_ns: u64,
    evaluated_ms: Option<i64>,
    active: Alerts,
    restored: bool,
    /// The settings under which the annotations of alerts were written.
    under: Option<Arc<Settings>>,
}

/// How a rule is, at one moment.
#[derive(Debug, Clone)]
pub struct Standing {
    /// How the last evaluation went.
    pub health: Health,
    /// What was wrong with it.
    pub last_error: Option<Arc<str>>,
    /// How long it took, nanoseconds.
    pub duration_ns: u64,
    /// When it began, milliseconds since the epoch.
    pub evaluated_ms: Option<i64>,
    /// The furthest state of its alerts; of a recording rule without meaning.
    pub state: AlertState,
}

impl Rule {
    /// A rule that was never evaluated. `restored` says that its alerts need not wait for what storage knows of them.
    pub fn new(spec: RuleSpec, restored: bool) -> Rule {
        Rule {
            spec,
            texts: OnceLock::new(),
            state: Mutex::new(State {
                health: Health::Unknown,
                last_error: None,
                duration_ns: 0,
                evaluated_ms: None,
                active: Alerts::default(),
                restored,
                under: None,
            }),
            written: Mutex::default(),
            left: Mutex::default(),
        }
    }

    pub(crate) fn waits(&self) -> Waits {
        match &self.spec.kind {
            Kind::Alert { for_ms, keep_firing_for_ms, .. } => {
                Waits { hold: to_ns(*for_ms), keep_firing: to_ns(*keep_firing_for_ms) }
            }
            Kind::Record => Waits { hold: 0, keep_firing: 0 },
        }
    }

    /// How it is.
    pub fn standing(&self) -> Standing {
        let s = self.state();
        let furthest = s.active.values().map(|a| a.state).max().unwrap_or(AlertState::Inactive);
        Standing {
            health: s.health,
            last_error: s.last_error.clone(),
            duration_ns: s.duration_ns,
            evaluated_ms: s.evaluated_ms,
            state: if s.evaluated_ms.is_some() { furthest } else { AlertState::Unknown },
        }
    }

    /// Alerts that are pending or firing, ascending by labels.
    pub fn active_alerts(&self) -> Vec<Alert> {
        let mut all: Vec<Alert> =
            self.state().active.values().filter(|a| a.resolved_at.is_none()).cloned().collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        all
    }

    /// Visits what was said of each alert last, until `visit` says false; says whether it never did. Evaluation does not wait
    /// for the visits.
    pub fn told_of(&self, env: &Environment, visit: &mut dyn FnMut(Notice) -> bool) -> bool {
        let url = alerting::url_of(&self.spec, env);
        let s = self.state();
        let told = s.active.values().filter(|a| a.last_sent_at.is_some());
        let notices: Vec<Notice> = told.map(|a| alerting::notice(a, &url)).collect();
        drop(s);
        notices.into_iter().all(visit)
    }

    /// Number of alerts in memory, resolved ones among them.
    pub fn alerts_held(&self) -> usize {
        self.state().active.len()
    }

    /// Says that alerts need not wait for what storage knows of them.
    pub fn set_restored(&self) {
        self.state().restored = true;
    }

    /// Goes through all alerts.
    pub(crate) fn each_alert(&self, mut f: impl FnMut(&mut Alert)) {
        self.state().active.values_mut().for_each(&mut f);
    }

    /// Evaluates once. Never panics: a panic is an error of the rule.
    pub(crate) fn evaluate(&self, env: &Environment, data: &dyn Queryable, tick: Tick) -> Evaluated {
        let began_ms = env.clock.now_ms();
        let began = env.clock.monotonic_ns();
        let border = AssertUnwindSafe(|| self.evaluate_unguarded(env, data, tick));
        let result = std::panic::catch_unwind(border).unwrap_or_else(|_| {
            env.counters.count_panic();
            tracing::error!(rule = self.spec.name, "BUG: panic while evaluating a rule");
            Err("BUG: the evaluation ended in a panic; the log has it".to_owned())
        });
        let now = env.clock.monotonic_ns();
        let took = now.saturating_sub(began);
        env.counters.rules.observe(now, took);
        let evaluated = match result {
            Ok((samples, wrong)) => Evaluated { samples, failed: false, error: wrong.map(Arc::from) },
            Err(e) => Evaluated { samples: 0, failed: true, error: Some(Arc::from(e)) },
        };
        let mut s = self.state();
        s.duration_ns = took;
        s.evaluated_ms = Some(began_ms);
        s.health = if evaluated.error.is_none() { Health::Good } else { Health::Bad };
        s.last_error.clone_from(&evaluated.error);
        evaluated
    }

    /// The number of rows, and what was wrong with single ones.
    fn evaluate_unguarded(
        &self,
        env: &Environment,
        data: &dyn Queryable,
        tick: Tick,
    ) -> Result<(usize, Option<String>), String> {
        let at_ms = to_ms(tick.ts - to_ns(tick.query_offset_ms));
        let answer = env.query(data, &self.spec.query, &self.spec.expr, at_ms)?;
        match &self.spec.kind {
            Kind::Record => {
                let rows = recording::rows(&self.spec, answer, tick.limit)?;
                let n = rows.len();
                Ok((n, commit(&*env.store, rows, at_ms, &mut self.written())?))
            }
            Kind::Alert { annotations, .. } => {
                let texts = self.texts.get_or_init(|| Texts::read(&self.spec, annotations, env));
                let settings = env.settings();
                self.settle_under(&settings);
                let before = |labels: &Labels| self.annotated(labels);
                let found = alerting::found(&self.spec, texts, &answer, tick.ts, (env, &settings), &before)?;
                drop(answer);
                let mut left = self.left();
                let rows = self.step(env, found, tick, &mut left)?;
                let n = rows.len();
                let with_alerts = |note: &mut dyn FnMut(&mut Alerts)| note(&mut self.state().active);
                let to = (&*env.store, &self.spec);
                Ok((n, alert_series::commit(to, rows, at_ms, &mut left, with_alerts)?))
            }
        }
    }

    /// Notes the settings of an evaluation. When they are others, no annotations hold that were written before.
    fn settle_under(&self, settings: &Arc<Settings>) {
        let mut s = self.state();
        if s.under.as_ref().is_some_and(|u| Arc::ptr_eq(u, settings)) {
            return;
        }
        s.under = Some(Arc::clone(settings));
        s.active.values_mut().for_each(|a| a.written_of = None);
    }

    /// What was written for an alert at the last evaluation.
    fn annotated(&self, labels: &Labels) -> Option<Annotated> {
        let s = self.state();
        let a = s.active.get(labels)?;
        Some(Annotated { annotations: Arc::clone(&a.annotations), value: a.value, of: a.written_of })
    }

    /// Moves the alerts on and tells of them.
    fn step(
        &self,
        env: &Environment,
        found: Found,
        tick: Tick,
        left: &mut Vec<Slot>,
    ) -> Result<Rows, String> {
        let mut s = self.state();
        let (spec, restored) = (&self.spec, s.restored);
        let waits = self.waits();
        let rows = alerting::step(&mut s.active, found, spec, waits, tick, restored, left)?;
        let notices = alerting::notices(&mut s.active, &self.spec, tick.ts, tick.interval_ms, env);
        drop(s);
        if !notices.is_empty() {
            env.notify.notify(notices);
        }
        Ok(rows)
    }

    /// Takes over the state of the same rule of an older configuration.
    pub(crate) fn copy_from(&self, old: &Rule) {
        *self.written() = std::mem::take(&mut *old.written());
        if self.spec.is_alert() && old.spec.is_alert() {
            // Their series stay the same: rules are the same by name and labels.
            self.left().append(&mut old.left());
            let mut active = std::mem::take(&mut old.state().active);
            // Annotations are no part of what makes two rules the same.
            active.values_mut().for_each(|a| a.written_of = None);
            self.state().active.extend(active);
        } else {
            self.left().extend(old.take_slots());
        }
    }

    /// Takes the series of the last evaluation of a recording rule.
    pub(crate) fn take_written(&self) -> Written {
        std::mem::take(&mut *self.written())
    }

    /// Takes the series of all alerts.
    pub(crate) fn take_slots(&self) -> Vec<Slot> {
        let mut slots = std::mem::take(&mut *self.left());
        slots.extend(self.state().active.values_mut().flat_map(alert_series::slots));
        slots
    }

    fn left(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
