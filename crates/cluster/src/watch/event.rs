//! What a watch says, a line at a time.

use super::Watched;
use crate::client::Status;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// One event.
#[derive(Debug, PartialEq)]
pub(super) enum Event<T> {
    /// The object is new or other.
    Put(T),
    /// The object is gone; this was its last state.
    Gone(T),
    /// Nothing happened up to this version.
    Bookmark(String),
    /// The API server does not go on.
    Failed {
        /// Its HTTP status.
        code: u16,
        /// Its words.
        message: String,
        /// How many seconds to wait, when it says.
        wait: Option<u64>,
    },
    /// A kind of event that is not known.
    Unknown(String),
}

#[derive(Deserialize)]
struct Kind {
    r#type: String,
    #[serde(rename = "object")]
    _object: IgnoredAny,
}

#[derive(Deserialize)]
struct Object<T> {
    object: T,
}

#[derive(Deserialize)]
struct Marked {
    metadata: Mark,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    resource_version: String,
}

impl<T: Watched> Event<T> {
    /// Reads a line.
    pub(super) fn read(line: &[u8]) -> Result<Event<T>, serde_json::Error> {
        let kind: Kind = serde_json::from_slice(line)?;
        Ok(match kind.r#type.as_str() {
            "ADDED" | "MODIFIED" => Event::Put(object(line)?),
            "DELETED" => Event::Gone(object(line)?),
            "BOOKMARK" => Event::Bookmark(object::<Marked>(line)?.metadata.resource_version),
            "ERROR" => {
                let status: Status = object(line)?;
                let wait = status.details.as_ref().and_then(|d| d.retry_after_seconds);
                Event::Failed { code: status.code, message: status.message, wait }
            }
            _ => Event::Unknown(kind.r#type),
        })
    }
}

fn object<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice::<Object<T>>(line).map(|o| o.object)
}

#[cfg(test)]
mod tests {
    use super::super::{Meta, Namespace};
    use super::*;

    #[test]
    fn events_are_read() {
        #[track_caller]
        #[allow(clippy::needless_pass_by_value)]
        fn check(line: &str, expect: Option<Event<Namespace>>) {
            assert_eq!(Event::read(line.as_bytes()).ok(), expect, "{line}");
        }
        let a = || Namespace { meta: Meta { name: "a".into(), ..Meta::default() } };
        check(r#"{"type":"ADDED","object":{"metadata":{"name":"a","x":1},"y":[]}}"#, Some(Event::Put(a())));
        check(
            r#"{"object":{"metadata":{"name":"a","labels":null}},"type":"MODIFIED"}"#,
            Some(Event::Put(a())),
        );
        check(r#"{"type":"DELETED","object":{"metadata":{"name":"a"}}}"#, Some(Event::Gone(a())));
        check(
            r#"{"type":"BOOKMARK","object":{"kind":"Namespace","metadata":{"resourceVersion":"7"}}}"#,
            Some(Event::Bookmark("7".to_owned())),
        );
        check(r#"{"type":"BOOKMARK","object":{"metadata":{}}}"#, None);
        check(
            r#"{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old","details":{"retryAfterSeconds":2}}}"#,
            Some(Event::Failed { code: 410, message: "too old".to_owned(), wait: Some(2) }),
        );
        check(r#"{"type":"SYNC","object":{}}"#, Some(Event::Unknown("SYNC".to_owned())));
        check(r#"{"type":"ADDED","object":{"metadata":{"name":7}}}"#, None);
        check(r#"{"type":"ADDED","obj"#, None);
    }
}
