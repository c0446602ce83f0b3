//! Lists, read page by page: thousands of pods are never held as JSON values.

use super::error::ReadError;
use super::request::Call;
use super::{Cluster, Resource};
use crate::object::{EndpointSlice, Namespace, Node, Object, Pod, Service};
use crate::slim::Slim;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Which objects, and how many at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOptions {
    /// A label selector as kubectl's `-l` takes it.
    pub labels: Option<String>,
    /// A field selector as kubectl's `--field-selector` takes it.
    pub fields: Option<String>,
    /// Objects a page.
    pub page: u32,
    /// Most objects altogether; more are an error.
    pub most: usize,
}

impl Default for ListOptions {
    fn default() -> ListOptions {
        ListOptions { labels: None, fields: None, page: 500, most: 500_000 }
    }
}

impl ListOptions {
    /// All that meet a label selector.
    pub fn labelled(selector: &(impl std::fmt::Display + ?Sized)) -> ListOptions {
        ListOptions { labels: Some(selector.to_string()).filter(|s| !s.is_empty()), ..ListOptions::default() }
    }
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMeta,
    // `null` for an empty list.
    items: Option<Vec<T>>,
}

#[derive(Deserialize, Default)]
struct PageMeta {
    #[serde(default)]
    r#continue: Option<String>,
}

impl Cluster {
    /// All objects of a kind, in one namespace or in all.
    ///
    /// # Errors
    /// As [`ReadError`] says. A list that expires while it is read is begun anew once.
    pub async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<Vec<Object>, ReadError> {
        let path = resource.path(namespace, None);
        let values: Vec<Value> = self.pages(&path, &resource.full_name(), namespace, options).await?;
        values
            .into_iter()
            .map(|v| Object::parse(resource.with_kind(v)).map_err(ReadError::malformed))
            .collect()
    }

    /// Pods, in one namespace or in all.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn list_pods(
        &self,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<Vec<Pod>, ReadError> {
        self.slim(namespace, options).await
    }

    /// Services, in one namespace or in all.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn list_services(
        &self,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<Vec<Service>, ReadError> {
        self.slim(namespace, options).await
    }

    /// EndpointSlices, in one namespace or in all.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn list_endpoint_slices(
        &self,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<Vec<EndpointSlice>, ReadError> {
        self.slim(namespace, options).await
    }

    /// Nodes.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn list_nodes(&self, options: &ListOptions) -> Result<Vec<Node>, ReadError> {
        self.slim(None, options).await
    }

    /// Namespaces.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn list_namespaces(&self, options: &ListOptions) -> Result<Vec<Namespace>, ReadError> {
        self.slim(None, options).await
    }

    async fn slim<T: Slim>(
        &self,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<Vec<T>, ReadError> {
        let (path, plural) = (T::PATH, T::PLURAL);
        let path = match namespace {
            Some(n) => format!("{path}/namespaces/{n}/{plural}"),
            None => format!("{path}/{plural}"),
        };
        self.pages(&path, &T::full_name(), namespace, options).await
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        namespace: Option<&str>,
        options: &ListOptions,
    ) -> Result<Vec<T>, ReadError> {
        let mut expired = false;
        let (mut all, mut from) = (Vec::new(), None::<String>);
        loop {
            let mut call = Call::get(path)
                .about("list", what, namespace, None)
                .query("limit", &options.page.to_string());
            if let Some(labels) = &options.labels {
                call = call.query("labelSelector", labels);
            }
            if let Some(fields) = &options.fields {
                call = call.query("fieldSelector", fields);
            }
            if let Some(token) = &from {
                call = call.query("continue", token);
            }
            match self.call(call).await {
                Ok(answer) => {
                    let page: Page<T> = answer.json()?;
                    all.extend(page.items.unwrap_or_default());
                    if all.len() > options.most {
                        let message = format!("it has more than {} objects", options.most);
                        return Err(ReadError::Malformed { what: format!("list {what}"), message });
                    }
                    match page.metadata.r#continue.filter(|c| !c.is_empty()) {
                        // A server that gives the same token again would be asked for ever.
                        Some(next) if from.as_ref() == Some(&next) => {
                            let message = "the token of the next page does not change".to_owned();
                            return Err(ReadError::Malformed { what: format!("list {what}"), message });
                        }
                        Some(next) => from = Some(next),
                        None => return Ok(all),
                    }
                }
                Err(ReadError::Gone { .. }) if from.is_some() && !expired => {
                    expired = true;
                    all.clear();
                    from = None;
                }
                Err(e) => return Err(e),
            }
        }
    }
}
