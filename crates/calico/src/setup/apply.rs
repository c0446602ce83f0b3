//! Makes the steps of a plan, one at a time: dry run, journal, write, journal.

pub use super::hand::Gate;
use super::hand::Hand;
use super::journal::{Beside, Entry, Field, Store};
use super::step::{Plan, Step, Target, Write};
use super::{history, managers, own, pointer};
use std::path::PathBuf;
use tortie_cluster::client::ReadError;
use tortie_cluster::object::Object;
use tortie_cluster::writer::{ApplyError, Mode, Writer};
use tortie_host::Fs;

/// The Service that Tigera's operator makes with `typhaMetricsPort`, and leaves when the field goes.
pub(super) const TYPHA_SERVICE: &str = "calico-typha-metrics";
/// The field of an Installation that turns Typha's metrics on.
pub(super) const TYPHA_PORT: &str = "/spec/typhaMetricsPort";

/// Why setup stopped. What was written before is in the journal.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A write was refused.
    #[error("{0}")]
    Write(#[from] ApplyError),
    /// Something could not be read.
    #[error("{what} cannot be read: {source}")]
    Read {
        /// What.
        what: String,
        /// Why.
        source: ReadError,
    },
    /// The journal cannot be used.
    #[error("the journal cannot be used: {0}")]
    Journal(String),
    /// The plan holds something that is no object.
    #[error("the plan is damaged: {0} (hint: plan anew)")]
    Damaged(String),
    /// A field that was to be taken over is kept by somebody who was not named.
    #[error("{target}: {} (hint: --take MANAGER takes the fields of one)", .conflicts.join("; "))]
    Kept {
        /// The object.
        target: String,
        /// Field, manager, time.
        conflicts: Vec<String>,
    },
    /// The gate was closed.
    #[error("stopped")]
    Stopped,
}

/// How steps are made.
pub struct Making<'m> {
    /// The files of this machine.
    pub fs: &'m dyn Fs,
    /// The copy of the journal; none keeps it in the cluster alone.
    pub file: Option<PathBuf>,
    /// Who, for the journal.
    pub by: String,
    /// Milliseconds since 1970.
    pub now: i64,
    /// Asked before and after each write.
    pub gate: Gate<'m>,
}

/// Makes a plan. `told` hears of each step that was made.
///
/// # Errors
/// [`SetupError`]; steps before the one that failed stay made.
pub async fn apply(
    plan: &Plan,
    writer: &Writer,
    making: &Making<'_>,
    told: &mut (dyn FnMut(&Step) + Send),
) -> Result<usize, SetupError> {
    if plan.writes().next().is_none() {
        return Ok(0);
    }
    let mut work = Work::begin(plan, writer, making).await?;
    let mut made = 0;
    for step in plan.writes() {
        work.make(step).await?;
        made += 1;
        told(step);
    }
    Ok(made)
}

/// A plan under way, one step at a time, so that each can be seen to work before the next is made.
pub struct Work<'w> {
    hand: Hand<'w>,
    store: Store<'w>,
    making: &'w Making<'w>,
}

impl<'w> Work<'w> {
    /// Opens the journal. Nothing is written before the first step.
    ///
    /// # Errors
    /// When the journal cannot be read, or is of another cluster.
    pub async fn begin(
        plan: &Plan,
        writer: &'w Writer,
        making: &'w Making<'w>,
    ) -> Result<Work<'w>, SetupError> {
        let hand = Hand { writer, gate: making.gate };
        let store =
            Store::open(&hand, &plan.namespace, &plan.cluster_uid, making.fs, making.file.clone()).await?;
        Ok(Work { hand, store, making })
    }

    /// Makes one step that writes: dry run, journal, write, journal.
    ///
    /// # Errors
    /// [`SetupError`]; the journal says what was begun.
    pub async fn make(&mut self, step: &Step) -> Result<(), SetupError> {
        let (hand, store) = (&self.hand, &mut self.store);
        let reference = step.target.reference();
        let there = hand.get(&reference).await?;
        let force = rehearse(hand, step).await?;
        let mut entry = entry(step, there.as_ref(), self.making);
        if step.changes.iter().any(|c| c.pointer == TYPHA_PORT) {
            entry.beside.push(beside(hand).await?);
        }
        for rollout in history::of_step(step) {
            entry.rollouts.extend(history::before(hand, &rollout).await?);
        }
        let index = store.journal.enter(entry);
        store.save(hand).await?;
        let made = write(hand, step, force, Mode::Real).await?;
        if let Some(entry) = store.journal.entries.get_mut(index) {
            entry.done = true;
            entry.uid.clone_from(&made.meta.uid);
        }
        store.save(hand).await
    }
}

