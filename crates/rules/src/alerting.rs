//! The life of a rule's alerts: what an answer makes of those that are there.

use crate::alert::{Alert, AlertState};
use crate::dependencies::{ALERT_NAME, ALERTS, ALERTS_FOR_STATE};
use crate::environment::{Environment, Template, TemplateData};
use crate::grid::{to_ms, to_ns};
use crate::link;
use crate::notify::Notice;
use crate::recording::Row;
use crate::spec::RuleSpec;
use std::collections::HashMap;
use std::sync::Arc;
use tortie_model::labels::METRIC_NAME;
use tortie_model::{Labels, LabelsBuilder};
use tortie_promql::eval::{Sample, SampleValue};

/// Alerts by their labels.
pub(crate) type Alerts = HashMap<Labels, Alert, foldhash::fast::RandomState>;

/// How long a resolved alert is kept and told of, nanoseconds.
const RESOLVED_RETENTION: i64 = 15 * 60 * 1_000_000_000;
/// Label of an alert's state in its series.
const ALERT_STATE: &str = "alertstate";

/// Durations of an alerting rule, nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Waits {
    pub(crate) hold: i64,
    pub(crate) keep_firing: i64,
}

/// The texts of a rule, read once.
pub(crate) struct Texts {
    labels: Vec<(String, Reading)>,
    annotations: Vec<(String, Reading)>,
}

enum Reading {
    Plain(String),
    Template(Box<dyn Template>),
}

impl Texts {
    pub(crate) fn read(spec: &RuleSpec, annotations: &[(String, String)], env: &Environment) -> Texts {
        let one = |(name, text): &(String, String)| {
            let reading = if text.contains("{{") {
                Reading::Template(env.templates.read(&spec.name, text))
            } else {
                Reading::Plain(text.clone())
            };
            (name.clone(), reading)
        };
        Texts {
            labels: spec.labels.iter().map(one).collect(),
            annotations: annotations.iter().map(one).collect(),
        }
    }
}

/// What an answer says: alerts that should be there, with texts and values of now.
pub(crate) fn found(
    spec: &RuleSpec,
    texts: &Texts,
    answer: &[Sample],
    ts: i64,
    env: &Environment,
) -> Result<Alerts, String> {
    let settings = env.settings();
    let now_ms = to_ms(ts);
    let mut alerts = Alerts::with_capacity_and_hasher(answer.len(), Default::default());
    for sample in answer {
        let data = TemplateData {
            labels: &sample.labels,
            external_labels: &settings.external_labels,
            external_url: &env.options.external_url,
            value: &sample.v,
            now_ms,
        };
        let expand = |text: &Reading| expand(spec, text, &data, env);
        let mut lb = sample.labels.builder();
        lb.del(METRIC_NAME);
        for (name, value) in &texts.labels {
            lb.set(name, &expand(value));
        }
        lb.set(ALERT_NAME, &spec.name);
        let annotations: Arc<[(String, String)]> =
            texts.annotations.iter().map(|(name, value)| (name.clone(), expand(value))).collect();
        let labels = lb.labels();
        let value = match sample.v {
            SampleValue::Float(v) => v,
            SampleValue::Histogram(_) => 0.0,
        };
        let alert = Alert {
            state: AlertState::Pending,
            labels: labels.clone(),
            annotations,
            value,
            active_at: ts,
            fired_at: None,
            resolved_at: None,
            last_sent_at: None,
            valid_until: None,
            keep_firing_since: None,
            series: None,
        };
        if alerts.insert(labels, alert).is_some() {
            return Err(
                "vector contains metrics with the same labelset after applying alert labels".to_owned()
            );
        }
    }
    Ok(alerts)
}

/// A text with its templates expanded; an error stands in its place and keeps nothing back.
fn expand(spec: &RuleSpec, text: &Reading, data: &TemplateData<'_>, env: &Environment) -> String {
    let template = match text {
        Reading::Plain(text) => {
            env.counters.count_expansion(false);
            return text.clone();
        }
        Reading::Template(t) => t,
    };
    let mut query = |q: &str, at_ms: i64| env.template_query(q, at_ms);
    let expanded = template.expand(data, &mut query);
    env.counters.count_expansion(expanded.is_err());
    expanded.unwrap_or_else(|e| {
        tracing::warn!(alert = spec.name, err = e.as_str(), "Expanding alert template failed");
        format!("<error expanding template: {e}>")
    })
}

/// Takes an answer over: alerts begin, fire, end. Returns the rows of their series.
pub(crate) fn step(
    active: &mut Alerts,
    mut found: Alerts,
    spec: &RuleSpec,
    waits: Waits,
    ts: i64,
    limit: i64,
    restored: bool,
) -> Result<Vec<Row>, String> {
    let mut present = 0i64;
    let mut rows = Vec::with_capacity(if restored { found.len() * 2 } else { 0 });
    active.retain(|labels, alert| {
        let now = found.remove(labels);
        let is_found = now.is_some();
        if let Some(now) = now {
            if alert.state == AlertState::Inactive {
                *alert = now;
            } else {
                alert.value = now.value;
                alert.annotations = now.annotations;
            }
        }
        let (keeps, counts) = advance(alert, is_found, waits, ts);
        if counts {
            present += 1;
            if restored {
                record(alert, spec, &mut rows);
            }
        }
        keeps
    });
    for (labels, mut alert) in found {
        advance(&mut alert, true, waits, ts);
        present += 1;
        if restored {
            record(&mut alert, spec, &mut rows);
        }
        active.insert(labels, alert);
    }
    if limit > 0 && present > limit {
        active.clear();
        return Err(format!("exceeded limit of {limit} with {present} alerts"));
    }
    Ok(rows)
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

/// Adds the two rows of an alert.
fn record(a: &mut Alert, spec: &RuleSpec, rows: &mut Vec<Row>) {
    if a.series.as_ref().is_none_or(|(state, ..)| *state != a.state) {
        let mut lb = LabelsBuilder::new();
        for (name, value) in spec.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(&a.labels) {
            lb.set(name, value);
        }
        lb.set(ALERT_NAME, &spec.name);
        lb.set(METRIC_NAME, ALERTS_FOR_STATE);
        let for_state = lb.labels();
        lb.set(METRIC_NAME, ALERTS).set(ALERT_STATE, a.state.as_str());
        a.series = Some((a.state, lb.labels(), for_state));
    }
    let Some((_, alerts, for_state)) = &a.series else { return };
    rows.push((alerts.clone(), SampleValue::Float(1.0)));
    let since = a.active_at.div_euclid(to_ns(1000));
    rows.push((for_state.clone(), SampleValue::Float(since as f64)));
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
    let mut url = None;
    for a in active.values_mut().filter(|a| a.needs_sending(ts, delay)) {
        a.last_sent_at = Some(ts);
        a.valid_until = Some(ts.saturating_add(holds));
        let url = url.get_or_insert_with(|| env.options.external_url.clone() + &link::table(&spec.query));
        out.push(Notice {
            labels: a.labels.clone(),
            annotations: Arc::clone(&a.annotations),
            starts_at_ms: to_ms(a.fired_at.unwrap_or(a.active_at)),
            ends_at_ms: to_ms(a.resolved_at.or(a.valid_until).unwrap_or(ts)),
            resolved: a.resolved_at.is_some(),
            generator_url: url.clone(),
        });
    }
    out
}
