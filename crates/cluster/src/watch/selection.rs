//! Which objects are watched.

use super::objects::{
    Custom, EndpointSlice, Endpoints, Ingress, Job, Meta, Namespace, Node, Pod, ReplicaSet, Service,
};
use crate::client::Resource;
use serde::Deserialize;

/// An object that can be watched.
pub trait Watched: for<'de> Deserialize<'de> + PartialEq + Send + Sync + 'static {
    /// Its metadata.
    fn meta(&self) -> &Meta;

    /// The name of the one object, of its own namespace, under which it can be found again: the Service of an
    /// EndpointSlice.
    fn filed_under(&self) -> Option<&str> {
        None
    }
}

/// A kind with one place in the API, the same everywhere.
pub trait Standard: Watched {
    /// Group and version, as they stand in a path.
    const PATH: &'static str;
    /// Plural name.
    const PLURAL: &'static str;
}

/// The objects of a kind, of one namespace or of all, that meet selectors.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selection {
    /// Group and version, as they stand in a path: `/api/v1`, `/apis/discovery.k8s.io/v1`.
    pub path: String,
    /// Plural name of the kind.
    pub plural: String,
    /// The namespace; `None` for all, and for kinds of the whole cluster.
    pub namespace: Option<String>,
    /// A label selector, as kubectl's `-l` takes it; may be empty.
    pub labels: String,
    /// A field selector, as kubectl's `--field-selector` takes it; may be empty.
    pub fields: String,
}

impl Selection {
    /// All objects of a kind, of one namespace or of all.
    pub fn of<T: Standard>(namespace: Option<&str>) -> Selection {
        Selection {
            path: T::PATH.to_owned(),
            plural: T::PLURAL.to_owned(),
            namespace: namespace.map(str::to_owned),
            labels: String::new(),
            fields: String::new(),
        }
    }

    /// All objects of a resource that the API server told of, to be watched as [`Custom`].
    pub fn of_resource(resource: &Resource, namespace: Option<&str>) -> Selection {
        let path = match resource.group.as_str() {
            "" => format!("/api/{}", resource.version),
            group => format!("/apis/{group}/{}", resource.version),
        };
        Selection {
            path,
            plural: resource.plural.clone(),
            namespace: namespace.map(str::to_owned),
            labels: String::new(),
            fields: String::new(),
        }
    }

    /// Those of them that meet selectors, too.
    #[must_use]
    pub fn that(mut self, labels: &str, fields: &str) -> Selection {
        self.labels = labels.trim().to_owned();
        self.fields = fields.trim().to_owned();
        self
    }

    /// The path of the list.
    pub(crate) fn url(&self) -> String {
        let (path, plural) = (&self.path, &self.plural);
        match &self.namespace {
            Some(n) => format!("{path}/namespaces/{n}/{plural}"),
            None => format!("{path}/{plural}"),
        }
    }

    /// Plural name and group, as rights name it: `endpointslices.discovery.k8s.io`.
    pub fn resource(&self) -> String {
        match self.path.strip_prefix("/apis/").and_then(|p| p.split('/').next()) {
            Some(group) => format!("{}.{group}", self.plural),
            None => self.plural.clone(),
        }
    }
}

impl std::fmt::Display for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.resource())?;
        if let Some(n) = &self.namespace {
            write!(f, " in namespace {n}")?;
        }
        for (what, selector) in [("labels", &self.labels), ("fields", &self.fields)] {
            if !selector.is_empty() {
                write!(f, " with {what} {selector}")?;
            }
        }
        Ok(())
    }
}

macro_rules! watched {
    ($($kind:ident $path:literal $plural:literal;)*) => {$(
        impl Watched for $kind {
            fn meta(&self) -> &Meta {
                &self.meta
            }
        }
        watched!(@place $kind $path $plural);
    )*};
    (@place $kind:ident $path:literal $plural:literal) => {
        impl Standard for $kind {
            const PATH: &'static str = $path;
            const PLURAL: &'static str = $plural;
        }
    };
}

watched! {
    Node "/api/v1" "nodes";
    Namespace "/api/v1" "namespaces";
    Pod "/api/v1" "pods";
    Service "/api/v1" "services";
    Endpoints "/api/v1" "endpoints";
    Ingress "/apis/networking.k8s.io/v1" "ingresses";
    ReplicaSet "/apis/apps/v1" "replicasets";
    Job "/apis/batch/v1" "jobs";
}
watched!(@place EndpointSlice "/apis/discovery.k8s.io/v1" "endpointslices");

impl Watched for EndpointSlice {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn filed_under(&self) -> Option<&str> {
        self.service()
    }
}

impl Watched for Custom {
    fn meta(&self) -> &Meta {
        &self.meta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names() {
        #[track_caller]
        #[allow(clippy::needless_pass_by_value)]
        fn check(selection: Selection, url: &str, shown: &str) {
            assert_eq!((selection.url().as_str(), selection.to_string().as_str()), (url, shown));
        }
        check(Selection::of::<Pod>(None), "/api/v1/pods", "pods");
        check(
            Selection::of::<EndpointSlice>(Some("a")).that(" b=c ", "metadata.name=d"),
            "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices",
            "endpointslices.discovery.k8s.io in namespace a with labels b=c with fields metadata.name=d",
        );
    }
}