/// The dry run right before the write. Says whether the write must take fields over: only those of managers that were
/// named.
pub(super) async fn rehearse(hand: &Hand<'_>, step: &Step) -> Result<bool, SetupError> {
    match write(hand, step, false, Mode::DryRun).await {
        Ok(_) => Ok(false),
        Err(SetupError::Write(ApplyError::Conflict { target, conflicts })) => {
            let take = match &step.write {
                Write::Apply { take, .. } => take.as_slice(),
                _ => &[],
            };
            let foreign: Vec<String> =
                conflicts.iter().filter(|c| !take.contains(&c.manager)).map(ToString::to_string).collect();
            if !foreign.is_empty() {
                return Err(SetupError::Kept { target: target.to_string(), conflicts: foreign });
            }
            write(hand, step, true, Mode::DryRun).await.map(|_| true)
        }
        Err(e) => Err(e),
    }
}

async fn write(hand: &Hand<'_>, step: &Step, force: bool, mode: Mode) -> Result<Object, SetupError> {
    match &step.write {
        Write::Apply { object, .. } => {
            // What is ours alone is written whole.
            let there = if step.own { None } else { hand.get(&step.target.reference()).await? };
            let body = there.map_or_else(|| object.clone(), |there| managers::with_ours(object, &there));
            let object = Object::parse(body).map_err(|e| SetupError::Damaged(e.to_string()))?;
            hand.apply(&object, force, mode).await
        }
        Write::Patch { operations } => hand.patch(&step.target.reference(), operations, mode).await,
        Write::Nothing | Write::Conflict | Write::Elsewhere { .. } => {
            Err(SetupError::Damaged(format!("{} is no step that writes", step.target.reference())))
        }
    }
}

fn entry(step: &Step, there: Option<&Object>, making: &Making<'_>) -> Entry {
    // An object of ours that stands already is mended, not made: its entry is there.
    let own = step.own && there.is_none_or(|o| own::is_ours(&o.body) || step.changes.is_empty());
    let fields = step.changes.iter().filter(|_| there.is_some()).map(|c| Field {
        pointer: c.pointer.clone(),
        before: there.and_then(|o| pointer::get(&o.body, &c.pointer)).cloned(),
        after: c.after.clone(),
    });
    let managers = there.and_then(|o| o.at("/metadata/managedFields")).cloned();
    Entry {
        target: step.target.clone(),
        own,
        uid: there.map(|o| o.meta.uid.clone()).unwrap_or_default(),
        done: false,
        fields: fields.collect(),
        managers: managers.filter(|_| !own).unwrap_or_default(),
        beside: Vec::new(),
        rollouts: Vec::new(),
        undone: false,
        at: making.now,
        by: making.by.clone(),
    }
}

/// What stands where the operator will put its Service.
async fn beside(hand: &Hand<'_>) -> Result<Beside, SetupError> {
    let target = Target::new("v1", "Service", "calico-system", TYPHA_SERVICE);
    let there = hand.get(&target.reference()).await?;
    Ok(Beside { target, before: there.map(|o| o.body) })
}
