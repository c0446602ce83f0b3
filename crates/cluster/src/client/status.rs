//! `metav1.Status`, the body of every refusal of the API server.

use serde::Deserialize;

/// A refusal.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) kind: String,
    pub(crate) message: String,
    pub(crate) reason: String,
    pub(crate) code: u16,
    pub(crate) details: Option<Details>,
}

/// What a refusal is about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Details {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) causes: Option<Vec<Cause>>,
    pub(crate) retry_after_seconds: Option<u64>,
}

/// One cause of a refusal.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cause {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) field: String,
}

impl Status {
    /// Reads a body; `None` when it is no `Status`.
    pub(crate) fn parse(body: &[u8]) -> Option<Status> {
        serde_json::from_slice::<Status>(body).ok().filter(|s| s.kind == "Status")
    }

    /// Its causes.
    pub(crate) fn causes(&self) -> &[Cause] {
        self.details.as_ref().and_then(|d| d.causes.as_deref()).unwrap_or(&[])
    }
}
