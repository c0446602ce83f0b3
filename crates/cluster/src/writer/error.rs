//! Why a write was not made.

use super::conflict::{self, FieldConflict};
use crate::client::{Answer, Call, ReadError, Status, refusal as read_refusal};
use crate::object::ObjectRef;

/// Why a write was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// Others keep fields with other values; nothing was changed.
    #[error("{target}: {}", list(conflicts))]
    Conflict {
        /// The object.
        target: ObjectRef,
        /// The fields, as the server lists them.
        conflicts: Vec<FieldConflict>,
    },
    /// The object is not the one that was meant: it changed, or another one has its name.
    #[error("{target} changed in the meantime: {message}")]
    Changed {
        /// The object.
        target: ObjectRef,
        /// The server's words.
        message: String,
    },
    /// There is one of that name.
    #[error("{target} exists already")]
    Exists {
        /// The object.
        target: ObjectRef,
    },
    /// The server does not accept the content: a rule of the kind, an unknown field, a `test` that does not hold.
    #[error("{target} is not accepted: {message}")]
    Invalid {
        /// The object.
        target: ObjectRef,
        /// The server's words.
        message: String,
        /// Fields and what is wrong with each.
        causes: Vec<(String, String)>,
    },
    /// An admission webhook or policy said no.
    #[error("{target} was denied: {message}")]
    Denied {
        /// The object.
        target: ObjectRef,
        /// Its words.
        message: String,
    },
    /// As with reading: no right, not found, no answer. After [`ReadError::Timeout`] and [`ReadError::Unreachable`] the
    /// write may have been made.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ApplyError {
    /// Whether nobody knows if the write was made.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            ApplyError::Read(
                ReadError::Timeout { .. } | ReadError::Unreachable(_) | ReadError::Malformed { .. }
            )
        )
    }
}

fn list(conflicts: &[FieldConflict]) -> String {
    conflicts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What an answer that is no success means.
pub(super) fn refusal(call: &Call, answer: &Answer, target: &ObjectRef) -> ApplyError {
    let target = target.clone();
    let Some(status) = Status::parse(&answer.body) else {
        return ApplyError::Read(read_refusal(call, answer));
    };
    let causes = || status.causes().iter().map(|c| (c.field.clone(), c.message.clone())).collect();
    let message = status.message.clone();
    match (answer.status.as_u16(), status.reason.as_str()) {
        (409, "AlreadyExists") => ApplyError::Exists { target },
        (409, _) => match conflict::read(&status) {
            conflicts if conflicts.is_empty() => ApplyError::Changed { target, message },
            conflicts => ApplyError::Conflict { target, conflicts },
        },
        // Webhooks and policies choose their own status.
        (400..=499, _) if is_admission(&message) => ApplyError::Denied { target, message },
        // Rights are refused in these words alone; quota and admission plugins use the same status.
        (403, _) if !message.contains(" cannot ") => ApplyError::Denied { target, message },
        // A field that the kind does not have is an internal error to the server (seen with 1.36).
        (500, _) if message.starts_with("failed to create typed patch object") => {
            ApplyError::Invalid { target, message, causes: causes() }
        }
        (400 | 422, _) => ApplyError::Invalid { target, message, causes: causes() },
        _ => ApplyError::Read(read_refusal(call, answer)),
    }
}

fn is_admission(message: &str) -> bool {
    message.contains("admission webhook") || message.contains("ValidatingAdmissionPolicy")
}
