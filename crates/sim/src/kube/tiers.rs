//! Tiers of policies as Calico's API server minds them: a policy's name begins with its tier's, and who does something with
//! a policy must be allowed to do it in its tier.
//!
//! Beside the rights on `networkpolicies` the server asks for `get` on the tier and for the same verb on the resource
//! `tier.networkpolicies`, by the policy's name or by `TIER.*` (apiserver/pkg/registry/projectcalico/authorizer). From 3.33
//! on deleting a tier takes `delete` on `tier.tiers` as well.

use serde_json::Value;

use super::handlers::Asked;
use super::plane::{Plane, verb};
use super::rights::{Ask, allowed};
use super::status::{Cause, Refusal};

/// Whether a kind's objects lie in tiers.
fn tiered(asked: &Asked<'_>) -> bool {
    matches!(&*asked.kind.kind, "NetworkPolicy" | "GlobalNetworkPolicy")
}

/// The tier that a policy's name tells.
fn tier_of(name: &str) -> &str {
    match name.split_once('.') {
        Some(("knp", _)) | None => "default",
        Some((tier, _)) => tier,
    }
}

/// Whether the user may do what they ask for in the tier that it is about.
///
/// # Errors
/// 403 in the server's words.
pub(crate) fn admit(plane: &Plane, asked: &Asked<'_>) -> Result<(), Refusal> {
    let verb = verb(asked.call, asked.route);
    if asked.kind.kind == "Tier" && verb == "delete" {
        return may(plane, asked, verb, &asked.route.name, &asked.route.name);
    }
    if !tiered(asked) {
        return Ok(());
    }
    if !asked.route.name.is_empty() {
        return may(plane, asked, verb, tier_of(&asked.route.name), &asked.route.name);
    }
    if verb == "create" {
        let body: Value = serde_json::from_slice(&asked.call.body).unwrap_or_default();
        let name = body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        return may(plane, asked, verb, tier_of(name), name);
    }
    let tiers = plane.store.all("crd.projectcalico.org", "tiers");
    let mut names: Vec<&str> =
        tiers.filter_map(|t| t.pointer("/metadata/name").and_then(Value::as_str)).collect();
    names.push("default");
    if names.iter().any(|tier| may(plane, asked, verb, tier, "").is_ok()) {
        return Ok(());
    }
    Err(forbidden(asked, "", "Operation on Calico tiered policy is forbidden"))
}

/// Takes the policies of tiers out of a list that the user may not see.
pub(crate) fn narrow(plane: &Plane, asked: &Asked<'_>, items: &mut Vec<Value>) {
    if tiered(asked) {
        let verb = verb(asked.call, asked.route);
        items.retain(|o| {
            let name = o.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            may(plane, asked, verb, tier_of(name), "").is_ok()
        });
    }
}

fn may(plane: &Plane, asked: &Asked<'_>, verb: &str, tier: &str, name: &str) -> Result<(), Refusal> {
    let user = plane.user();
    let ask = |verb: &str, resource: &str, namespace: &str, name: &str| {
        let ask = Ask {
            verb: verb.to_owned(),
            group: asked.route.group.clone(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..Ask::default()
        };
        allowed(&plane.store, user, &ask)
    };
    let (plural, namespace) = (&asked.route.plural, &asked.route.namespace);
    let scoped = format!("tier.{plural}");
    let get = ask("get", "tiers", "", tier);
    let there = ask(verb, &scoped, namespace, &asked.route.name)
        || ask(verb, &scoped, namespace, &format!("{tier}.*"));
    if get && there {
        return Ok(());
    }
    let place = match &**namespace {
        "" => String::new(),
        namespace => format!(" and namespace {namespace:?}"),
    };
    let more = if get { "" } else { " (user cannot get tier)" };
    let why = format!(
        "User {:?} cannot {verb} {plural}.{} in tier {tier:?}{place}{more}",
        user.name, asked.route.group
    );
    Err(forbidden(asked, name, &why))
}

fn forbidden(asked: &Asked<'_>, name: &str, why: &str) -> Refusal {
    let subject = asked.kind.subject(name);
    let message = format!("{} {name:?} is forbidden: {why}", subject.qualified());
    Refusal::about(403, "Forbidden", message, &subject)
}

/// A policy's name begins with the name of its tier.
///
/// # Errors
/// 422 in the server's words.
pub(crate) fn check_name(asked: &Asked<'_>, v: &Value) -> Result<(), Refusal> {
    if !tiered(asked) {
        return Ok(());
    }
    let text = |p: &str| v.pointer(p).and_then(Value::as_str).unwrap_or_default();
    let (name, tier) = (text("/metadata/name"), text("/spec/tier"));
    let fits = match tier {
        "" | "default" => {
            !name.contains('.') || name.starts_with("default.") || name.starts_with("knp.default.")
        }
        tier => name.strip_prefix(tier).is_some_and(|rest| rest.starts_with('.')),
    };
    if fits {
        return Ok(());
    }
    let tier = if tier.is_empty() { "default" } else { tier };
    let why = format!("Policy name {name} must be of the form \"{tier}.<name>\"");
    Err(Refusal::invalid(
        &asked.kind.subject(name),
        &[Cause::invalid("metadata.name", &format!("{name:?}"), &why)],
    ))
}
