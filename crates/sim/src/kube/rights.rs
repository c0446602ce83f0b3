//! Who may do what, from the roles and bindings that are kept.

use serde_json::Value;

use super::store::Store;

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The name, `system:serviceaccount:NS:NAME` of a service account.
    pub name: String,
    /// Groups, without `system:authenticated`.
    pub groups: Vec<String>,
}

impl User {
    /// An administrator of the cluster, who may do everything.
    pub fn administrator(name: &str) -> User {
        User { name: name.to_owned(), groups: vec!["system:masters".to_owned()] }
    }

    /// A service account with its groups.
    pub(crate) fn account(namespace: &str, name: &str) -> User {
        User {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec!["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")],
        }
    }

    fn is_in(&self, group: &str) -> bool {
        let anonymous = self.name == "system:anonymous";
        match group {
            "system:authenticated" => !anonymous,
            "system:unauthenticated" => anonymous,
            _ => self.groups.iter().any(|g| g == group),
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    /// A path that names no objects; the rest is empty then.
    pub path: Option<String>,
}

impl Ask {
    fn resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }
}

/// Whether `user` may do it.
pub(crate) fn allowed(store: &Store, user: &User, ask: &Ask) -> bool {
    allowing(store, user, ask).is_some()
}

/// Why `user` may do it, in the words of a review; `None` when it may not.
pub(crate) fn allowing(store: &Store, user: &User, ask: &Ask) -> Option<String> {
    if user.is_in("system:masters") {
        return Some(String::new());
    }
    if public(user, ask) {
        let what = if ask.path.is_some() { "system:discovery" } else { "system:basic-user" };
        return Some(format!(
            "RBAC: allowed by ClusterRoleBinding \"{what}\" of ClusterRole \"{what}\" to Group \"system:authenticated\""
        ));
    }
    for binding in store.all("rbac.authorization.k8s.io", "clusterrolebindings") {
        if let Some(subject) = subject_of(binding, user)
            && grants(store, binding, "", ask)
        {
            return Some(reason("ClusterRoleBinding", &name(binding), binding, &subject));
        }
    }
    if ask.namespace.is_empty() {
        return None;
    }
    for binding in store.all("rbac.authorization.k8s.io", "rolebindings") {
        if text(binding, "/metadata/namespace") != ask.namespace {
            continue;
        }
        if let Some(subject) = subject_of(binding, user)
            && grants(store, binding, &ask.namespace, ask)
        {
            let full = format!("{}/{}", name(binding), ask.namespace);
            return Some(reason("RoleBinding", &full, binding, &subject));
        }
    }
    None
}

/// What every user may: paths of discovery, reviews of its own rights.
fn public(user: &User, ask: &Ask) -> bool {
    if user.name == "system:anonymous" {
        return ask.path.as_deref().is_some_and(|p| {
            matches!(p, "/healthz" | "/livez" | "/readyz" | "/version" | "/version/")
                || p.starts_with("/livez/")
                || p.starts_with("/readyz/")
        });
    }
    match &ask.path {
        Some(path) => {
            matches!(
                &**path,
                "/api" | "/apis" | "/healthz" | "/livez" | "/readyz" | "/version" | "/version/" | "/openapi"
            ) || ["/api/", "/apis/", "/openapi/", "/livez/", "/readyz/"].iter().any(|p| path.starts_with(p))
        }
        None => {
            ask.group == "authorization.k8s.io"
                && ask.resource.starts_with("selfsubject")
                && ask.verb == "create"
        }
    }
}

fn text<'a>(v: &'a Value, path: &str) -> &'a str {
    v.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn name(v: &Value) -> String {
    text(v, "/metadata/name").to_owned()
}

fn reason(kind: &str, name: &str, binding: &Value, subject: &str) -> String {
    format!(
        "RBAC: allowed by {kind} {name:?} of {} {:?} to {subject}",
        text(binding, "/roleRef/kind"),
        text(binding, "/roleRef/name")
    )
}

fn subject_of(binding: &Value, user: &User) -> Option<String> {
    let subjects = binding.get("subjects").and_then(Value::as_array)?;
    subjects.iter().find_map(|s| {
        let name = text(s, "/name");
        match text(s, "/kind") {
            "User" if name == user.name => Some(format!("User {name:?}")),
            "Group" if user.is_in(name) => Some(format!("Group {name:?}")),
            "ServiceAccount" if User::account(text(s, "/namespace"), name).name == user.name => {
                Some(format!("ServiceAccount \"{name}/{}\"", text(s, "/namespace")))
            }
            _ => None,
        }
    })
}

fn grants(store: &Store, binding: &Value, namespace: &str, ask: &Ask) -> bool {
    let plural = if text(binding, "/roleRef/kind") == "ClusterRole" { "clusterroles" } else { "roles" };
    let namespace = if plural == "roles" { namespace } else { "" };
    let Some(role) =
        store.get("rbac.authorization.k8s.io", plural, namespace, text(binding, "/roleRef/name"))
    else {
        return false;
    };
    role.get("rules").and_then(Value::as_array).is_some_and(|rules| rules.iter().any(|r| fits(r, ask)))
}

fn fits(rule: &Value, ask: &Ask) -> bool {
    let has = |field: &str, what: &str| {
        let list = rule.get(field).and_then(Value::as_array);
        list.is_some_and(|l| l.iter().any(|v| v == what || v == "*"))
    };
    if !has("verbs", &ask.verb) {
        return false;
    }
    if let Some(path) = &ask.path {
        let urls = rule.get("nonResourceURLs").and_then(Value::as_array);
        return urls.into_iter().flatten().filter_map(Value::as_str).any(|u| match u.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => path == u,
        });
    }
    let resource = ask.resource();
    let any_with = || !ask.subresource.is_empty() && has("resources", &format!("*/{}", ask.subresource));
    if !has("apiGroups", &ask.group) || !(has("resources", &resource) || any_with()) {
        return false;
    }
    match rule.get("resourceNames").and_then(Value::as_array).filter(|n| !n.is_empty()) {
        Some(names) => names.iter().any(|n| *n == *ask.name),
        None => true,
    }
}
