//! After a restart alerts take up their wait where it was: `ALERTS_FOR_STATE` kept since when they were active.

use crate::dependencies::{ALERT_NAME, ALERTS_FOR_STATE};
use crate::environment::Environment;
use crate::grid::{to_ms, to_ns};
use crate::group::Group;
use crate::rule::Rule;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use tortie_model::labels::METRIC_NAME;
use tortie_model::stale::is_stale;
use tortie_model::storage::{Querier, SelectHints, StorageError};
use tortie_model::{Columns, Labels, Matcher};

/// The newest sample of each series by its labels without the name: milliseconds and seconds since the epoch.
type Kept = HashMap<Labels, (i64, f64)>;

/// Restores all alerts of a group at `now` (nanoseconds). Whatever fails, the rules write their series from now on.
pub fn restore(group: &Group, env: &Environment, now: i64) {
    let began = env.clock.monotonic_ns();
    let (mint, maxt) = (to_ms(now) - env.options.outage_tolerance_ms, to_ms(now));
    match env.store.querier(mint, maxt) {
        Ok(querier) => {
            for rule in group.rules.iter().filter(|r| r.spec.is_alert()) {
                match kept(rule, &*querier, mint, maxt) {
                    Ok(kept) => restore_rule(rule, &kept, env, now),
                    Err(e) => {
                        let e = e.to_string();
                        tracing::error!(alertname = rule.spec.name, err = e, "Failed to restore 'for' state");
                    }
                }
                rule.set_restored();
            }
        }
        Err(e) => {
            tracing::error!(group = group.spec.name, err = %e, "Failed to restore 'for' state");
            group.rules.iter().for_each(|r| r.set_restored());
        }
    }
    group.set_restore_time(env.clock.monotonic_ns().saturating_sub(began));
    group.restores.store(false, Ordering::Relaxed);
}

fn kept(rule: &Rule, querier: &dyn Querier, mint: i64, maxt: i64) -> Result<Kept, StorageError> {
    let mut matchers =
        vec![Matcher::equal(METRIC_NAME, ALERTS_FOR_STATE), Matcher::equal(ALERT_NAME, &rule.spec.name)];
    // A template's text is not what was stored; an empty value was not stored at all.
    let literal = rule.spec.labels.iter().filter(|(n, v)| n != ALERT_NAME && !v.contains("{{"));
    matchers.extend(literal.map(|(n, v)| Matcher::equal(n, v)));
    let hints = SelectHints { mint, maxt, ..SelectHints::default() };
    let set = querier.select(&hints, &matchers)?;
    let mut found = Kept::with_capacity(set.len());
    let mut columns = Columns::default();
    for i in 0..set.len() {
        set.read(i, mint, maxt, &mut columns)?;
        if let (Some(t), Some(v)) = (columns.t.last(), columns.v.last()) {
            found.insert(set.labels(i).without(&[METRIC_NAME]), (*t, *v));
        }
    }
    Ok(found)
}

fn restore_rule(rule: &Rule, kept: &Kept, env: &Environment, now: i64) {
    let hold = rule.waits().hold;
    let grace = to_ns(env.options.for_grace_period_ms);
    rule.each_alert(|alert| {
        let Some((t, v)) = kept.get(&alert.labels) else { return };
        if is_stale(*v) {
            return;
        }
        if let Some(at) =
            active_at(to_ns(t.div_euclid(1000) * 1000), to_ns((*v as i64) * 1000), hold, grace, now)
        {
            alert.active_at = at;
        }
    });
}

/// Since when an alert counts as active that was last seen at `seen` and was active since `since`; `None` lets it begin
/// anew. All in nanoseconds.
fn active_at(seen: i64, since: i64, hold: i64, grace: i64, now: i64) -> Option<i64> {
    let left = hold - (seen - since);
    if left <= 0 {
        // It fired; the next evaluation lets it fire again.
        return Some(since);
    }
    if hold < grace {
        return None;
    }
    if left < grace {
        return Some(now + grace - hold);
    }
    // The outage does not count as waiting.
    Some(since + (now - seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_goes_on_after_an_outage() {
        const M: i64 = 60_000_000_000;
        let check = |seen: i64, since: i64, hold: i64, expect: Option<i64>| {
            // Ten minutes of grace; it is minute 100.
            let got = active_at(seen * M, since * M, hold * M, 10 * M, 100 * M);
            assert_eq!(got, expect.map(|m| m * M), "{seen} {since} {hold}");
        };
        check(90, 60, 30, Some(60));
        check(90, 60, 20, Some(60));
        check(90, 88, 5, None);
        check(90, 65, 30, Some(80));
        check(90, 80, 30, Some(90));
    }
}
