//! The life of a rule's alerts: what an answer makes of those that are there.

use crate::alert::{Alert, AlertState};
use crate::alert_series::{self, Rows};
use crate::environment::{Environment, Settings, TemplateData};
use crate::grid::{to_ms, to_ns};
use crate::link;
use crate::notify::Notice;
use crate::rule::Tick;
use crate::spec::RuleSpec;
use crate::texts::{Texts, Written};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;
use tortie_model::Labels;
use tortie_promql::eval::Sample;
use tortie_tsdb::append::Slot;

/// Alerts by their labels.
pub(crate) type Alerts = HashMap<Labels, Alert, foldhash::fast::RandomState>;

/// What is written for alerts that should be there, by their labels.
pub(crate) type Found = HashMap<Labels, Written, foldhash::fast::RandomState>;

/// How long a resolved alert is kept and told of, nanoseconds.
const RESOLVED_RETENTION: i64 = 15 * 60 * 1_000_000_000;

/// Durations of an alerting rule, nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Waits {
    pub(crate) hold: i64,
    pub(crate) keep_firing: i64,
}

/// What an answer says: alerts that should be there, with texts and values of now. `before` gives what was written for an
/// alert at the last evaluation, when it may still hold.
pub(crate) fn found(
    spec: &RuleSpec,
    texts: &Texts,
    answer: &[Sample],
    ts: i64,
    (env, settings): (&Environment, &Settings),
    before: &dyn Fn(&Labels) -> Option<Written>,
) -> Result<Found, String> {
    let now_ms = to_ms(ts);
    let mut alerts = Found::with_capacity_and_hasher(answer.len(), Default::default());
    for sample in answer {
        let data = TemplateData {
            labels: &sample.labels,
            external_labels: &settings.external_labels,
            external_url: &env.options.external_url,
            value: &sample.v,
            now_ms,
        };
        let labels = with(&sample.labels, &texts.labels(spec, &data, env));
        let written = texts.annotations(spec, &data, env, || before(&labels));
        if alerts.insert(labels, written).is_some() {
            return Err(
                "vector contains metrics with the same labelset after applying alert labels".to_owned()
            );
        }
    }
    Ok(alerts)
}

