//! Whether one rule of a policy matches one TCP connection. See [`super::policies`].

use crate::facts::calico_selector::matches;
use crate::facts::policies::{Direction, End};
use serde_json::Value;
use std::net::IpAddr;
use tortie_cluster::object::Selector;

/// A rule of a Calico policy; `namespace` is the policy's, empty for a global one.
pub(super) fn calico_rule(
    rule: &Value,
    namespace: &str,
    from: &End,
    to: &End,
    port: u16,
) -> Result<bool, String> {
    let tcp = |v: &Value| v.as_str().is_some_and(|p| p.eq_ignore_ascii_case("tcp")) || v.as_u64() == Some(6);
    if rule.get("http").is_some_and(|v| !v.is_null()) {
        return Err("rules by HTTP method or path are not evaluated".to_owned());
    }
    if rule.get("protocol").is_some_and(|v| !v.is_null() && !tcp(v))
        || rule.get("notProtocol").is_some_and(tcp)
    {
        return Ok(false);
    }
    let version = rule.get("ipVersion").and_then(Value::as_u64);
    if version.is_some_and(|v| !to.ips.iter().any(|ip| ip.contains(':') == (v == 6))) {
        return Ok(false);
    }
    let null = Value::Null;
    let (source, destination) =
        (rule.get("source").unwrap_or(&null), rule.get("destination").unwrap_or(&null));
    // A client's own port is whatever the kernel gave it; a rule by it cannot be told.
    if !list(source, "ports").is_empty() || !list(source, "notPorts").is_empty() {
        return Err("rules by source port are not evaluated".to_owned());
    }
    Ok(side(source, namespace, from)?
        && side(destination, namespace, to)?
        && ports_match(destination, to, port)?)
}

/// One side of a Calico rule: nets and selectors.
fn side(side: &Value, namespace: &str, end: &End) -> Result<bool, String> {
    let text = |field: &str| side.get(field).and_then(Value::as_str).filter(|s| !s.is_empty());
    for field in ["services", "domains"] {
        if side.get(field).is_some_and(|v| !v.is_null()) {
            return Err(format!("rules by {field} are not evaluated"));
        }
    }
    let nets = list(side, "nets");
    if !nets.is_empty() && !inside(nets, end) {
        return Ok(false);
    }
    let outside = list(side, "notNets");
    if !outside.is_empty() && inside(outside, end) {
        return Ok(false);
    }
    let (selector, spaces) = (text("selector"), text("namespaceSelector"));
    let accounts = side.get("serviceAccounts").filter(|v| !v.is_null());
    if selector.is_some() || spaces.is_some() || accounts.is_some() {
        if !end.selectable {
            return Ok(false);
        }
        if !in_namespaces(spaces, namespace, end)? {
            return Ok(false);
        }
        if let Some(selector) = selector
            && !matches(selector, &end.seen_labels()).map_err(|e| e.to_string())?
        {
            return Ok(false);
        }
    }
    if let Some(accounts) = accounts {
        if accounts.get("selector").and_then(Value::as_str).is_some_and(|s| !s.is_empty()) {
            return Err("rules by labels of service accounts are not evaluated".to_owned());
        }
        let names = list(accounts, "names");
        if !names.is_empty() && !names.iter().any(|n| n.as_str() == Some(&end.account)) {
            return Ok(false);
        }
    }
    match text("notSelector") {
        Some(not) if end.selectable => Ok(!matches(not, &end.seen_labels()).map_err(|e| e.to_string())?),
        _ => Ok(true),
    }
}

/// Whether an end is in the namespaces of a rule: those it selects, or without a selector the policy's own, and for a
/// global policy all.
fn in_namespaces(spaces: Option<&str>, namespace: &str, end: &End) -> Result<bool, String> {
    match spaces {
        Some("global()") => Ok(end.namespace.is_empty()),
        Some(_) if end.namespace.is_empty() => Ok(false),
        Some(spaces) => matches(spaces, &end.seen_namespace_labels()).map_err(|e| e.to_string()),
        None => Ok(namespace.is_empty() || end.namespace == namespace),
    }
}

