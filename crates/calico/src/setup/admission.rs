//! The policy that lets Prometheus reach kube-controllers where Calico's own policies (3.32 on) drop it.
//!
//! A tier before the one that drops, with `defaultAction: Pass`: the default is Deny and would cut off everything else. The
//! policy's name begins with the tier's; that is a rule of the API.

use super::step::{Step, Target};
use super::{alone, own};
use crate::component::Component;
use crate::facts::Facts;
use crate::facts::policies::{Decision, Direction, Rulebook, calico_group};
use serde_json::json;
use std::collections::BTreeMap;

const KC: Component = Component::KubeControllers;
const TIER: &str = "tortie";

/// The two steps; none when nothing drops the scrape.
pub(super) fn steps(facts: &Facts<'_>) -> Vec<Step> {
    let Some(workload) = facts.workloads.get(&KC) else { return Vec::new() };
    let rules = Rulebook::of(facts.snap);
    let port = facts.settings.port(KC);
    let mut before: Option<f64> = None;
    let alone = alone::of(facts);
    let scrapers = facts.scrapers(KC).into_iter().map(|p| facts.scraper_end(p));
    for from in scrapers.chain(alone.iter().map(|t| t.end(facts))) {
        for to in facts.component_ends(KC) {
            if let Decision::Denied { tier, order, .. } = rules.decide(Direction::Ingress, &to, &from, port)
                && tier != "default"
            {
                before = Some(before.map_or(order, |b| b.min(order)));
            }
        }
    }
    // Standing ones of ours are looked at again, so that a new Prometheus gets in.
    let standing = facts
        .snap
        .objects
        .iter()
        .any(|o| o.gvk.kind == "Tier" && o.meta.name == TIER && own::is_ours(&o.body));
    let Some(before) = before.or(standing.then_some(100.0)) else { return Vec::new() };
    let order = if before > 90.0 { 90.0 } else { before / 2.0 };
    let group = calico_group(facts.snap);
    let version = if group == "projectcalico.org" { "v3" } else { "v1" };
    let api = format!("{group}/{version}");
    let tier = Target::new(&api, "Tier", "", TIER);
    let spec = json!({"order": order, "defaultAction": "Pass"});
    let tier_object = own::object(&tier, &own::labels(BTreeMap::new()), &[("spec", spec)]);
    let policy =
        Target::new(&api, "NetworkPolicy", &workload.namespace, &format!("{TIER}.kube-controllers-metrics"));
    let admit = |namespace: &str, (label, value): (&str, &str)| {
        json!({
            "action": "Allow", "protocol": "TCP", "destination": {"ports": [port]},
            "source": {
                "namespaceSelector": format!("projectcalico.org/name == '{namespace}'"),
                "selector": format!("{label} == '{value}'"),
            },
        })
    };
    let mut ingress: Vec<_> = facts
        .scrapers(KC)
        .iter()
        .map(|p| admit(&p.object.meta.namespace, ("operator.prometheus.io/name", &p.object.meta.name)))
        .collect();
    ingress.extend(alone.iter().map(|t| admit(t.namespace, alone::LABEL)));
    let spec = json!({"tier": TIER, "order": 10, "selector": "k8s-app == 'calico-kube-controllers'", "types": ["Ingress"], "ingress": ingress});
    let policy_object = own::object(&policy, &own::labels(BTreeMap::new()), &[("spec", spec)]);
    let who = if facts.prometheuses.is_empty() { "tortie" } else { "Prometheus" };
    vec![
        own::step(
            facts.snap,
            tier,
            tier_object,
            format!("order {order}, then Pass: all else goes on as before"),
        ),
        own::step(
            facts.snap,
            policy,
            policy_object,
            format!("admits {who} to port {port}, which a policy of Calico drops"),
        ),
    ]
}
