//! `metadata`.

use super::or_default;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// What discovery needs of `metadata`. Two are equal when they differ in nothing but their version.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "Raw")]
pub struct Meta {
    /// Namespace; empty for objects of the whole cluster.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
    /// The identity that never comes again.
    pub uid: Box<str>,
    /// The version of this state.
    pub version: Box<str>,
    /// Labels.
    pub labels: Pairs,
    /// Annotations.
    pub annotations: Pairs,
    /// Kind and name of the owner that rules it.
    pub controller: Option<(Box<str>, Box<str>)>,
    /// Whether it is being deleted.
    pub deleting: bool,
}

impl PartialEq for Meta {
    fn eq(&self, other: &Meta) -> bool {
        let Meta { namespace, name, uid, version: _, labels, annotations, controller, deleting } = self;
        (namespace, name, uid) == (&other.namespace, &other.name, &other.uid)
            && labels == &other.labels
            && annotations == &other.annotations
            && (controller, deleting) == (&other.controller, &other.deleting)
    }
}

impl Eq for Meta {}

impl Meta {
    /// The name of the owner that rules it, when that is of kind `kind`.
    pub fn controlled_by(&self, kind: &str) -> Option<&str> {
        let (k, name) = self.controller.as_ref()?;
        (&**k == kind).then_some(name)
    }
}

/// Names with texts, ascending by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs(Box<[(Box<str>, Box<str>)]>);

impl Pairs {
    /// The text of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let i = self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok()?;
        self.0.get(i).map(|(_, v)| &**v)
    }

    /// All of them, ascending by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(n, v)| (&**n, &**v))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<Box<str>>, V: Into<Box<str>>> FromIterator<(N, V)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Pairs {
        let mut all: Vec<(Box<str>, Box<str>)> =
            pairs.into_iter().map(|(n, v)| (n.into(), v.into())).collect();
        all.sort();
        all.dedup_by(|a, b| a.0 == b.0);
        Pairs(all.into())
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Pairs, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of texts")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs, M::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry::<Box<str>, Box<str>>()? {
                    all.push(entry);
                }
                Ok(all.into_iter().collect())
            }
        }
        d.deserialize_map(Reader)
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Raw {
    #[serde(deserialize_with = "or_default")]
    namespace: Box<str>,
    #[serde(deserialize_with = "or_default")]
    name: Box<str>,
    #[serde(deserialize_with = "or_default")]
    uid: Box<str>,
    #[serde(deserialize_with = "or_default")]
    resource_version: Box<str>,
    #[serde(deserialize_with = "or_default")]
    labels: Pairs,
    #[serde(deserialize_with = "or_default")]
    annotations: Pairs,
    #[serde(deserialize_with = "or_default")]
    owner_references: Vec<RawOwner>,
    deletion_timestamp: Option<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawOwner {
    kind: Box<str>,
    name: Box<str>,
    controller: Option<bool>,
}

impl From<Raw> for Meta {
    fn from(raw: Raw) -> Meta {
        let controller = raw.owner_references.into_iter().find(|o| o.controller == Some(true));
        Meta {
            namespace: raw.namespace,
            name: raw.name,
            uid: raw.uid,
            version: raw.resource_version,
            labels: raw.labels,
            annotations: raw.annotations,
            controller: controller.map(|o| (o.kind, o.name)),
            deleting: raw.deletion_timestamp.is_some(),
        }
    }
}
