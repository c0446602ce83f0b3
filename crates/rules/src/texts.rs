//! Texts of an alerting rule: read once, written for each alert. Prometheus writes all of them at every evaluation; what would
//! become the same text again is kept instead, because in a storm of alerts that is most of the work.

use crate::dependencies::ALERT_NAME;
use crate::environment::{Environment, Template, TemplateData};
use crate::spec::RuleSpec;
use std::borrow::Cow;
use std::hash::BuildHasher;
use std::num::NonZeroU64;
use std::sync::Arc;
use tortie_model::Labels;
use tortie_model::labels::METRIC_NAME;
use tortie_promql::eval::SampleValue;
use tortie_template::Needs;

/// Annotations: names and texts, ascending by name.
pub(crate) type Annotations = Arc<[(String, String)]>;

/// The texts of a rule, read once.
pub(crate) struct Texts {
    /// Ascending by name; the alert's name and the metric's, which goes, are among them.
    labels: Vec<(String, Reading)>,
    annotations: Vec<(String, Reading)>,
    /// The annotations of every alert, when none is a template.
    plain: Option<Annotations>,
    /// Whether annotations are the same for the same labels and value.
    lasting: bool,
    hasher: foldhash::quality::RandomState,
}

enum Reading {
    /// Ours, not a text of the rule.
    Fixed(String),
    Plain(String),
    Template(Box<dyn Template>),
}

impl Reading {
    fn needs(&self) -> Needs {
        match self {
            Reading::Fixed(_) | Reading::Plain(_) => Needs::Labels,
            Reading::Template(t) => t.needs(),
        }
    }
}

/// The annotations of an alert, and what they were written of.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) annotations: Annotations,
    /// The value that they were written for.
    pub(crate) value: f64,
    /// The series; `None` when they hang on more than its labels and value, or one of them failed.
    pub(crate) of: Option<NonZeroU64>,
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
        let mut labels: Vec<(String, Reading)> = spec.labels.iter().map(one).collect();
        labels.retain(|(name, _)| name != ALERT_NAME);
        labels.push((ALERT_NAME.to_owned(), Reading::Fixed(spec.name.clone())));
        if labels.iter().all(|(name, _)| name != METRIC_NAME) {
            labels.push((METRIC_NAME.to_owned(), Reading::Fixed(String::new())));
        }
        labels.sort_by(|a, b| a.0.cmp(&b.0));
        let plain = annotations.iter().all(|(_, text)| !text.contains("{{"));
        let plain = plain.then(|| annotations.iter().cloned().collect());
        let annotations: Vec<(String, Reading)> = annotations.iter().map(one).collect();
        let lasting = annotations.iter().all(|(_, text)| text.needs() < Needs::Moment);
        Texts { labels, annotations, plain, lasting, hasher: Default::default() }
    }

    /// The rule's own labels for a series, ascending by name.
    pub(crate) fn labels<'t>(
        &'t self,
        spec: &RuleSpec,
        data: &TemplateData<'_>,
        env: &Environment,
    ) -> Vec<(&'t str, Cow<'t, str>)> {
        self.labels.iter().map(|(name, text)| (name.as_str(), expand(spec, text, data, env).0)).collect()
    }

    /// The annotations for a series. `before` gives those of the last evaluation, when they were written of these texts and
    /// settings.
    pub(crate) fn annotations(
        &self,
        spec: &RuleSpec,
        data: &TemplateData<'_>,
        env: &Environment,
        before: impl FnOnce() -> Option<Written>,
    ) -> Written {
        let (value, is_float) = match data.value {
            SampleValue::Float(v) => (*v, true),
            SampleValue::Histogram(_) => (0.0, false),
        };
        if let Some(plain) = &self.plain {
            env.counters.count_expansions(plain.len(), 0);
            return Written { annotations: Arc::clone(plain), value, of: None };
        }
        let of = (self.lasting && is_float).then(|| self.series(data.labels));
        let before = of.and_then(|_| before()).filter(|b| b.of == of);
        if let Some(b) = before.as_ref().filter(|b| b.value.to_bits() == value.to_bits()) {
            env.counters.count_expansions(self.annotations.len(), 0);
            return b.clone();
        }
        let mut failed = false;
        let mut kept = 0;
        let annotations = self.annotations.iter().enumerate().map(|(i, (name, text))| {
            let same = before.as_ref().filter(|_| text.needs() == Needs::Labels);
            if let Some(same) = same.and_then(|b| b.annotations.get(i)) {
                kept += 1;
                return same.clone();
            }
            let (text, wrong) = expand(spec, text, data, env);
            failed |= wrong;
            (name.clone(), text.into_owned())
        });
        let annotations = annotations.collect();
        env.counters.count_expansions(kept, 0);
        Written { annotations, value, of: of.filter(|_| !failed) }
    }

    /// A number for the labels of a series.
    fn series(&self, labels: &Labels) -> NonZeroU64 {
        NonZeroU64::MIN.saturating_add(self.hasher.hash_one(labels))
    }
}

/// A text with its templates expanded, and whether that failed; an error stands in its place and keeps nothing back.
fn expand<'a>(
    spec: &RuleSpec,
    text: &'a Reading,
    data: &TemplateData<'_>,
    env: &Environment,
) -> (Cow<'a, str>, bool) {
    let template = match text {
        Reading::Fixed(text) => return (Cow::Borrowed(text), false),
        Reading::Plain(text) => {
            env.counters.count_expansions(1, 0);
            return (Cow::Borrowed(text), false);
        }
        Reading::Template(t) => t,
    };
    let mut query = |q: &str, at_ms: i64| env.template_query(q, at_ms);
    let expanded = template.expand(data, &mut query);
    env.counters.count_expansions(1, usize::from(expanded.is_err()));
    let failed = expanded.is_err();
    let text = expanded.unwrap_or_else(|e| {
        tracing::warn!(alert = spec.name, err = e.as_str(), "Expanding alert template failed");
        format!("<error expanding template: {e}>")
    });
    (Cow::Owned(text), failed)
}