/// Labels with others of which both are ascending; an empty value takes a label away.
fn with(labels: &Labels, own: &[(&str, Cow<'_, str>)]) -> Labels {
    let (mut theirs, mut ours) = (labels.iter().peekable(), own.iter().map(|(n, v)| (*n, &**v)).peekable());
    let merged = std::iter::from_fn(|| {
        let Some((name, _)) = ours.peek() else { return theirs.next() };
        match theirs.peek().map(|(n, _)| n.cmp(name)) {
            Some(Ordering::Less) => theirs.next(),
            Some(Ordering::Equal) => {
                theirs.next();
                ours.next()
            }
            Some(Ordering::Greater) | None => ours.next(),
        }
    });
    Labels::from_sorted(merged.filter(|(_, value)| !value.is_empty()))
}

/// Takes an answer over: alerts begin, fire, end. Returns what their series get; those of alerts that a limit refuses go
/// into `left`.
pub(crate) fn step(
    active: &mut Alerts,
    mut found: Found,
    spec: &RuleSpec,
    waits: Waits,
    tick: Tick,
    restored: bool,
    left: &mut Vec<Slot>,
) -> Result<Rows, String> {
    let Tick { ts, limit, .. } = tick;
    let mut present = 0i64;
    let mut rows = Rows::default();
    active.retain(|labels, alert| {
        let now = found.remove(labels);
        let is_found = now.is_some();
        if let Some(now) = now {
            if alert.state == AlertState::Inactive {
                *alert = begun(labels.clone(), now, ts);
            } else {
                alert.value = now.value;
                alert.written_of = now.of;
                // Whoever was told holds the old ones.
                if !Arc::ptr_eq(&alert.annotations, &now.annotations) && alert.annotations != now.annotations
                {
                    alert.annotations = now.annotations;
                }
            }
        }
        let (keeps, counts) = advance(alert, is_found, waits, ts);
        if !counts {
            rows.end(alert);
            return keeps;
        }
        present += 1;
        if restored {
            rows.add(alert, spec);
        }
        keeps
    });
    active.reserve(found.len());
    for (labels, now) in found {
        let mut alert = begun(labels.clone(), now, ts);
        advance(&mut alert, true, waits, ts);
        present += 1;
        if restored {
            rows.add(&mut alert, spec);
        }
        active.insert(labels, alert);
    }
    // A storm that is over leaves no room behind.
    if active.len() < active.capacity() / 8 {
        active.shrink_to(active.len() * 2);
    }
    if limit > 0 && present > limit {
        rows.give_up(left);
        left.extend(active.values_mut().flat_map(alert_series::slots));
        active.clear();
        return Err(format!("exceeded limit of {limit} with {present} alerts"));
    }
    Ok(rows)
}

/// An alert whose series is there for the first time.
fn begun(labels: Labels, now: Written, ts: i64) -> Alert {
    Alert {
        state: AlertState::Pending,
        labels,
        annotations: now.annotations,
        value: now.value,
        active_at: ts,
        fired_at: None,
        resolved_at: None,
        last_sent_at: None,
        valid_until: None,
        keep_firing_since: None,
        series: None,
        written_of: now.of,
    }
}

/// Moves one alert on; says whether it is kept, and whether it is pending or firing.
fn advance(a: &mut Alert, found: bool, waits: Waits, ts: i64) -> (bool, bool) {
    if found {
        a.keep_firing_since = None;
    } else {
        let mut fires_on = false;
        if a.state == AlertState::Firing && waits.keep_firing > 0 {
            let since = *a.keep_firing_since.get_or_insert(ts);
            fires_on = ts - since < waits.keep_firing;
        }
        let old = a.resolved_at.is_some_and(|at| ts - at > RESOLVED_RETENTION);
        let keeps = a.state != AlertState::Pending && !old;
        if a.state != AlertState::Inactive && !fires_on {
            a.state = AlertState::Inactive;
            a.resolved_at = Some(ts);
        }
        if !fires_on {
            return (keeps, false);
        }
    }
    let waited = ts - a.active_at >= waits.hold;
    if a.state == AlertState::Pending && waited {
        a.state = AlertState::Firing;
        a.fired_at = Some(ts);
    }
    // A reload may have made the wait longer.
    if a.state == AlertState::Firing && !waited {
        a.state = AlertState::Pending;
        a.fired_at = None;
        a.last_sent_at = None;
        a.keep_firing_since = None;
    }
    (true, true)
}

/// Notices of the alerts that must be told of now.
pub(crate) fn notices(
    active: &mut Alerts,
    spec: &RuleSpec,
    ts: i64,
    interval_ms: i64,
    env: &Environment,
) -> Vec<Notice> {
    let delay = to_ns(env.options.resend_delay_ms);
    let holds = to_ns(interval_ms.max(env.options.resend_delay_ms)).saturating_mul(4);
    let mut out = Vec::new();
    let mut url: Option<Arc<str>> = None;
    for a in active.values_mut().filter(|a| a.needs_sending(ts, delay)) {
        a.last_sent_at = Some(ts);
        a.valid_until = Some(ts.saturating_add(holds));
        out.push(notice(a, url.get_or_insert_with(|| url_of(spec, env))));
    }
    out
}

/// Page that shows the expression of a rule.
pub(crate) fn url_of(spec: &RuleSpec, env: &Environment) -> Arc<str> {
    (env.options.external_url.clone() + &link::table(&spec.query)).into()
}

/// What is said of an alert that is told of, or was last.
pub(crate) fn notice(a: &Alert, url: &Arc<str>) -> Notice {
    let until = a.resolved_at.or(a.valid_until).unwrap_or(a.active_at);
    Notice {
        labels: a.labels.clone(),
        annotations: Arc::clone(&a.annotations),
        starts_at_ms: to_ms(a.fired_at.unwrap_or(a.active_at)),
        ends_at_ms: to_ms(until),
        resolved: a.resolved_at.is_some(),
        generator_url: Arc::clone(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_labels_replace_and_take_away() {
        let check = |labels: &[(&str, &str)], own: &[(&str, &str)], expect: &[(&str, &str)]| {
            let labels = Labels::from_pairs(labels.iter().copied());
            let own: Vec<(&str, Cow<'_, str>)> = own.iter().map(|(n, v)| (*n, Cow::Borrowed(*v))).collect();
            assert_eq!(with(&labels, &own).iter().collect::<Vec<_>>(), expect);
        };
        check(&[], &[("__name__", ""), ("alertname", "A")], &[("alertname", "A")]);
        check(
            &[("__name__", "m"), ("a", "1"), ("job", "j"), ("z", "1")],
            &[("__name__", ""), ("alertname", "A"), ("job", "k"), ("zz", "2")],
            &[("a", "1"), ("alertname", "A"), ("job", "k"), ("z", "1"), ("zz", "2")],
        );
        check(&[("a", "1"), ("b", "2")], &[("a", ""), ("c", "")], &[("b", "2")]);
    }
}