fn ports_match(destination: &Value, to: &End, port: u16) -> Result<bool, String> {
    let hit = |list: &[Value]| -> Result<bool, String> {
        for entry in list {
            if is_port(entry, to, port)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let (ports, not) = (list(destination, "ports"), list(destination, "notPorts"));
    Ok((ports.is_empty() || hit(ports)?) && (not.is_empty() || !hit(not)?))
}

/// A port of a Calico rule: a number, a range `a:b`, or the name of a declared port.
fn is_port(entry: &Value, to: &End, port: u16) -> Result<bool, String> {
    if let Some(number) = entry.as_u64() {
        return Ok(number == u64::from(port));
    }
    let text = entry.as_str().ok_or("a port is neither a number nor a text")?;
    if let Some((low, high)) = text.split_once(':') {
        let bound = |s: &str| s.parse::<u16>().map_err(|_| format!("{text} is no range of ports"));
        return Ok((bound(low)?..=bound(high)?).contains(&port));
    }
    Ok(text.parse() == Ok(port) || to.ports.get(text) == Some(&port))
}

/// A rule of a Kubernetes NetworkPolicy.
pub(super) fn kubernetes_rule(
    rule: &Value,
    direction: Direction,
    namespace: &str,
    peer: &End,
    to: &End,
    port: u16,
) -> Result<bool, String> {
    let ports = list(rule, "ports");
    if !ports.is_empty() && !ports.iter().any(|p| kubernetes_port(p, to, port)) {
        return Ok(false);
    }
    let peers = list(rule, if direction == Direction::Ingress { "from" } else { "to" });
    if peers.is_empty() {
        return Ok(true);
    }
    for entry in peers {
        if kubernetes_peer(entry, namespace, peer)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn kubernetes_port(entry: &Value, to: &End, port: u16) -> bool {
    if entry.get("protocol").and_then(Value::as_str).is_some_and(|p| p != "TCP") {
        return false;
    }
    match entry.get("port") {
        None | Some(Value::Null) => true,
        Some(Value::String(name)) => to.ports.get(name) == Some(&port),
        Some(number) => {
            let low = number.as_u64().unwrap_or(0);
            let high = entry.get("endPort").and_then(Value::as_u64).unwrap_or(low);
            (low..=high).contains(&u64::from(port))
        }
    }
}

fn kubernetes_peer(entry: &Value, namespace: &str, peer: &End) -> Result<bool, String> {
    if let Some(block) = entry.get("ipBlock").filter(|v| !v.is_null()) {
        let cidr = block.get("cidr").cloned().unwrap_or(Value::Null);
        return Ok(inside(&[cidr], peer) && !inside(list(block, "except"), peer));
    }
    if !peer.selectable || peer.namespace.is_empty() {
        return Ok(false);
    }
    let parsed = |field: &str| {
        Selector::parse(entry.get(field).unwrap_or(&Value::Null)).map_err(|e| format!("{field}: {e}"))
    };
    let space = match parsed("namespaceSelector")? {
        None => peer.namespace == namespace,
        Some(selector) => selector.matches(&peer.namespace_labels),
    };
    Ok(space && parsed("podSelector")?.is_none_or(|s| s.matches(&peer.labels)))
}

fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether an address of the end is in one of the nets.
fn inside(nets: &[Value], end: &End) -> bool {
    nets.iter().filter_map(Value::as_str).any(|net| end.ips.iter().any(|ip| in_net(net, ip)))
}

/// Whether an address is in a net such as `10.0.0.0/8`; a bare address is a net of itself.
fn in_net(net: &str, address: &str) -> bool {
    let (base, bits) = net.split_once('/').map_or((net, None), |(b, n)| (b, Some(n)));
    let (Ok(base), Ok(address)) = (base.parse::<IpAddr>(), address.parse::<IpAddr>()) else { return false };
    let (base, address, width) = match (base, address) {
        (IpAddr::V4(b), IpAddr::V4(a)) => (u128::from(b.to_bits()), u128::from(a.to_bits()), 32),
        (IpAddr::V6(b), IpAddr::V6(a)) => (b.to_bits(), a.to_bits(), 128),
        _ => return false,
    };
    let bits: u32 = match bits.map(str::parse) {
        None => width,
        Some(Ok(n)) if n <= width => n,
        Some(_) => return false,
    };
    let differ = base ^ address;
    bits == 0 || differ >> (width - bits) == 0
}

#[cfg(test)]
mod tests {
    use super::in_net;

    #[test]
    fn nets_hold_their_addresses() {
        #[track_caller]
        fn check(net: &str, address: &str, expect: bool) {
            assert_eq!(in_net(net, address), expect, "{address} in {net}");
        }
        check("10.0.0.0/8", "10.200.3.4", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("0.0.0.0/0", "1.2.3.4", true);
        check("10.1.2.3", "10.1.2.3", true);
        check("10.1.2.3/32", "10.1.2.4", false);
        check("fd00::/64", "fd00::1", true);
        check("fd00::/64", "10.0.0.1", false);
        check("10.0.0.0/99", "10.0.0.0", false);
        check("::/0", "fd00::1", true);
    }
}
