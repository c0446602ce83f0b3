//! Hosts with ports, and URLs.

use std::net::{IpAddr, Ipv6Addr};

/// `host:port`, `[host]:port` as `net.SplitHostPort` takes them apart.
fn split(s: &str) -> Option<(&str, &str)> {
    let (before, port) = s.rsplit_once(':')?;
    let host = match before.strip_prefix('[') {
        Some(inner) => {
            let host = inner.strip_suffix(']')?;
            if host.contains(['[', ']']) {
                return None;
            }
            host
        }
        None if before.contains([':', '[', ']']) => return None,
        None => before,
    };
    (!port.contains(['[', ']'])).then_some((host, port))
}

/// The host without its port.
pub(super) fn strip_port(s: &str) -> &str {
    split(s).map_or(s, |(host, _)| host)
}

/// The first name of a host, with its port; addresses stay whole.
pub(super) fn strip_domain(s: &str) -> String {
    let (host, port) = split(s).unwrap_or((s, ""));
    if is_address(host) {
        return s.to_owned();
    }
    let first = host.split('.').next().unwrap_or(host);
    match port {
        "" => first.to_owned(),
        _ if first.contains([':', '%']) => format!("[{first}]:{port}"),
        _ => format!("{first}:{port}"),
    }
}

fn is_address(host: &str) -> bool {
    match host.split_once('%') {
        Some((address, zone)) => !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<IpAddr>().is_ok(),
    }
}

/// The path of a URL, escapes resolved.
pub(super) fn path(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("");
    let path = path.split(['?', '#']).next().unwrap_or("");
    let mut out = Vec::with_capacity(path.len());
    let mut bytes = path.as_bytes().iter();
    while let Some(&b) = bytes.next() {
        let escaped = (b == b'%').then(|| {
            let digit = |b: Option<&u8>| char::from(*b?).to_digit(16);
            let ahead = bytes.as_slice();
            Some(digit(ahead.first())? * 16 + digit(ahead.get(1))?)
        });
        match escaped.flatten().and_then(|v| u8::try_from(v).ok()) {
            Some(v) => {
                out.push(v);
                bytes.nth(1);
            }
            None => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(s: &str, port: &str, domain: &str) {
        assert_eq!((strip_port(s), strip_domain(s).as_str()), (port, domain), "{s}");
    }

    #[test]
    fn hosts() {
        check("a.b.c:80", "a.b.c", "a:80");
        check("a.b.c", "a.b.c", "a");
        check("[::1]:80", "::1", "[::1]:80");
        check("::1", "::1", "::1");
        check("10.0.0.1:80", "10.0.0.1", "10.0.0.1:80");
        check("a:b:80", "a:b:80", "a:b:80");
        assert_eq!(path("http://h:9090/a%20b/c?x#y"), "/a b/c");
        assert_eq!(path("http://h:9090"), "");
    }
}
