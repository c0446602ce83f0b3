//! Whom alerts are told to.

use std::sync::Arc;
use tortie_model::Labels;

/// One alert as whoever notifies people gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Labels that tell the alert from all others, without the external labels of the server.
    pub labels: Labels,
    /// Texts for people, expanded, ascending by name; values may be empty.
    pub annotations: Arc<[(String, String)]>,
    /// When it began to fire, milliseconds since the epoch.
    pub starts_at_ms: i64,
    /// When it was resolved, or until when it counts as firing if no newer notice comes: 4 times the longer of interval
    /// and resend delay after the evaluation.
    pub ends_at_ms: i64,
    /// Whether it was resolved.
    pub resolved: bool,
    /// Page that shows the expression.
    pub generator_url: Arc<str>,
}

/// Takes notices. It must not block: evaluation waits for it.
pub trait Notify: Send + Sync {
    /// Takes the notices of one rule's evaluation, never empty.
    fn notify(&self, alerts: Vec<Notice>);
}

/// Tells nobody.
pub struct Nobody;

impl Notify for Nobody {
    fn notify(&self, _: Vec<Notice>) {}
}
