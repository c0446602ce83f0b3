//! The URL of a prober: `host` or `host:port`.

use super::Refusal;
use std::net::IpAddr;

/// Refuses what is neither.
pub(super) fn check_url(url: &str) -> Result<(), Refusal> {
    let Some((host, port)) = split(url) else {
        return if is_host(url) { Ok(()) } else { Err(format!("invalid host: {url:?}")) };
    };
    if !is_host(host) {
        return Err(format!("invalid host: {host:?}"));
    }
    if !port.parse::<u16>().is_ok_and(|p| p > 0) {
        return Err(format!("invalid port: {port:?}"));
    }
    Ok(())
}

/// As Go's `net.SplitHostPort`; nothing where that fails.
fn split(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        let port = after.strip_prefix(':')?;
        return (!port.contains([':', '[', ']']) && !host.contains('[')).then_some((host, port));
    }
    let (host, port) = text.rsplit_once(':')?;
    (!host.contains(':') && !text.contains(['[', ']'])).then_some((host, port))
}

/// An address or a DNS name, as the operator's library takes them.
fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_dns_name(text)
}

fn is_dns_name(text: &str) -> bool {
    if text.is_empty() || text.replace('.', "").len() > 255 {
        return false;
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let parts: Vec<&str> = name.split('.').collect();
    let last = parts.len() - 1;
    parts.iter().enumerate().all(|(i, part)| {
        let mut chars = part.chars();
        let first = chars.next();
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts = match first {
            Some(c) if i == 0 || i < last || last == 0 => fine(c),
            Some(c) => c.is_ascii_alphanumeric() || c == '_',
            None => false,
        };
        starts && part.len() <= 63 && chars.all(|c| fine(c) || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_prober() {
        for fine in ["blackbox", "blackbox.monitoring.svc:9115", "10.0.0.1:80", "[::1]:9115", "::1"] {
            assert_eq!(check_url(fine), Ok(()), "{fine}");
        }
        let check = |url, expect: &str| assert_eq!(check_url(url).unwrap_err(), expect);
        check("http://blackbox:9115", "invalid host: \"http://blackbox:9115\"");
        check("blackbox:0", "invalid port: \"0\"");
        check("a b:1", "invalid host: \"a b\"");
    }
}
