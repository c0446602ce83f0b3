//! Labels and annotations of alerts.

use crate::error::{Error, ErrorKind};
use crate::exec::{self, Given, Job};
use crate::functions::{Context, Function, PROMETHEUS, find};
use crate::limits::{Limits, Meter};
use crate::needs::{self, Needs, Reads};
use crate::parse::{self, Trees};
use crate::query::Query;
use crate::value::{Struct, Value};
use std::sync::Arc;
use tortie_model::Labels;

/// What Prometheus puts before every text, so that `$labels` and its kin are there.
const PROLOGUE: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                        {{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// Steps that the prologue takes when it is executed.
const GIVEN_STEPS: u64 = 16;

const TABLES: &[&[Function]] = &[PROMETHEUS];

/// What the text of an alert is about.
#[derive(Debug, Clone)]
pub struct Data<'a> {
    /// Labels of the series, metric name included.
    pub labels: &'a Labels,
    /// `external_labels` of the configuration.
    pub external_labels: &'a Labels,
    /// `--web.external-url`.
    pub external_url: &'a str,
    /// The sample's value: [`Value::Float`], or a histogram as a [`Value::Object`].
    pub value: Value,
}

/// A parsed text of an alert; any number of alerts may be written with it.
pub struct Text {
    name: String,
    /// With the prologue.
    text: String,
    /// None for a text without actions.
    trees: Option<(Trees, Reads)>,
    limits: Limits,
}

impl Text {
    /// Parses `text`; `name` stands in messages (Prometheus takes `__alert_` and the alert's name).
    ///
    /// # Errors
    /// When the text is no template: the message is that of `promtool check rules`.
    pub fn parse(name: &str, text: &str, limits: &Limits) -> Result<Text, Error> {
        let whole = format!("{PROLOGUE}{text}");
        let trees = match text.contains("{{") {
            true => {
                let trees = parse::parse(name, &whole, &|f| find(TABLES, f).is_some(), limits.depth)?;
                let reads = needs::of(&trees, PROLOGUE.len());
                Some((trees, reads))
            }
            false => None,
        };
        Ok(Text { name: name.to_owned(), text: whole, trees, limits: *limits })
    }

    /// What must stay the same for the text of an alert to stay the same, whether it is written or fails.
    pub fn needs(&self) -> Needs {
        self.trees.as_ref().map_or(Needs::Labels, |(_, reads)| reads.needs)
    }

    /// Writes the text for one alert at `now` (milliseconds).
    ///
    /// # Errors
    /// When a function fails, a value is of the wrong type or a limit is reached. [`Error::message`] is what Prometheus
    /// says: see [`annotation`].
    pub fn expand(&self, data: &Data<'_>, query: &mut dyn Query, now: i64) -> Result<String, Error> {
        let Some((trees, reads)) = &self.trees else {
            return Ok(self.text.get(PROLOGUE.len()..).unwrap_or("").to_owned());
        };
        let context = Context { query, now, external_url: data.external_url, meter: Meter::new(self.limits) };
        // Where there are too few steps for it, the prologue says so itself.
        let is_given = self.limits.steps > 4 * GIVEN_STEPS;
        let given = is_given.then(|| Given {
            until: PROLOGUE.len(),
            steps: GIVEN_STEPS,
            variables: data.variables(),
        });
        let job = Job { name: &self.name, text: &self.text, trees, functions: TABLES, context };
        let dot = if reads.dot || !is_given { data.value() } else { Value::Invalid };
        exec::run(job, &dot, given)
    }
}

impl Data<'_> {
    /// What the prologue makes of it.
    fn variables(&self) -> [(&'static str, Value); 4] {
        [
            ("$labels", Value::Labels(self.labels.clone())),
            ("$externalLabels", Value::Labels(self.external_labels.clone())),
            ("$externalURL", Value::text(self.external_url)),
            ("$value", self.value.clone()),
        ]
    }

    fn value(&self) -> Value {
        Value::Struct(Arc::new(Struct {
            type_name: "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; \
                        Value interface {} }",
            fields: vec![
                ("Labels", Value::Labels(self.labels.clone())),
                ("ExternalLabels", Value::Labels(self.external_labels.clone())),
                ("ExternalURL", Value::text(self.external_url)),
                ("Value", Value::Any(Box::new(self.value.clone()))),
            ],
        }))
    }
}

/// Parses and writes `text` for one alert; errors carry Prometheus' words in front.
///
/// # Errors
/// When the text is no template, a function fails, a value is of the wrong type or a limit is reached.
pub fn expand(
    name: &str,
    text: &str,
    data: &Data<'_>,
    query: &mut dyn Query,
    now: i64,
    limits: &Limits,
) -> Result<String, Error> {
    let expanded = Text::parse(name, text, limits).and_then(|t| t.expand(data, query, now));
    expanded.map_err(|e| worded(name, e))
}

/// The label or annotation of one alert: the expanded text, or what went wrong in its place.
pub fn annotation(expanded: Result<String, Error>) -> String {
    expanded.unwrap_or_else(|e| format!("<error expanding template: {e}>"))
}

/// `error` with the words that Prometheus puts before it in `name`'s annotation.
pub fn worded(name: &str, mut error: Error) -> Error {
    let doing = if error.column.is_none() && error.kind != ErrorKind::Exec { "parsing" } else { "executing" };
    error.message = format!("error {doing} template {name}: {}", error.message);
    error
}

/// Looks whether `text` is a template with Go's own functions alone, as `template.New(name).Parse` does.
///
/// # Errors
/// The first thing that is wrong, in Go's words.
pub fn check_plain(name: &str, text: &str, limits: &Limits) -> Result<(), Error> {
    parse::parse(name, text, &|f| find(&[], f).is_some(), limits.depth).map(|_| ())
}

/// Looks whether `text` is a template, as rule files are checked.
///
/// # Errors
/// The first thing that is wrong, in Prometheus' words.
pub fn check(name: &str, text: &str, limits: &Limits) -> Result<(), Error> {
    Text::parse(name, text, limits).map(|_| ())
}
