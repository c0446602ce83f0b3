//! What checks of the running Prometheus have in common: the answer when nobody could be asked, and yielding to a check
//! that sees the same break in the objects.

use crate::component::Component;
use crate::doctor::check::Judged;
use crate::doctor::checks::find;
use crate::doctor::entity::Entity;
use crate::doctor::verdict::Verdict;
use crate::facts::Facts;

/// The judgement of a check that asks Prometheus when no collector answered: unknown on a live cluster, where one should
/// have; skipped where the source holds no answers. None when somebody answered.
pub(crate) fn unasked(facts: &Facts<'_>, entity: Entity) -> Option<Judged> {
    if facts.reachable().next().is_some() {
        return None;
    }
    let why = facts.snap.collectors.iter().find_map(|c| c.unreachable.clone());
    Some(match why {
        Some(why) => Judged::unknown(entity, format!("Prometheus could not be asked: {why}")),
        None if facts.running() => Judged::unknown(entity, "no Prometheus was asked"),
        None => {
            Judged::skipped(entity, "needs answers of a running Prometheus, which this source does not hold")
        }
    })
}

/// Whether one of `ids` has something to say of the component: then a check that sees the consequence is silent.
pub(crate) fn said(facts: &Facts<'_>, ids: &[&str], component: Component) -> bool {
    ids.iter().filter_map(|id| find(id)).any(|check| {
        (check.judge)(facts).iter().any(|j| {
            matches!(j.verdict, Verdict::Fail | Verdict::Warn)
                && j.entity.component.is_none_or(|c| c == component)
        })
    })
}

/// The first few of many, and how many more there are.
pub(crate) fn capped<T: Clone>(all: &[T], most: usize) -> (Vec<T>, usize) {
    (all.iter().take(most).cloned().collect(), all.len().saturating_sub(most))
}

/// `n2, n7 and 3 more`.
pub(crate) fn listed(all: &[String], most: usize) -> String {
    let (shown, more) = capped(all, most);
    let mut text = shown.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// A count with its noun: `1 panel`, `3 panels`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
