//! What a check says when the evidence is not there: live it is unknown, with the reason; in files it does not apply.

use crate::doctor::check::Judged;
use crate::doctor::entity::Entity;
use crate::facts::Facts;

/// `Some` when a kind could not be listed (its plural with its group: `services`, `servicemonitors.monitoring.coreos.com`).
pub(crate) fn list(facts: &Facts<'_>, entity: &Entity, resource: &str) -> Option<Judged> {
    let unseen = facts.snap.unseen_of(resource)?;
    Some(Judged::unknown(entity.clone(), format!("{}: {}", unseen.what, unseen.reason)))
}

/// For evidence that a source of this kind may lack.
pub(crate) fn absent(facts: &Facts<'_>, entity: Entity, what: &str) -> Judged {
    if facts.live() {
        Judged::unknown(entity, format!("{what} could not be read"))
    } else {
        Judged::skipped(entity, format!("{what} is not in this source"))
    }
}

/// For objects that files leave out because they live in the cluster.
pub(crate) fn only_files(facts: &Facts<'_>, entity: &Entity, what: &str) -> Option<Judged> {
    (!facts.snap.is_whole())
        .then(|| Judged::skipped(entity.clone(), format!("{what} may be in the cluster; these are files")))
}

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
