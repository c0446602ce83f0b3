//! Whether a ServiceAccount may list and watch, by the roles and bindings that the snapshot holds.
//!
//! Source: kubernetes pkg/registry/rbac/validation (rules add up; there are no denials; `*` matches all).

use crate::facts::prometheus::Prometheus;
use crate::snapshot::Snapshot;
use serde_json::Value;
use tortie_cluster::object::Object;

/// A resource to list and watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Its group; empty for the core.
    pub group: &'static str,
    /// Its plural.
    pub resource: &'static str,
}

const GROUP: &str = "rbac.authorization.k8s.io";

/// Whether the Prometheus object's ServiceAccount may, in a namespace, or in all of them (`None`).
pub fn may(snap: &Snapshot, prometheus: &Prometheus<'_>, want: Want, namespace: Option<&str>) -> bool {
    let bound = |b: &Object| binds(b, &prometheus.object.meta.namespace, prometheus.account());
    let cluster = snap.of(GROUP, "ClusterRoleBinding").filter(|b| bound(b)).any(|b| grants(snap, b, want));
    cluster
        || namespace.is_some_and(|namespace| {
            let here = snap.of(GROUP, "RoleBinding").filter(|b| b.meta.namespace == namespace);
            here.filter(|b| bound(b)).any(|b| grants(snap, b, want))
        })
}

/// Whether a binding names the ServiceAccount, or a group that it is in.
fn binds(binding: &Object, namespace: &str, account: &str) -> bool {
    binding.list("/subjects").iter().any(|s| {
        let text = |key: &str| s.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("kind") {
            "ServiceAccount" => {
                text("name") == account
                    && (text("namespace") == namespace
                        || (text("namespace").is_empty() && binding.meta.namespace == namespace))
            }
            "User" => text("name") == format!("system:serviceaccount:{namespace}:{account}"),
            "Group" => {
                let group = text("name");
                ["system:authenticated", "system:serviceaccounts"].contains(&group)
                    || group == format!("system:serviceaccounts:{namespace}")
            }
            _ => false,
        }
    })
}

fn grants(snap: &Snapshot, binding: &Object, want: Want) -> bool {
    let name = binding.text("/roleRef/name").unwrap_or_default();
    let role = match binding.text("/roleRef/kind") {
        Some("Role") => snap.find(GROUP, "Role", &binding.meta.namespace, name),
        _ => snap.find(GROUP, "ClusterRole", "", name),
    };
    let Some(role) = role else {
        // cluster-admin is always there and dumps leave it out.
        return name == "cluster-admin";
    };
    ["list", "watch"].iter().all(|verb| role.list("/rules").iter().any(|r| allows(r, want, verb)))
}

fn allows(rule: &Value, want: Want, verb: &str) -> bool {
    let has = |key: &str, value: &str| {
        let list = rule.get(key).and_then(Value::as_array);
        list.into_iter().flatten().any(|v| v == value || v == "*")
    };
    // A rule bound to names cannot list.
    let named = rule.get("resourceNames").and_then(Value::as_array).is_some_and(|l| !l.is_empty());
    !named && has("apiGroups", want.group) && has("resources", want.resource) && has("verbs", verb)
}

#[cfg(test)]
mod tests {
    use super::{Want, allows};
    use serde_json::{Value, json};

    #[test]
    fn rules_add_up_and_names_do_not_list() {
        #[track_caller]
        fn check(rule: &Value, expect: bool) {
            assert_eq!(allows(rule, Want { group: "", resource: "pods" }, "list"), expect, "{rule}");
        }
        check(&json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}), true);
        check(&json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}), true);
        check(&json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}), false);
        check(&json!({"apiGroups": ["apps"], "resources": ["pods"], "verbs": ["list"]}), false);
        check(
            &json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"], "resourceNames": ["x"]}),
            false,
        );
    }
}
