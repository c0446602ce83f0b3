//! One alert as an Alertmanager gets it.

use std::sync::Arc;
use tortie_model::Labels;

/// An alert's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// What tells it from all others.
    pub labels: Labels,
    /// Texts for people, ascending by name; values may be empty.
    pub annotations: Arc<[(String, String)]>,
    /// When it began to fire, milliseconds since the epoch.
    pub starts_at_ms: i64,
    /// When it was resolved, or until when it counts as firing when nothing newer comes.
    pub ends_at_ms: i64,
    /// Whether it was resolved.
    pub resolved: bool,
    /// Page that shows its expression.
    pub generator_url: Arc<str>,
}

/// Knows all alerts that are to be told of.
pub trait Source: Send + Sync {
    /// Visits those that were told of lately, in the state of then, until `visit` says false.
    fn each(&self, visit: &mut dyn FnMut(Alert) -> bool);
}

impl Alert {
    /// The alert with other labels.
    pub(crate) fn with_labels(&self, labels: Labels) -> Alert {
        Alert { labels, ..self.clone() }
    }
}
