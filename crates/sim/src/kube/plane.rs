//! The control plane: what is kept, who asks, and what happens around every write.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tortie_host::Clock;

use super::defaults::{Allocator, TEMPLATE_GENERATION, allocate};
use super::handlers::{Answer, Asked, Outcome, answer, not_simulated};
use super::kinds::{Kind, Kinds};
use super::request::{Call, Route};
use super::rights::{Ask, User, allowed};
use super::status::Refusal;
use super::store::Store;
use super::{aggregated, discovery};

/// How the aggregated `projectcalico.org/v3` behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CalicoApi {
    /// Not served.
    #[default]
    Absent,
    /// As the aggregated server answers.
    Aggregated,
    /// As that of 3.32.0, which answers an apply of an object that is not there with NotFound.
    AggregatedNoCreateOnApply,
}

/// The state of a simulated API server.
pub(crate) struct Plane {
    pub store: Store,
    pub kinds: Kinds,
    pub calico: CalicoApi,
    tokens: BTreeMap<String, User>,
    /// Who asks without a token.
    anonymous: User,
    clock: Arc<dyn Clock>,
    allocator: Allocator,
    finalize_namespaces: bool,
    /// Who asks now.
    user: User,
}

impl Plane {
    pub(crate) fn new(
        seed: u64,
        clock: Arc<dyn Clock>,
        calico: CalicoApi,
        groups: &[&str],
        finalize_namespaces: bool,
    ) -> Plane {
        let mut kinds = Kinds::built_in();
        kinds.add_custom(groups);
        if calico != CalicoApi::Absent {
            kinds.add_custom(&["crd.projectcalico.org"]);
            kinds.add_aggregated();
        }
        let mut out = Plane {
            store: Store::new(seed),
            kinds,
            calico,
            tokens: BTreeMap::new(),
            anonymous: User {
                name: "system:anonymous".into(),
                groups: vec!["system:unauthenticated".into()],
            },
            clock,
            allocator: Allocator::default(),
            finalize_namespaces,
            user: User::default(),
        };
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            out.make("v1", "namespaces", "", &json!({"metadata": {"name": name}}));
        }
        out
    }

    /// A token and whose it is.
    pub(crate) fn add_token(&mut self, token: &str, user: User) {
        self.tokens.insert(token.to_owned(), user);
    }

    /// Takes those who ask without a token for `user`.
    pub(crate) fn take_anonymous_for(&mut self, user: User) {
        self.anonymous = user;
    }

    /// Seconds since the Unix epoch.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now_ms().div_euclid(1000)
    }

    /// Who asks now.
    pub(crate) fn user(&self) -> &User {
        &self.user
    }

    /// Creates an object as the server's own user; for seeding.
    pub(crate) fn make(
        &mut self,
        api_version: &str,
        plural: &str,
        namespace: &str,
        object: &Value,
    ) -> Option<Value> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = self.kinds.get(group, version, plural)?;
        let route = Route {
            group: group.into(),
            version: version.into(),
            plural: plural.into(),
            namespace: namespace.into(),
            ..Route::default()
        };
        let call = Call {
            method: "POST".into(),
            body: object.to_string().into(),
            agent: "kube-apiserver".into(),
            ..Call::default()
        };
        self.user = User::administrator("system:apiserver");
        answer(self, Asked { kind: &kind, route: &route, call: &call }).ok().map(|a| a.body)
    }

    /// The kind under which an object is kept, and the object in that form; `None` when its kind is not served.
    pub(crate) fn stored_form(&self, object: &Value) -> Option<(Arc<Kind>, Value)> {
        let text = |p: &str| object.pointer(p).and_then(Value::as_str).unwrap_or_default();
        let api = text("/apiVersion");
        let (group, version) = api.split_once('/').unwrap_or(("", api));
        let kind = self.kinds.of_kind(group, version, text("/kind"))?;
        if !kind.aggregated {
            return Some((kind, object.clone()));
        }
        let stored = self.kinds.of_kind("crd.projectcalico.org", "v1", &kind.kind)?;
        Some((stored, aggregated::kept_form(object)))
    }

    /// Keeps an object, whatever it is; definitions take effect.
    pub(crate) fn keep(&mut self, kind: &Kind, v: Value) -> Value {
        let (group, plural) = kind.key();
        if v.pointer("/metadata/deletionTimestamp").is_some() && unheld(kind, &v) {
            // The last finalizer went: so does the object.
            let text = |p: &str| v.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
            self.forget(kind, &v);
            self.store.take(&group, &plural, &text("/metadata/namespace"), &text("/metadata/name"));
            return v;
        }
        let kept = self.store.put(&group, &plural, v);
        if kind.kind == "CustomResourceDefinition" && !kind.custom() {
            self.kinds.define(&kept);
        }
        kept
    }

    /// What goes with an object.
    pub(crate) fn forget(&mut self, kind: &Kind, gone: &Value) {
        if kind.kind == "CustomResourceDefinition" && !kind.custom() {
            let text = |p: &str| gone.pointer(p).and_then(Value::as_str).unwrap_or_default();
            self.kinds.forget(text("/spec/group"), text("/spec/names/plural"));
        }
    }

    /// What the server itself adds to an object before it keeps it.
    pub(crate) fn grow(&mut self, kind: &Kind, v: &mut Value, old: Option<&Value>) {
        if kind.custom() {
            return;
        }
        match &*kind.kind {
            "Service" => allocate(v, old, &mut self.allocator),
            "Namespace" if old.is_none() => {
                v["spec"]["finalizers"] = json!(["kubernetes"]);
                v["status"]["phase"] = "Active".into();
            }
            "Pod" if old.is_none() => {
                v["status"] = json!({"phase": "Pending", "qosClass": "BestEffort"});
                v["spec"]["priority"] = 0.into();
                v["spec"]["preemptionPolicy"] = "PreemptLowerPriority".into();
                tolerate(v);
            }
            "DaemonSet" => {
                let at = format!("/metadata/annotations/{TEMPLATE_GENERATION}");
                let had = old.and_then(|o| o.pointer(&at)).and_then(Value::as_str).unwrap_or("0");
                let template = "/spec/template";
                let more = old.is_none_or(|o| o.pointer(template) != v.pointer(template));
                let n = had.parse::<u64>().unwrap_or(0) + u64::from(more);
                v["metadata"]["annotations"][TEMPLATE_GENERATION] = n.to_string().into();
            }
            "Node" if old.is_none() => {
                let taint = json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"});
                v["spec"]["taints"] = json!([taint]);
            }
            "CustomResourceDefinition" => define(v, old, self.clock.now_ms().div_euclid(1000)),
            _ => {}
        }
    }

    /// Empties a namespace that is going, and takes it away, when the server plays that controller.
    pub(crate) fn empty_namespace(&mut self, name: &str) {
        if !self.finalize_namespaces {
            return;
        }
        for (group, plural, object) in self.store.in_namespace(name) {
            self.store.take(&group, &plural, name, &object);
        }
        self.store.take("", "namespaces", "", name);
    }

    /// Whether the user may also create what it applies.
    pub(crate) fn may_create(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        let ask = ask_of(asked.route, "create");
        if allowed(&self.store, &self.user, &ask) { Ok(()) } else { Err(forbidden(&self.user, &ask)) }
    }

    /// Who the request comes from, `None` when its token is not known.
    fn authenticate(&self, call: &Call) -> Option<User> {
        let user = match call.authorization.strip_prefix("Bearer ") {
            Some(token) => self.tokens.get(token.trim())?.clone(),
            None if call.authorization.is_empty() => self.anonymous.clone(),
            None => return None,
        };
        Some(user)
    }

    /// Sees who asks and whether they may.
    ///
    /// # Errors
    /// 401 or 403.
    pub(crate) fn admit(&mut self, call: &Call, route: Option<&Route>) -> Result<(), Refusal> {
        let Some(user) = self.authenticate(call) else {
            return Err(Refusal::plain(401, "Unauthorized", "Unauthorized"));
        };
        let user = match &call.impersonate {
            None => user,
            Some((name, groups)) => match self.impersonated(&user, name, groups) {
                Some(other) => other,
                None => return Err(not_as(&user, call, route)),
            },
        };
        let ask = match route {
            Some(route) => ask_of(route, verb(call, route)),
            None => Ask { verb: call.method.to_lowercase(), path: Some(call.path.clone()), ..Ask::default() },
        };
        self.user = user;
        if allowed(&self.store, &self.user, &ask) { Ok(()) } else { Err(forbidden(&self.user, &ask)) }
    }

    /// The other user, `None` when `user` may not be it.
    fn impersonated(&self, user: &User, name: &str, groups: &[String]) -> Option<User> {
        let asks = std::iter::once(("users", name)).chain(groups.iter().map(|g| ("groups", &**g)));
        for (resource, who) in asks {
            let ask = Ask {
                verb: "impersonate".into(),
                resource: resource.into(),
                name: who.into(),
                ..Ask::default()
            };
            if !allowed(&self.store, user, &ask) {
                return None;
            }
        }
        Some(User { name: name.to_owned(), groups: groups.to_vec() })
    }

    /// Answers a request but for a watch.
    pub(crate) fn answer(&mut self, call: &Call) -> Outcome {
        let route = Route::parse(&call.path);
        self.admit(call, route.as_ref())?;
        let Some(route) = route else { return discovery::answer(self, call) };
        let kind = self.kind(&route)?;
        let asked = Asked { kind: &kind, route: &route, call };
        if kind.aggregated {
            return aggregated::answer(self, asked);
        }
        answer(self, asked)
    }

    /// Answers a write as if the aggregated kind were one of our own whose object now is `before`; nothing is kept.
    pub(crate) fn rehearse(&mut self, asked: Asked<'_>, before: Option<Value>) -> Outcome {
        let (group, plural) = asked.kind.key();
        let mark = self.store.mark();
        if let Some(before) = before {
            self.store.lend(&group, &plural, before);
        }
        let out = answer(self, asked);
        self.store.back_to(mark, &group, &plural);
        out
    }

    /// The kind behind a route.
    ///
    /// # Errors
    /// 404 for what no server has, 501 for what this one has not.
    pub(crate) fn kind(&self, route: &Route) -> Result<Arc<Kind>, Refusal> {
        if let Some(kind) = self.kinds.get(&route.group, &route.version, &route.plural) {
            return Ok(kind);
        }
        if route.group.is_empty() || route.group.ends_with(".k8s.io") || !route.group.contains('.') {
            let group_known = self.kinds.iter().any(|k| k.group == route.group && k.version == route.version);
            let real = discovery::REAL.contains(&&*route.plural);
            if real || !group_known {
                let what = format!(
                    "{} of {}",
                    route.plural,
                    super::kinds::group_version(&route.group, &route.version)
                );
                return Err(not_simulated(&what));
            }
        }
        let known = self.kinds.iter().any(|k| k.group == route.group && k.version == route.version);
        Err(if known { discovery::no_such_resource() } else { discovery::no_such_page() })
    }
}

