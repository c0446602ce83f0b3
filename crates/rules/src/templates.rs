//! Templates of alerts, by the crate `template`.

use crate::environment::{Template, TemplateData, TemplateQuery, Templates};
use std::sync::Arc;
use tortie_promql::eval::{Sample, SampleValue};
use tortie_template::{Data, Limits, Needs, Text, Value};

/// Go's templates as Prometheus has them.
#[derive(Debug, Default)]
pub struct GoTemplates {
    /// Bounds of one expansion.
    pub limits: Limits,
}

/// The name of an alert's templates in messages.
fn name_of(alert: &str) -> String {
    format!("__alert_{alert}")
}

/// Looks whether a text of the alert `alert` is a template.
///
/// # Errors
/// What is wrong, in Prometheus' words.
pub fn check(alert: &str, text: &str) -> Result<(), String> {
    tortie_template::check(&name_of(alert), text, &Limits::default()).map_err(|e| e.message)
}

impl Templates for GoTemplates {
    fn read(&self, alert: &str, text: &str) -> Box<dyn Template> {
        let name = name_of(alert);
        match Text::parse(&name, text, &self.limits) {
            Ok(text) => Box::new(Read { name, text }),
            Err(e) => Box::new(Broken(tortie_template::worded(&name, e).message)),
        }
    }
}

struct Read {
    name: String,
    text: Text,
}

/// A text that is no template: what is wrong with it.
struct Broken(String);

impl Template for Broken {
    fn expand(&self, _: &TemplateData<'_>, _: &mut TemplateQuery<'_>) -> Result<String, String> {
        Err(self.0.clone())
    }
}

impl Template for Read {
    fn expand(&self, data: &TemplateData<'_>, query: &mut TemplateQuery<'_>) -> Result<String, String> {
        let data_of_text = Data {
            labels: data.labels,
            external_labels: data.external_labels,
            external_url: data.external_url,
            value: value(data.value),
        };
        let mut ask = |expr: &str, at: i64| query(expr, at).map(|all| all.iter().map(sample).collect());
        let result = self.text.expand(&data_of_text, &mut ask, data.now_ms);
        result.map_err(|e| tortie_template::worded(&self.name, e).message)
    }

    fn needs(&self) -> Needs {
        self.text.needs()
    }
}

fn sample(s: &Sample) -> tortie_template::Sample {
    tortie_template::Sample { labels: s.labels.clone(), value: value(&s.v) }
}

fn value(v: &SampleValue) -> Value {
    match v {
        SampleValue::Float(v) => Value::Float(*v),
        SampleValue::Histogram(h) => Value::Object(Arc::new(tortie_template::Histogram {
            count: h.count,
            sum: h.sum,
            text: h.to_string(),
        })),
    }
}
