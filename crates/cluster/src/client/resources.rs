//! What the server serves: groups, versions, kinds and what can be done with them.

use super::Cluster;
use super::error::ReadError;
use super::request::Call;
use crate::object::Gvk;
use serde::Deserialize;
use serde_json::Value;

/// A kind as the server serves it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// Group; empty for the core group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// The name in paths, such as `felixconfigurations`.
    pub plural: String,
    /// Whether its objects stand in namespaces.
    pub namespaced: bool,
    /// What can be done with it: `get`, `list`, `watch`, `create`, `patch`, ...
    pub verbs: Vec<String>,
    /// Names that kubectl takes besides.
    pub short_names: Vec<String>,
}

impl Resource {
    /// Group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk::new(&self.group, &self.version, &self.kind)
    }

    /// Plural and group, as rights name it: `felixconfigurations.projectcalico.org`, `pods`.
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The name that kubectl cannot mistake: `felixconfigurations.v3.projectcalico.org`, `pods`.
    pub fn kubectl_name(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}.{}", self.plural, self.version, self.group)
        }
    }

    /// The path of the list, or of one object. The namespace is left out where the kind has none.
    pub fn path(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let mut path = base(&self.group, &self.version);
        if let Some(namespace) = namespace.filter(|n| self.namespaced && !n.is_empty()) {
            path.push_str("/namespaces/");
            path.push_str(namespace);
        }
        path.push('/');
        path.push_str(&self.plural);
        if let Some(name) = name {
            path.push('/');
            path.push_str(name);
        }
        path
    }

    /// Whether the server lets this be done with it.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|v| v == verb)
    }

    /// An item of a list with the kind that the server leaves out there.
    pub(super) fn with_kind(&self, mut item: Value) -> Value {
        if let Value::Object(map) = &mut item {
            let gvk = self.gvk();
            map.entry("apiVersion").or_insert_with(|| Value::String(gvk.api_version()));
            map.entry("kind").or_insert(Value::String(gvk.kind));
        }
        item
    }
}

/// All that the server serves.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// The kinds; within a group, versions stand in the server's order of preference.
    pub all: Vec<Resource>,
    /// Groups and versions that could not be asked, mostly aggregated ones whose server is down, and why.
    pub failed: Vec<(String, String)>,
}

impl Resources {
    /// A kind of a group, in the version that the server prefers.
    pub fn find(&self, group: &str, kind: &str) -> Option<&Resource> {
        self.all.iter().find(|r| r.group == group && r.kind == kind)
    }

    /// A kind in exactly this version.
    pub fn exact(&self, gvk: &Gvk) -> Option<&Resource> {
        self.all.iter().find(|r| r.group == gvk.group && r.version == gvk.version && r.kind == gvk.kind)
    }

    /// Whether anything of a group is served.
    pub fn has_group(&self, group: &str) -> bool {
        self.all.iter().any(|r| r.group == group)
    }
}

fn base(group: &str, version: &str) -> String {
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

/// Servers from 1.27 on answer all of it at once, in one of these forms; older ones in the last.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
     application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

impl Cluster {
    /// Asks what the server serves: two requests to a server from 1.27 on, one a group and version to older ones.
    ///
    /// # Errors
    /// As [`ReadError`] says; groups whose own server is down are no error.
    pub async fn resources(&self) -> Result<Resources, ReadError> {
        let mut out = Resources::default();
        for root in ["/api", "/apis"] {
            let value: Value = self.call(Call::get(root).accept(AGGREGATED)).await?.json()?;
            if value.get("kind").and_then(Value::as_str) == Some("APIGroupDiscoveryList") {
                let list: Aggregated = serde_json::from_value(value)
                    .map_err(|e| ReadError::Malformed { what: root.to_owned(), message: e.to_string() })?;
                list.into_resources(&mut out);
                continue;
            }
            for (group, version) in group_versions(&value) {
                match self.group_version(&group, &version).await {
                    Ok(list) => out.all.extend(list),
                    Err(ReadError::Unauthorized) => return Err(ReadError::Unauthorized),
                    Err(e) => out.failed.push((Gvk::new(&group, &version, "").api_version(), e.to_string())),
                }
            }
        }
        Ok(out)
    }

    /// The kinds of one group and version.
    pub(super) async fn group_version(&self, group: &str, version: &str) -> Result<Vec<Resource>, ReadError> {
        #[derive(Deserialize)]
        struct List {
            resources: Option<Vec<Raw>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw {
            name: String,
            kind: String,
            #[serde(default)]
            namespaced: bool,
            #[serde(default)]
            verbs: Vec<String>,
            #[serde(default)]
            short_names: Vec<String>,
        }
        let list: List = self.call(Call::get(&base(group, version))).await?.json()?;
        let resources = list.resources.unwrap_or_default().into_iter();
        Ok(resources
            .filter(|r| !r.name.contains('/'))
            .map(|r| Resource {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: r.kind,
                plural: r.name,
                namespaced: r.namespaced,
                verbs: r.verbs,
                short_names: r.short_names,
            })
            .collect())
    }
}

/// Groups and versions of the old forms: `APIVersions` and `APIGroupList`, the preferred version of a group first.
fn group_versions(value: &Value) -> Vec<(String, String)> {
    let texts = |v: Option<&Value>| -> Vec<String> {
        v.and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let mut out: Vec<(String, String)> =
        texts(value.get("versions")).into_iter().map(|v| (String::new(), v)).collect();
    for group in value.get("groups").and_then(Value::as_array).into_iter().flatten() {
        let name = group.get("name").and_then(Value::as_str).unwrap_or("");
        let versions = group.get("versions").and_then(Value::as_array).into_iter().flatten();
        let mut versions: Vec<&str> =
            versions.filter_map(|v| v.get("version").and_then(Value::as_str)).collect();
        let preferred = group.pointer("/preferredVersion/version").and_then(Value::as_str);
        versions.sort_by_key(|v| Some(*v) != preferred);
        out.extend(versions.into_iter().map(|v| (name.to_owned(), v.to_owned())));
    }
    out
}

#[derive(Deserialize)]
struct Aggregated {
    items: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: GroupMeta,
    #[serde(default)]
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize, Default)]
struct GroupMeta {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<Served>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    resource: String,
    #[serde(default)]
    response_kind: Option<ServedKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
}

#[derive(Deserialize, Default)]
struct ServedKind {
    #[serde(default)]
    kind: String,
}

impl Aggregated {
    fn into_resources(self, out: &mut Resources) {
        for group in self.items.unwrap_or_default() {
            for version in group.versions {
                let gv = Gvk::new(&group.metadata.name, &version.version, "");
                if version.freshness == "Stale" {
                    out.failed.push((gv.api_version(), "its API server does not answer".to_owned()));
                }
                out.all.extend(version.resources.into_iter().map(|r| Resource {
                    group: gv.group.clone(),
                    version: gv.version.clone(),
                    kind: r.response_kind.unwrap_or_default().kind,
                    plural: r.resource,
                    namespaced: r.scope == "Namespaced",
                    verbs: r.verbs,
                    short_names: r.short_names,
                }));
            }
        }
    }
}