/// Marks a definition as served, as the controllers of the server would.
fn define(v: &mut Value, old: Option<&Value>, now: i64) {
    let names = v.pointer("/spec/names").cloned().unwrap_or_else(|| json!({}));
    if old.is_some_and(|o| o.pointer("/status/conditions").is_some_and(Value::is_array)) {
        return;
    }
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "lastTransitionTime": super::clock::rfc3339(now), "reason": reason, "message": message});
    let stored: Vec<Value> = v
        .pointer("/spec/versions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|x| x.get("storage") == Some(&Value::Bool(true)))
        .filter_map(|x| x.get("name").cloned())
        .collect();
    v["status"] = json!({
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "acceptedNames": names,
        "storedVersions": stored,
    });
}

fn unheld(kind: &Kind, v: &Value) -> bool {
    let path = if kind.kind == "Namespace" { "/spec/finalizers" } else { "/metadata/finalizers" };
    let held = v.pointer(path).and_then(Value::as_array).is_some_and(|f| !f.is_empty());
    let graceful = v.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0) > 0;
    !held && !graceful
}

/// The two tolerations that every pod gets.
fn tolerate(v: &mut Value) {
    let Some(spec) = v.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let list = spec.entry("tolerations").or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        if !list.iter().any(|t| t.get("key").is_none() || t.get("key") == Some(&key.into())) {
            list.push(
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
}

fn ask_of(route: &Route, verb: &str) -> Ask {
    // A namespace itself lies in itself.
    let namespace =
        if route.group.is_empty() && route.plural == "namespaces" { &route.name } else { &route.namespace };
    Ask {
        verb: verb.to_owned(),
        group: route.group.clone(),
        resource: route.plural.clone(),
        subresource: route.subresource.clone(),
        namespace: namespace.clone(),
        name: route.name.clone(),
        path: None,
    }
}

/// 403 for somebody who may not be another.
fn not_as(user: &User, call: &Call, route: Option<&Route>) -> Refusal {
    let ask = match route {
        Some(route) => ask_of(route, &format!("impersonate-on:user-info:{}", verb(call, route))),
        None => Ask {
            verb: format!("impersonate-on:user-info:{}", call.method.to_lowercase()),
            path: Some(call.path.clone()),
            ..Ask::default()
        },
    };
    forbidden(user, &ask)
}

/// The verb of a request for objects.
pub(crate) fn verb(call: &Call, route: &Route) -> &'static str {
    let named = !route.name.is_empty();
    match &*call.method {
        "GET" | "HEAD" if call.query.is_on("watch") => "watch",
        "GET" | "HEAD" if named => "get",
        "GET" | "HEAD" => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if named => "delete",
        "DELETE" => "deletecollection",
        _ => "",
    }
}

/// 403 in the API server's words.
pub(crate) fn forbidden(user: &User, ask: &Ask) -> Refusal {
    let who = format!("User {:?} cannot {}", user.name, ask.verb);
    if let Some(path) = &ask.path {
        let mut out = Refusal::plain(403, "Forbidden", format!("forbidden: {who} path {path:?}"));
        out.details = Some(json!({}));
        return out;
    }
    let subject = super::status::Subject {
        group: ask.group.clone(),
        resource: ask.resource.clone(),
        name: ask.name.clone(),
        ..Default::default()
    };
    let full = if ask.subresource.is_empty() {
        ask.resource.clone()
    } else {
        format!("{}/{}", ask.resource, ask.subresource)
    };
    let place = if ask.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", ask.namespace)
    };
    let what = if ask.name.is_empty() {
        subject.qualified()
    } else {
        format!("{} {:?}", subject.qualified(), ask.name)
    };
    let message =
        format!("{what} is forbidden: {who} resource {full:?} in API group {:?} {place}", ask.group);
    Refusal::about(403, "Forbidden", message, &subject)
}

/// An answer without objects.
pub(crate) fn plain(body: Value) -> Outcome {
    Ok(Answer::ok(body))
}
