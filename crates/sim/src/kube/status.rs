//! `Status`: how the API server says no.

use serde_json::{Value, json};

/// One cause in a Status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    pub reason: &'static str,
    pub message: String,
    pub field: String,
}

impl Cause {
    /// `Invalid value: SHOWN: WHY`.
    pub(crate) fn invalid(field: &str, shown: &str, why: &str) -> Cause {
        let message = if why.is_empty() {
            format!("Invalid value: {shown}")
        } else {
            format!("Invalid value: {shown}: {why}")
        };
        Cause { reason: "FieldValueInvalid", message, field: field.to_owned() }
    }

    /// The same for a value of the wrong type.
    pub(crate) fn type_invalid(field: &str, shown: &str, why: &str) -> Cause {
        Cause { reason: "FieldValueTypeInvalid", ..Cause::invalid(field, shown, why) }
    }

    /// `Required value`, with a reason or without.
    pub(crate) fn required(field: &str, why: &str) -> Cause {
        let message =
            if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Cause { reason: "FieldValueRequired", message, field: field.to_owned() }
    }

    fn json(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

/// What was asked for, as the details of a Status name it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject {
    pub group: String,
    /// Plural, or the kind for 422.
    pub resource: String,
    pub kind: String,
    pub name: String,
}

impl Subject {
    /// `servicemonitors.monitoring.coreos.com`, `services`.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.resource.clone()
        } else {
            format!("{}.{}", self.resource, self.group)
        }
    }

    /// `ServiceMonitor.monitoring.coreos.com`, `Service`.
    pub(crate) fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// The same with its kind where refusals otherwise have the resource, as a deletion's precondition does.
    pub(crate) fn by_kind(self) -> Subject {
        Subject { resource: self.kind.clone(), ..self }
    }

    fn details(&self, kind: &str) -> Value {
        let mut d = json!({});
        if !self.name.is_empty() {
            d["name"] = self.name.clone().into();
        }
        if !self.group.is_empty() {
            d["group"] = self.group.clone().into();
        }
        if !kind.is_empty() {
            d["kind"] = kind.into();
        }
        d
    }
}

/// A refusal.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Option<Value>,
}

impl Refusal {
    /// A refusal without details.
    pub(crate) fn plain(code: u16, reason: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { code, reason, message: message.into(), details: None }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Refusal {
        Refusal::plain(400, "BadRequest", message)
    }

    pub(crate) fn not_found(s: &Subject) -> Refusal {
        Refusal::about(404, "NotFound", format!("{} {:?} not found", s.qualified(), s.name), s)
    }

    pub(crate) fn already_exists(s: &Subject) -> Refusal {
        Refusal::about(409, "AlreadyExists", format!("{} {:?} already exists", s.qualified(), s.name), s)
    }

    /// The object was changed since it was read, or is another one.
    pub(crate) fn conflict(s: &Subject, why: &str) -> Refusal {
        let message = format!("Operation cannot be fulfilled on {} {:?}: {why}", s.qualified(), s.name);
        Refusal::about(409, "Conflict", message, s)
    }

    pub(crate) fn changed(s: &Subject) -> Refusal {
        Refusal::conflict(
            s,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn about(code: u16, reason: &'static str, message: String, s: &Subject) -> Refusal {
        Refusal { code, reason, message, details: Some(s.details(&s.resource)) }
    }

    /// 422 with its causes.
    pub(crate) fn invalid(s: &Subject, causes: &[Cause]) -> Refusal {
        let mut shown: Vec<String> = Vec::new();
        for c in causes {
            let one = format!("{}: {}", c.field, c.message);
            // The text says each only once, the causes do not.
            if !shown.contains(&one) {
                shown.push(one);
            }
        }
        let all = match &shown[..] {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let kind = s.qualified_kind();
        let mut details = s.details(&s.kind);
        details["causes"] = causes.iter().map(Cause::json).collect();
        Refusal {
            code: 422,
            reason: "Invalid",
            message: format!("{kind} {:?} is invalid: {all}", s.name),
            details: Some(details),
        }
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Value {
        let mut v = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
        });
        if !self.reason.is_empty() {
            v["reason"] = self.reason.into();
        }
        if let Some(d) = &self.details {
            v["details"] = d.clone();
        }
        v["code"] = self.code.into();
        v
    }
}
