//! What the user may do, asked of the server by access reviews.

use super::Cluster;
use super::error::ReadError;
use super::request::Call;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Method;
use serde::Deserialize;
use serde_json::json;
use std::fmt;

/// How many reviews are under way at once.
const AT_ONCE: usize = 8;

/// One thing to be done. `Display` is what `kubectl auth can-i` takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Access {
    /// The verb, such as `list`.
    pub verb: String,
    /// The group; empty for the core group.
    pub group: String,
    /// Plural name.
    pub resource: String,
    /// Subresource, such as `portforward`; mostly empty.
    pub subresource: String,
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
    /// The object; `None` for all.
    pub name: Option<String>,
}

impl Access {
    /// To do `verb` with all of a resource (`pods`, `pods/log`) of a group.
    pub fn new(verb: &str, group: &str, resource: &str) -> Access {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        Access {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            ..Access::default()
        }
    }

    /// The same within one namespace.
    #[must_use]
    pub fn within(mut self, namespace: &str) -> Access {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// The same for one object.
    #[must_use]
    pub fn named(mut self, name: &str) -> Access {
        self.name = Some(name.to_owned());
        self
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, "/{name}")?;
        }
        if !self.subresource.is_empty() {
            write!(f, " --subresource={}", self.subresource)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " -n {namespace}"),
            None => write!(f, " -A"),
        }
    }
}

impl Cluster {
    /// Whether the user may do each of these, in their order.
    ///
    /// # Errors
    /// As [`ReadError`] says, of the first review that fails.
    pub async fn review(&self, wanted: &[Access]) -> Result<Vec<bool>, ReadError> {
        #[derive(Deserialize)]
        struct Review {
            status: Verdict,
        }
        #[derive(Deserialize)]
        struct Verdict {
            #[serde(default)]
            allowed: bool,
        }
        const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let calls: Vec<Call> = wanted
            .iter()
            .map(|a| {
                let body = json!({
                    "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                    "spec": {"resourceAttributes": {
                        "verb": a.verb, "group": a.group, "resource": a.resource, "subresource": a.subresource,
                        "namespace": a.namespace.as_deref().unwrap_or(""), "name": a.name.as_deref().unwrap_or(""),
                    }},
                });
                Call::with_body(Method::POST, PATH, "application/json", body.to_string().into_bytes()).about(
                    "create",
                    "selfsubjectaccessreviews.authorization.k8s.io",
                    None,
                    None,
                )
            })
            .collect();
        stream::iter(calls)
            .map(|call| async move { Ok(self.call(call).await?.json::<Review>()?.status.allowed) })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }
}
