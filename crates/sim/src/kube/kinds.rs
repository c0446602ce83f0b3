//! The kinds that the server knows, built in and custom.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::schema::{Schema, from_open_api, read_shapes};
use super::status::Subject;

/// A kind in one version.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub list: String,
    pub short: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    /// Whether `status` is a subresource.
    pub status: bool,
    pub scale: bool,
    /// Whether the server counts changes of the desired state.
    pub generation: bool,
    /// Whether it is only asked, never kept: reviews.
    pub create_only: bool,
    pub schema: Schema,
    /// Of a custom kind: the schema of its definition, null when it was installed without one.
    pub open_api: Option<Value>,
    /// Whether an aggregated server would answer for it.
    pub aggregated: bool,
}

impl Kind {
    /// `v1`, `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        group_version(&self.group, &self.version)
    }

    /// Whether it is a custom resource.
    pub(crate) fn custom(&self) -> bool {
        self.open_api.is_some()
    }

    /// Where its objects are kept.
    pub(crate) fn key(&self) -> (String, String) {
        (self.group.clone(), self.plural.clone())
    }

    /// How refusals name an object of it.
    pub(crate) fn subject(&self, name: &str) -> Subject {
        Subject {
            group: self.group.clone(),
            resource: self.plural.clone(),
            kind: self.kind.clone(),
            name: name.to_owned(),
        }
    }
}

/// `v1`, `apps/v1`.
pub(crate) fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// All kinds by group, version and plural.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    all: BTreeMap<(String, String, String), Arc<Kind>>,
    meta: Schema1,
}

#[derive(Debug)]
struct Schema1(Schema);

impl Default for Schema1 {
    fn default() -> Self {
        Schema1(Schema::Loose)
    }
}

const KINDS: &str = include_str!("../../data/kube/kinds.txt");
const CUSTOM: &str = include_str!("../../data/kube/custom.txt");
const SHAPES: &str = include_str!("../../data/kube/shapes.txt");

impl Kinds {
    /// The built-in kinds.
    pub(crate) fn built_in() -> Kinds {
        let shapes = read_shapes(SHAPES);
        let mut out = Kinds {
            all: BTreeMap::new(),
            meta: Schema1(shapes.get("Meta").cloned().unwrap_or(Schema::Loose)),
        };
        for kind in KINDS.lines().filter_map(|l| read(l, &shapes)) {
            out.insert(kind);
        }
        out
    }

    /// Adds the custom kinds of `groups` without their definitions.
    pub(crate) fn add_custom(&mut self, groups: &[&str]) {
        let shapes = read_shapes(SHAPES);
        for kind in CUSTOM.lines().filter_map(|l| read(l, &shapes)) {
            if groups.contains(&&*kind.group) {
                self.insert(Kind { open_api: Some(Value::Null), generation: true, ..kind });
            }
        }
    }

    /// Serves the kinds of group `crd.projectcalico.org` as `projectcalico.org/v3` as well.
    pub(crate) fn add_aggregated(&mut self) {
        let v1: Vec<Arc<Kind>> =
            self.all.values().filter(|k| k.group == "crd.projectcalico.org").cloned().collect();
        for k in v1 {
            self.insert(Kind {
                group: "projectcalico.org".into(),
                version: "v3".into(),
                aggregated: true,
                ..(*k).clone()
            });
        }
    }

    pub(crate) fn insert(&mut self, kind: Kind) {
        let key = (kind.group.clone(), kind.version.clone(), kind.plural.clone());
        self.all.insert(key, Arc::new(kind));
    }

    /// The kind behind a path.
    pub(crate) fn get(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Kind>> {
        self.all.get(&(group.to_owned(), version.to_owned(), plural.to_owned())).cloned()
    }

    /// The kind of an object.
    pub(crate) fn of_kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Kind>> {
        self.iter().find(|k| k.group == group && k.version == version && k.kind == kind).cloned()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.all.values()
    }

    /// Serves what a definition defines, in place of what it defined before.
    pub(crate) fn define(&mut self, definition: &Value) {
        let text = |p: &str| definition.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
        let words = |p: &str| -> Vec<String> {
            let list = definition.pointer(p).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (group, plural) = (text("/spec/group"), text("/spec/names/plural"));
        self.all.retain(|(g, _, p), k| !(*g == group && *p == plural && k.custom()));
        for version in definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten() {
            if version.get("served").and_then(Value::as_bool) != Some(true) {
                continue;
            }
            let open_api = version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or(Value::Null);
            self.insert(Kind {
                group: group.clone(),
                version: version.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
                kind: text("/spec/names/kind"),
                plural: plural.clone(),
                singular: text("/spec/names/singular"),
                list: text("/spec/names/listKind"),
                short: words("/spec/names/shortNames"),
                categories: words("/spec/names/categories"),
                namespaced: text("/spec/scope") == "Namespaced",
                status: version.pointer("/subresources/status").is_some(),
                scale: version.pointer("/subresources/scale").is_some(),
                generation: true,
                create_only: false,
                schema: from_open_api(&open_api, &self.meta.0),
                open_api: Some(open_api),
                aggregated: false,
            });
        }
    }

    /// Ends serving what a definition defined.
    pub(crate) fn forget(&mut self, group: &str, plural: &str) {
        self.all.retain(|(g, _, p), k| !(g == group && p == plural && k.custom()));
    }
}

fn read(line: &str, shapes: &BTreeMap<String, Schema>) -> Option<Kind> {
    let line = line.split('#').next()?;
    let mut words = line.split_whitespace();
    let (api, kind, plural, scope) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if api.starts_with('[') {
        return None;
    }
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    let mut out = Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        list: format!("{kind}List"),
        short: Vec::new(),
        categories: Vec::new(),
        namespaced: scope == "namespaced",
        status: false,
        scale: false,
        generation: false,
        create_only: false,
        schema: shapes.get("Plain").cloned().unwrap_or(Schema::Loose),
        open_api: None,
        aggregated: false,
    };
    for word in words {
        match word.split_once('=') {
            Some(("shape", name)) => out.schema = shapes.get(name).cloned().unwrap_or(Schema::Loose),
            Some(("short", names)) => out.short = names.split(',').map(str::to_owned).collect(),
            Some(("category", name)) => out.categories.push(name.to_owned()),
            _ => match word {
                "status" => out.status = true,
                "scale" => out.scale = true,
                "generation" => out.generation = true,
                "create-only" => out.create_only = true,
                _ => {}
            },
        }
    }
    Some(out)
}
