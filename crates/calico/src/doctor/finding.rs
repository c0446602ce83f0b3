//! What the doctor found: the cause, its place, what it explains, and how it is mended.

use crate::doctor::entity::Entity;
use crate::doctor::fix::Fix;
use crate::doctor::nearest::Candidate;
use crate::doctor::verdict::{Confidence, Level};
use tortie_cluster::object::{Object, ObjectRef};

/// The broken thing itself.
#[derive(Debug, Clone, Default)]
pub struct Cause {
    /// The object; none for what is no object (a process, a right).
    pub object: Option<ObjectRef>,
    /// The field, as people write it: `spec.endpoints[0].port`.
    pub path: String,
    /// What stands there.
    pub have: String,
    /// File, line, column and the line's text, when the object came from a file.
    pub place: Option<Place>,
    /// What may have been meant.
    pub candidates: Vec<Candidate>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// The line.
    pub text: String,
}

/// One line of a finding: what, its value, a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `endpoints[0].port`, or an object's name for a heading.
    pub label: String,
    /// Its value; empty makes the row a heading.
    pub value: String,
    /// Shown behind an arrow.
    pub remark: String,
}

/// A finding as a check makes it; the engine adds what it explains and what comes next.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Id of the check: `T507`.
    pub id: &'static str,
    /// Its slug.
    pub slug: &'static str,
    /// How bad.
    pub level: Level,
    /// How sure.
    pub confidence: Confidence,
    /// One sentence without a full stop.
    pub title: String,
    /// The cause.
    pub cause: Cause,
    /// The evidence, laid out.
    pub rows: Vec<Row>,
    /// How to mend it.
    pub fix: Option<Fix>,
    /// What not to do, or what else to know: one sentence.
    pub warning: String,
    /// All entities it was found at.
    pub entities: Vec<Entity>,
    /// Ids of checks whose failures follow from it.
    pub explains: Vec<&'static str>,
    /// What will fail once it is mended.
    pub next: Vec<Next>,
}

/// A break that another hides.
#[derive(Debug, Clone)]
pub struct Next {
    /// Id of its check.
    pub id: &'static str,
    /// One sentence without a full stop.
    pub title: String,
    /// How to mend it: both can be mended in one go.
    pub fix: Option<Fix>,
}

impl Next {
    pub(super) fn of(id: &'static str, finding: Option<&Finding>) -> Next {
        let title = finding.map(|f| f.title.clone()).unwrap_or_default();
        Next { id, title, fix: finding.and_then(|f| f.fix.clone()) }
    }
}

impl Finding {
    /// Begins a finding; the check's id, slug and level are set by the engine's caller through [`super::check::Check`].
    pub fn new(title: impl Into<String>) -> Finding {
        Finding {
            id: "",
            slug: "",
            level: Level::Fail,
            confidence: Confidence::Certain,
            title: title.into(),
            cause: Cause::default(),
            rows: Vec::new(),
            fix: None,
            warning: String::new(),
            entities: Vec::new(),
            explains: Vec::new(),
            next: Vec::new(),
        }
    }

    /// Names the cause: an object and the field in it. `pointer` is the JSON pointer (`/spec/endpoints/0/port`).
    #[must_use]
    pub fn cause(mut self, object: &Object, pointer: &str) -> Finding {
        self.cause.object = Some(object.reference());
        self.cause.path = written(pointer);
        self.cause.have = object.at(pointer).map(value_text).unwrap_or_default();
        self.cause.place = place(object, pointer);
        self
    }

    /// Names the cause when only the object's name is known (slim objects).
    #[must_use]
    pub fn cause_ref(mut self, object: ObjectRef, path: &str, have: impl Into<String>) -> Finding {
        self.cause.object = Some(object);
        self.cause.path = path.to_owned();
        self.cause.have = have.into();
        self
    }

    /// What may have been meant.
    #[must_use]
    pub fn candidates(mut self, candidates: Vec<Candidate>) -> Finding {
        self.cause.candidates = candidates;
        self
    }

    /// Adds a heading among the evidence.
    #[must_use]
    pub fn heading(self, text: impl Into<String>) -> Finding {
        self.row(text, "", "")
    }

    /// Adds a line of evidence.
    #[must_use]
    pub fn row(
        mut self,
        label: impl Into<String>,
        value: impl Into<String>,
        remark: impl Into<String>,
    ) -> Finding {
        self.rows.push(Row { label: label.into(), value: value.into(), remark: remark.into() });
        self
    }

    /// Says how it is mended.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Finding {
        self.fix = Some(fix);
        self
    }

    /// Adds a warning.
    #[must_use]
    pub fn warning(mut self, text: impl Into<String>) -> Finding {
        self.warning = text.into();
        self
    }

    /// Says how sure it is.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Finding {
        self.confidence = confidence;
        self
    }

    /// A stable name of this very finding: id, cause object, path and value; `--baseline` compares it. 16 hex digits.
    pub fn fingerprint(&self) -> String {
        let object = self.cause.object.as_ref().map(ToString::to_string).unwrap_or_default();
        // FNV-1a, 64 bits: no secrecy needed, only that it never changes between versions.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for part in [self.id, &object, &self.cause.path, &self.cause.have] {
            for byte in part.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        format!("{hash:016x}")
    }
}

/// `/spec/endpoints/0/port` as people write it: `spec.endpoints[0].port`.
pub fn written(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').filter(|p| !p.is_empty()) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|b| b.is_ascii_digit()) {
            out.push_str(&format!("[{part}]"));
        } else if part.contains(['.', '/']) {
            out.push_str(&format!("[\"{part}\"]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&part);
        }
    }
    out
}

/// Where the field stands in its file, when the object came from one.
pub fn place(object: &Object, pointer: &str) -> Option<Place> {
    let origin = object.origin.as_ref()?;
    let (line, column) = origin.position(pointer)?;
    Some(Place {
        file: origin.file.to_string(),
        line,
        column,
        text: origin.line_text(line).unwrap_or_default(),
    })
}

fn value_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::written;

    #[test]
    fn paths_are_written_as_people_do() {
        #[track_caller]
        fn check(pointer: &str, expect: &str) {
            assert_eq!(written(pointer), expect);
        }
        check("/spec/endpoints/0/port", "spec.endpoints[0].port");
        check("/metadata/labels/app.kubernetes.io~1name", "metadata.labels[\"app.kubernetes.io/name\"]");
        check("", "");
    }
}
