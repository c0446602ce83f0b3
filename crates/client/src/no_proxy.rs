//! Hosts that are reached without a proxy, by the rules of Go's `httpproxy`.

use std::net::IpAddr;

/// The rules of `no_proxy` or `NO_PROXY`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    All,
    Network(IpAddr, u32),
    Address(IpAddr, Option<u16>),
    /// Name without a leading dot, whether it covers itself, port.
    Name(String, bool, Option<u16>),
}

impl NoProxy {
    /// Rules between commas: `*`, addresses, networks, and names that cover the names below them (only those when they
    /// begin with a dot), each with an optional port.
    pub fn parse(text: &str) -> NoProxy {
        NoProxy { rules: text.split(',').filter_map(|rule| parse(rule.trim())).collect() }
    }

    /// Whether a host is reached directly; `localhost` and loopback always are.
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_lowercase();
        let ip: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return true;
        }
        let fits = |wanted: &Option<u16>| wanted.is_none_or(|w| w == port);
        self.rules.iter().any(|rule| match rule {
            Rule::All => true,
            Rule::Network(network, bits) => ip.is_some_and(|ip| within(ip, *network, *bits)),
            Rule::Address(only, wanted) => ip == Some(*only) && fits(wanted),
            Rule::Name(name, itself, wanted) => {
                fits(wanted)
                    && ((*itself && host == *name)
                        || host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.')))
            }
        })
    }
}

fn parse(rule: &str) -> Option<Rule> {
    let rule = rule.to_lowercase();
    match rule.as_str() {
        "" => return None,
        "*" => return Some(Rule::All),
        _ => {}
    }
    if let Some((network, bits)) = rule.split_once('/') {
        return Some(Rule::Network(network.parse().ok()?, bits.parse().ok()?));
    }
    let address = |text: &str| text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    if let Some(only) = address(&rule) {
        return Some(Rule::Address(only, None));
    }
    let (name, port) = match rule.rsplit_once(':') {
        Some((name, p)) if p.parse::<u16>().is_ok() => (name, p.parse::<u16>().ok()),
        _ => (rule.as_str(), None),
    };
    if let Some(only) = address(name) {
        return Some(Rule::Address(only, port));
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    Some(match name.strip_prefix('.') {
        Some(below) => Rule::Name(below.to_owned(), false, port),
        None => Rule::Name(name.to_owned(), true, port),
    })
}

fn within(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        let check = |host: &str, rules: &str, direct: bool| {
            assert_eq!(NoProxy::parse(rules).covers(host, 6443), direct, "{host} {rules}");
        };
        check("api.example.com", "", false);
        check("127.0.0.1", "", true);
        check("::1", "", true);
        check("localhost", "", true);
        check("10.1.2.3", "10.0.0.0/8", true);
        check("11.1.2.3", "10.0.0.0/8", false);
        check("11.1.2.3", "x,0.0.0.0/0", true);
        check("10.1.2.3", "10.1.2.3:443", false);
        check("10.1.2.3", "10.1.2.3:6443", true);
        check("api.example.com", "example.com", true);
        check("example.com", ".example.com", false);
        check("api.example.com", ".example.com", true);
        check("api.example.com", "*.example.com", true);
        check("badexample.com", "example.com", false);
        check("api.example.com", "*", true);
        check("api.example.com", "example.com:443", false);
        check("fd00::5", "fd00::/8", true);
    }
}
