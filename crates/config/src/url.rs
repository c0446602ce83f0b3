//! What Go's URL parser refuses, in its words. What it takes is used as it stands.

/// The fault of a URL, `None` when there is none.
pub fn fault(text: &str) -> Option<String> {
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return Some("net/url: invalid control character in URL".to_owned());
    }
    let text = text.split_once('#').map_or(text, |(before, _)| before);
    let (scheme, rest) = match scheme(text) {
        Ok(parts) => parts,
        Err(fault) => return Some(fault.to_owned()),
    };
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    if let Some(after) = rest.strip_prefix("//").filter(|_| !scheme.is_empty() || !rest.starts_with("///")) {
        let end = after.find('/').unwrap_or(after.len());
        let (authority, path) = after.split_at(end);
        return authority_fault(authority).or_else(|| escape_fault(path));
    }
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return None;
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Some("first path segment in URL cannot contain colon".to_owned());
        }
    }
    escape_fault(rest)
}

fn scheme(text: &str) -> Result<(&str, &str), &'static str> {
    for (i, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if i > 0 => {}
            ':' if i == 0 => return Err("missing protocol scheme"),
            ':' => {
                let (scheme, rest) = text.split_at(i);
                return Ok((scheme, rest.strip_prefix(':').unwrap_or(rest)));
            }
            _ => break,
        }
    }
    Ok(("", text))
}

fn authority_fault(authority: &str) -> Option<String> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    if !user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b)) {
        return Some("net/url: invalid userinfo".to_owned());
    }
    if let Some(inner) = host.strip_prefix('[') {
        let Some((_, port)) = inner.rsplit_once(']') else { return Some("missing ']' in host".to_owned()) };
        return port_fault(port);
    }
    if let Some(i) = host.rfind(':') {
        let (_, port) = host.split_at(i);
        if let Some(fault) = port_fault(port) {
            return Some(fault);
        }
    }
    if let Some(fault) = escape_fault(host) {
        return Some(fault);
    }
    let odd = host
        .chars()
        .find(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && !"-._~!$&'()*+,;=:[]<>\"%".contains(*c))?;
    Some(format!("invalid character {:?} in host name", odd.to_string()))
}

fn port_fault(port: &str) -> Option<String> {
    let digits = port.strip_prefix(':');
    let fine = port.is_empty() || digits.is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit()));
    (!fine).then(|| format!("invalid port {port:?} after host"))
}

fn escape_fault(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    for (i, _) in text.match_indices('%') {
        let digits = bytes.get(i + 1..i + 3);
        if !digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) {
            let shown: String = text.get(i..).unwrap_or("").chars().take(3).collect();
            return Some(format!("invalid URL escape {shown:?}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_those_of_go() {
        for (text, expect) in [
            ("http://proxy:3128", None),
            ("http://[::1]:80/x", None),
            ("socks5://u:p@h:1", None),
            ("proxy", None),
            ("", None),
            (":x", Some("missing protocol scheme")),
            ("1.2.3.4:3128", Some("first path segment in URL cannot contain colon")),
            ("http://h:x", Some("invalid port \":x\" after host")),
            ("http://a b", Some("invalid character \" \" in host name")),
            ("http://[::1", Some("missing ']' in host")),
            ("http://h/%zz", Some("invalid URL escape \"%zz\"")),
            ("http://h\u{1}", Some("net/url: invalid control character in URL")),
        ] {
            assert_eq!(fault(text).as_deref(), expect, "{text}");
        }
    }
}
