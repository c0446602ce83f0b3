//! A cluster and what the operator made of it, as rows look at it.

use serde_json::Value;

/// A cluster with its outcome.
pub(crate) struct View<'a> {
    objects: &'a [Value],
    answer: &'a Value,
    nothing: Value,
}

impl<'a> View<'a> {
    /// Of the cluster given to the operator's generator and its answer.
    pub(crate) fn new(cluster: &'a Value, answer: &'a Value) -> View<'a> {
        let objects = cluster["objects"].as_array().map_or(&[][..], Vec::as_slice);
        View { objects, answer, nothing: Value::Null }
    }

    /// The Prometheus object's `spec`, at a pointer.
    pub(super) fn spec(&self, pointer: &str) -> &Value {
        let own = self.objects.iter().find(|o| o["kind"] == "Prometheus");
        own.and_then(|p| p["spec"].pointer(pointer)).unwrap_or(&self.nothing)
    }

    /// Whether the Prometheus object has something there.
    pub(super) fn has(&self, pointer: &str) -> bool {
        is(self.spec(pointer))
    }

    /// Objects of a kind, whatever became of them.
    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter(move |o| o["kind"] == kind)
    }

    /// Objects of a kind that the operator accepted, when it made a configuration at all.
    pub(super) fn accepted(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.of_kind(kind)
            .filter(move |o| self.made() && self.verdict(kind, o).is_some_and(|v| v["accepted"] == true))
    }

    /// Whether an accepted object of the kind has that in its `spec`.
    pub(super) fn any(&self, kind: &'static str, holds: impl Fn(&Value) -> bool) -> bool {
        self.accepted(kind).any(|o| holds(&o["spec"]))
    }

    /// Whether an accepted object of the kind has such an endpoint: its `spec` and the endpoint.
    pub(super) fn endpoint(&self, kind: &'static str, holds: impl Fn(&Value, &Value) -> bool) -> bool {
        let list = if kind == "PodMonitor" { "podMetricsEndpoints" } else { "endpoints" };
        self.accepted(kind).any(|o| {
            let spec = &o["spec"];
            spec[list].as_array().into_iter().flatten().any(|e| holds(spec, e))
        })
    }

    fn verdict(&self, kind: &str, object: &Value) -> Option<&Value> {
        let meta = &object["metadata"];
        let key = format!("{}/{}", meta["namespace"].as_str()?, meta["name"].as_str()?);
        self.verdicts().find(|v| v["kind"] == kind && v["key"] == key.as_str())
    }

    fn verdicts(&self) -> impl Iterator<Item = &Value> {
        self.answer["verdicts"].as_array().into_iter().flatten()
    }

    /// Whether an object was refused with these words among others.
    pub(super) fn refused(&self, words: &str) -> bool {
        self.verdicts()
            .any(|v| v["accepted"] == false && v["message"].as_str().is_some_and(|m| m.contains(words)))
    }

    /// Whether all failed, with these words among others.
    pub(super) fn fails(&self, words: &str) -> bool {
        self.answer["error"].as_str().is_some_and(|e| e.contains(words))
    }

    /// Whether there is a configuration.
    pub(super) fn made(&self) -> bool {
        self.answer["error"].is_null()
    }

    /// Whether the configuration has these characters.
    pub(super) fn written(&self, text: &str) -> bool {
        self.answer["config"].as_str().is_some_and(|c| c.contains(text))
    }

    /// The class that a monitor has, by name or as the default.
    pub(super) fn class(&self, spec: &Value) -> &Value {
        let named = spec["scrapeClass"].as_str().filter(|n| !n.is_empty());
        let classes = self.spec("/scrapeClasses").as_array();
        let found = classes.into_iter().flatten().find(|c| match named {
            Some(n) => c["name"] == n,
            None => c["default"] == true,
        });
        found.unwrap_or(&self.nothing)
    }

    /// Whether something of any kind of monitor, with its class, was accepted.
    pub(super) fn with_class(&self, holds: impl Fn(&Value, &Value) -> bool) -> bool {
        ["ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig"]
            .into_iter()
            .any(|kind| self.any(kind, |spec| holds(spec, self.class(spec))))
    }
}

/// Whether a value is there: neither null nor empty.
pub(super) fn is(v: &Value) -> bool {
    match v {
        Value::Null => false,
        Value::String(s) => !s.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::Object(o) => !o.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// The text of a value that is one.
pub(super) fn text(v: &Value) -> &str {
    v.as_str().unwrap_or("")
}

/// The number of a value that is one.
pub(super) fn number(v: &Value) -> u64 {
    v.as_u64().unwrap_or(0)
}

/// Whether a selector has an expression with this operator.
pub(super) fn has_expression(selector: &Value, operator: &str) -> bool {
    selector["matchExpressions"].as_array().into_iter().flatten().any(|e| e["operator"] == operator)
}
