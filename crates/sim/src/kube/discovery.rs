//! What the server serves: versions, groups, resources, health.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::handlers::{Outcome, not_simulated};
use super::kinds::Kind;
use super::plane::{Plane, plain};
use super::request::Call;
use super::status::Refusal;

/// The Kubernetes version that is played.
pub(crate) const VERSION: &str = "v1.36.3";

/// Built-in resources that real servers have and this one has not.
pub(crate) const REAL: &[&str] = &[
    "bindings",
    "componentstatuses",
    "limitranges",
    "persistentvolumeclaims",
    "persistentvolumes",
    "podtemplates",
    "replicationcontrollers",
    "resourcequotas",
    "ingresses",
    "ingressclasses",
    "ipaddresses",
    "servicecidrs",
    "localsubjectaccessreviews",
    "subjectaccessreviews",
];

/// Answers a path that names no objects.
pub(crate) fn answer(plane: &Plane, call: &Call) -> Outcome {
    if call.method != "GET" && call.method != "HEAD" {
        return Err(Refusal::plain(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ));
    }
    let path = call.path.trim_end_matches('/');
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match &parts[..] {
        ["version"] => plain(json!({
            "major": "1", "minor": "36", "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "",
            "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "gc", "platform": "linux/amd64",
        })),
        ["healthz" | "livez" | "readyz", ..] => plain(Value::String("ok".into())),
        ["api"] => {
            plain(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}))
        }
        ["apis"] => plain(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups(plane)})),
        ["apis", group] => {
            let found =
                groups(plane).into_iter().find(|g| g.get("name").and_then(Value::as_str) == Some(*group));
            let Some(mut found) = found else { return Err(no_such_page()) };
            found["kind"] = "APIGroup".into();
            found["apiVersion"] = "v1".into();
            plain(found)
        }
        ["api", version] => resources(plane, "", version),
        ["apis", group, version] => resources(plane, group, version),
        ["openapi", ..] => Err(not_simulated("OpenAPI documents")),
        _ => Err(no_such_page()),
    }
}

/// What a path without any handler answers.
pub(crate) fn no_such_page() -> Refusal {
    Refusal::plain(404, "", "404 page not found")
}

/// What a resource that a served version has not answers.
pub(crate) fn no_such_resource() -> Refusal {
    Refusal {
        details: Some(json!({})),
        ..Refusal::plain(404, "NotFound", "the server could not find the requested resource")
    }
}

fn groups(plane: &Plane) -> Vec<Value> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kind in plane.kinds.iter().filter(|k| !k.group.is_empty()) {
        let list = versions.entry(&kind.group).or_default();
        if !list.contains(&&*kind.version) {
            list.push(&kind.version);
        }
    }
    let one = |(group, mut list): (&str, Vec<&str>)| {
        list.sort_by_key(|v| rank(v));
        let all: Vec<Value> =
            list.iter().map(|v| json!({"groupVersion": format!("{group}/{v}"), "version": v})).collect();
        let preferred = all.first().cloned().unwrap_or(Value::Null);
        json!({"name": group, "versions": all, "preferredVersion": preferred})
    };
    versions.into_iter().map(one).collect()
}

/// Stable versions before beta before alpha, newer before older.
fn rank(version: &str) -> (u8, std::cmp::Reverse<u64>) {
    let stage = if version.contains("alpha") { 2 } else { u8::from(version.contains("beta")) };
    let digits: String = version.chars().skip(1).take_while(char::is_ascii_digit).collect();
    (stage, std::cmp::Reverse(digits.parse().unwrap_or(0)))
}

fn resources(plane: &Plane, group: &str, version: &str) -> Outcome {
    let kinds: Vec<_> = plane.kinds.iter().filter(|k| k.group == group && k.version == version).collect();
    if kinds.is_empty() {
        return Err(no_such_page());
    }
    let list: Vec<Value> = kinds.iter().flat_map(|k| entries(k)).collect();
    let mut body = json!({"kind": "APIResourceList", "groupVersion": super::kinds::group_version(group, version), "resources": list});
    if !group.is_empty() {
        body["apiVersion"] = "v1".into();
    }
    plain(body)
}

fn entries(kind: &Kind) -> Vec<Value> {
    let mut verbs = vec!["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    if kind.create_only {
        verbs = vec!["create"];
    } else if kind.custom() {
        verbs = vec!["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
    }
    let mut main = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs,
    });
    if !kind.short.is_empty() {
        main["shortNames"] = kind.short.clone().into();
    }
    if !kind.categories.is_empty() {
        main["categories"] = kind.categories.clone().into();
    }
    let mut out = vec![main];
    if kind.status {
        out.push(json!({
            "name": format!("{}/status", kind.plural), "singularName": "", "namespaced": kind.namespaced,
            "kind": kind.kind, "verbs": ["get", "patch", "update"],
        }));
    }
    out
}
