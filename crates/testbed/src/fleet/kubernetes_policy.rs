//! Kubernetes' NetworkPolicies on one TCP connection: who has none in a direction may do all, else one rule has to admit it.

use std::net::IpAddr;

use serde_json::Value;

use super::policy::End;

/// From which end policies are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// The one that is connected to.
    Ingress,
    /// The one that connects.
    Egress,
}

/// Whether the policies of `this` admit a connection with `peer`; `port` is that of the end that is connected to.
pub(super) fn admits(policies: &[Value], direction: Direction, this: &End, peer: &End, port: u16) -> bool {
    // Pods in their node's network have no policies.
    if this.host {
        return true;
    }
    let own: Vec<&Value> = policies.iter().filter(|p| applies(p, direction, this)).collect();
    let field = if direction == Direction::Ingress { "ingress" } else { "egress" };
    let mut rules = own.iter().flat_map(|p| p["spec"][field].as_array().into_iter().flatten());
    own.is_empty() || rules.any(|rule| fits(rule, direction, &this.namespace, peer, port))
}

fn applies(policy: &Value, direction: Direction, end: &End) -> bool {
    let spec = &policy["spec"];
    let types = spec["policyTypes"].as_array();
    let named = types
        .map(|t| t.iter().any(|t| t == if direction == Direction::Ingress { "Ingress" } else { "Egress" }));
    let implied = direction == Direction::Ingress || spec["egress"].is_array();
    named.unwrap_or(implied)
        && policy["metadata"]["namespace"] == end.namespace.as_str()
        && selects(&spec["podSelector"], &end.labels)
}

fn fits(rule: &Value, direction: Direction, own: &str, peer: &End, port: u16) -> bool {
    let ports = rule["ports"].as_array().filter(|p| !p.is_empty());
    if ports.is_some_and(|all| !all.iter().any(|p| is_port(p, port))) {
        return false;
    }
    let peers = rule[if direction == Direction::Ingress { "from" } else { "to" }].as_array();
    peers.filter(|p| !p.is_empty()).is_none_or(|all| all.iter().any(|p| is_peer(p, own, peer)))
}

fn is_port(value: &Value, port: u16) -> bool {
    let tcp = value["protocol"].as_str().is_none_or(|p| p == "TCP");
    let Some(first) = value["port"].as_u64() else { return tcp && value["port"].is_null() };
    let last = value["endPort"].as_u64().unwrap_or(first);
    tcp && (first..=last).contains(&u64::from(port))
}

fn is_peer(value: &Value, own: &str, peer: &End) -> bool {
    if let Some(block) = value["ipBlock"]["cidr"].as_str() {
        let inside = |cidr: &str| peer.address.is_some_and(|a| contains(cidr, a));
        let except = value["ipBlock"]["except"].as_array();
        return inside(block) && !except.into_iter().flatten().filter_map(Value::as_str).any(inside);
    }
    if peer.host {
        return false;
    }
    let namespace = match &value["namespaceSelector"] {
        Value::Null => peer.namespace == own,
        selector => selects(selector, &peer.namespace_labels),
    };
    namespace && selects(&value["podSelector"], &peer.labels)
}

/// A label selector; the empty and the absent one take everything.
fn selects(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object().into_iter().flatten().all(|(k, v)| labels[k] == *v);
    let expressions = selector["matchExpressions"].as_array();
    equal
        && expressions.into_iter().flatten().all(|e| {
            let have = &labels[e["key"].as_str().unwrap_or_default()];
            let among = e["values"].as_array().is_some_and(|all| all.contains(have));
            match e["operator"].as_str().unwrap_or_default() {
                "In" => among,
                "NotIn" => !among,
                "Exists" => have.is_string(),
                "DoesNotExist" => have.is_null(),
                _ => false,
            }
        })
}

fn contains(cidr: &str, address: IpAddr) -> bool {
    let Some((network, bits)) = cidr.split_once('/') else { return false };
    let (Ok(IpAddr::V4(network)), Ok(bits), IpAddr::V4(address)) =
        (network.parse::<IpAddr>(), bits.parse::<u32>(), address)
    else {
        return false;
    };
    let cut = |a: std::net::Ipv4Addr| u32::from(a).checked_shr(32_u32.saturating_sub(bits)).unwrap_or(0);
    cut(network) == cut(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn end(namespace: &str, app: &str, address: &str, host: bool) -> End {
        End {
            namespace: namespace.to_owned(),
            namespace_labels: json!({ "kubernetes.io/metadata.name": namespace }),
            labels: json!({ "app": app }),
            address: address.parse().ok(),
            host,
            ..End::default()
        }
    }

    #[track_caller]
    fn check(spec: &Value, direction: Direction, expect: [bool; 2]) {
        let prometheus = end("monitoring", "prometheus", "10.99.64.2", false);
        let ends = [
            end("calico-system", "kc", "10.99.65.2", false),
            end("calico-system", "felix", "10.99.1.2", true),
        ];
        let namespace = if direction == Direction::Egress { "monitoring" } else { "calico-system" };
        let policies = [json!({ "metadata": { "namespace": namespace }, "spec": spec })];
        let got = ends.map(|e| match direction {
            Direction::Egress => admits(&policies, direction, &prometheus, &e, 9091),
            Direction::Ingress => admits(&policies, direction, &e, &prometheus, 9091),
        });
        assert_eq!(got, expect, "{spec}");
    }

    #[test]
    fn one_rule_has_to_admit_it() {
        let egress = |rules: Value| json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": rules });
        check(&egress(json!([])), Direction::Egress, [false, false]);
        check(&egress(json!([{}])), Direction::Egress, [true, true]);
        check(&egress(json!([{ "to": [{ "namespaceSelector": {} }] }])), Direction::Egress, [true, false]);
        check(
            &egress(json!([{ "to": [{ "ipBlock": { "cidr": "10.99.1.0/24" } }] }])),
            Direction::Egress,
            [false, true],
        );
        check(
            &egress(json!([{ "ports": [{ "port": 9090, "endPort": 9092 }] }])),
            Direction::Egress,
            [true, true],
        );
        check(
            &json!({ "podSelector": { "matchLabels": { "app": "other" } } }),
            Direction::Ingress,
            [true, true],
        );
        check(&json!({ "podSelector": {} }), Direction::Ingress, [false, true]);
        let from = json!([{ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "monitoring" } }, "podSelector": { "matchLabels": { "app": "prometheus" } } }]);
        check(&json!({ "podSelector": {}, "ingress": [{ "from": from }] }), Direction::Ingress, [true, true]);
        check(
            &json!({ "podSelector": {}, "ingress": [{ "from": [{ "podSelector": {} }] }] }),
            Direction::Ingress,
            [false, true],
        );
        check(&json!({ "podSelector": {}, "policyTypes": ["Egress"] }), Direction::Ingress, [true, true]);
    }
}
