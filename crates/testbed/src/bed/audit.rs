//! The API server's audit log.

use std::io::Read;

use anyhow::Context;
use serde_json::Value;

use super::Bed;

/// One request that the API server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Who asked.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, ….
    pub verb: String,
    /// API group, empty for the core.
    pub group: String,
    /// Resource with its subresource, such as `pods/portforward`; empty for requests that are not for resources.
    pub resource: String,
    /// Namespace, empty for none.
    pub namespace: String,
    /// Name, empty for lists.
    pub name: String,
    /// The request's path with its parameters.
    pub uri: String,
    /// Status of the answer.
    pub code: i64,
    /// `User-Agent`.
    pub agent: String,
}

impl AuditEvent {
    /// Whether it is one of the verbs that change nothing, or a review, which is created and leaves nothing.
    pub fn is_read(&self) -> bool {
        matches!(self.verb.as_str(), "get" | "list" | "watch") || self.resource.ends_with("reviews")
    }

    fn read(v: &Value) -> AuditEvent {
        let text = |pointer: &str| v.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (resource, sub) = (text("/objectRef/resource"), text("/objectRef/subresource"));
        AuditEvent {
            user: text("/user/username"),
            verb: text("/verb"),
            group: text("/objectRef/apiGroup"),
            resource: if sub.is_empty() { resource } else { format!("{resource}/{sub}") },
            namespace: text("/objectRef/namespace"),
            name: text("/objectRef/name"),
            uri: text("/requestURI"),
            code: v.pointer("/responseStatus/code").and_then(Value::as_i64).unwrap_or(0),
            agent: text("/userAgent"),
        }
    }
}

impl Bed {
    /// The requests so far, but for those of the bed itself (user `bed`) and of the control plane.
    ///
    /// # Errors
    /// When the bed has no audit log.
    pub fn audit_events(&self) -> anyhow::Result<Vec<AuditEvent>> {
        self.audit_events_since(0).map(|(events, _)| events)
    }

    /// The requests after byte `mark` of the log, and the mark behind them.
    ///
    /// # Errors
    /// When the bed has no audit log.
    pub fn audit_events_since(&self, mark: u64) -> anyhow::Result<(Vec<AuditEvent>, u64)> {
        let path = self.folder().join("audit.log");
        let mut file = std::fs::File::open(&path)
            .context("this bed has no audit log (hint: start it with `audit: true`)")?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(mark))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let mut events = Vec::new();
        for line in text.get(..whole).unwrap_or_default().lines() {
            events.push(AuditEvent::read(&serde_json::from_str(line)?));
        }
        Ok((events, mark + whole as u64))
    }
}
