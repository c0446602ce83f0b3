//! The URL of a target as Go's `url.URL` prints it, and its parts as a connection needs them.

use super::populate::{METRICS_PATH, PARAM_PREFIX, SCHEME};
use tortie_client::Origin;
use tortie_model::Labels;

/// A URL of a target or of a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetUrl {
    text: String,
    /// Length of `scheme://`.
    authority_at: usize,
    /// Where path and query begin.
    path_at: usize,
}

impl TargetUrl {
    /// The URL that a target's reserved labels make, with `params` of its configuration.
    pub fn new(labels: &Labels, params: &[(String, Vec<String>)]) -> TargetUrl {
        let mut text = labels.value(SCHEME).to_owned();
        text.push_str("://");
        let authority_at = text.len();
        text.push_str(labels.value("__address__"));
        let path_at = text.len();
        let path = labels.value(METRICS_PATH);
        if !path.starts_with('/') {
            text.push('/');
        }
        escape(path, b"-_.~$&+,/:;=@", false, &mut text);
        let query = query(labels, params);
        if !query.is_empty() {
            text.push('?');
            text.push_str(&query);
        }
        TargetUrl { text, authority_at, path_at }
    }

    /// Where a Location header points to, seen from this URL. `None` when it is no URL.
    pub fn join(&self, location: &str) -> Option<TargetUrl> {
        let location = location.split('#').next()?.trim();
        if location.is_empty() || location.bytes().any(|b| b.is_ascii_control() || b == b' ') {
            return None;
        }
        if let Some((scheme, rest)) = location.split_once("://")
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        {
            return Some(TargetUrl::from_parts(&scheme.to_ascii_lowercase(), rest));
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Some(TargetUrl::from_parts(self.scheme(), rest));
        }
        let base = if location.starts_with('/') {
            String::new()
        } else {
            let path = self.path_and_query().split('?').next().unwrap_or("/");
            path.rsplit_once('/').map_or_else(|| "/".to_owned(), |(dir, _)| format!("{dir}/"))
        };
        Some(TargetUrl::from_parts(self.scheme(), &format!("{}{base}{location}", self.authority())))
    }

    fn from_parts(scheme: &str, rest: &str) -> TargetUrl {
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        // Credentials in a redirect are not ours to send.
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let slash = if path.starts_with('/') { "" } else { "/" };
        let text = format!("{scheme}://{authority}{slash}{path}");
        TargetUrl { authority_at: scheme.len() + 3, path_at: scheme.len() + 3 + authority.len(), text }
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `http`, `https`, or whatever a label says.
    pub fn scheme(&self) -> &str {
        self.text.get(..self.authority_at.saturating_sub(3)).unwrap_or("")
    }

    /// Host and port as they stand in the Host header.
    pub fn authority(&self) -> &str {
        self.text.get(self.authority_at..self.path_at).unwrap_or("")
    }

    /// Path and query as they stand in the request.
    pub fn path_and_query(&self) -> &str {
        self.text.get(self.path_at..).unwrap_or("/")
    }

    /// Where connections for it lead.
    ///
    /// # Errors
    /// When the scheme is neither `http` nor `https`, or the port no number.
    pub fn origin(&self) -> Result<Origin, String> {
        let https = match self.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(format!("unsupported protocol scheme {other:?}")),
        };
        let (host, port) = self.host_and_port().map_err(|e| format!("dial tcp: {e}"))?;
        Ok(Origin::new(https, host, port))
    }

    /// Host without brackets, and port (when none is given, that of the scheme).
    ///
    /// # Errors
    /// When the port is not a number.
    pub fn host_and_port(&self) -> Result<(&str, u16), String> {
        let authority = self.authority();
        let default = if self.scheme() == "https" { 443 } else { 80 };
        if let Some(rest) = authority.strip_prefix('[') {
            let Some((host, after)) = rest.split_once(']') else {
                return Err(format!("address {authority}: missing ']' in address"));
            };
            return Ok((host, port(authority, after.strip_prefix(':'), default)?));
        }
        match authority.split_once(':') {
            None => Ok((authority, default)),
            Some((_, p)) if p.contains(':') => {
                Err(format!("address {authority}: too many colons in address"))
            }
            Some((host, p)) => Ok((host, port(authority, Some(p), default)?)),
        }
    }
}

fn port(authority: &str, text: Option<&str>, default: u16) -> Result<u16, String> {
    match text {
        None | Some("") => Ok(default),
        Some(p) => p.parse().map_err(|_| format!("address {authority}: invalid port")),
    }
}

/// Parameters of the configuration with the first value replaced by its label, sorted by name, as `url.Values.Encode`.
fn query(labels: &Labels, params: &[(String, Vec<String>)]) -> String {
    let mut all: Vec<(String, Vec<String>)> = params.to_vec();
    for (name, value) in labels {
        let Some(key) = name.strip_prefix(PARAM_PREFIX) else { continue };
        match all.iter_mut().find(|(k, _)| k == key) {
            Some((_, values)) => match values.first_mut() {
                Some(first) => value.clone_into(first),
                None => values.push(value.to_owned()),
            },
            None => all.push((key.to_owned(), vec![value.to_owned()])),
        }
    }
    all.sort();
    let mut out = String::new();
    for (key, values) in &all {
        for value in values {
            if !out.is_empty() {
                out.push('&');
            }
            escape(key, b"-_.~", true, &mut out);
            out.push('=');
            escape(value, b"-_.~", true, &mut out);
        }
    }
    out
}

fn escape(text: &str, plain: &[u8], plus: bool, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || plain.contains(&b) {
            out.push(char::from(b));
        } else if plus && b == b' ' {
            out.push('+');
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(b >> 4)]));
            out.push(char::from(HEX[usize::from(b & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(pairs: &[(&str, &str)], params: &[(&str, &[&str])]) -> TargetUrl {
        let params: Vec<_> = params
            .iter()
            .map(|(k, v)| ((*k).to_owned(), v.iter().map(|s| (*s).to_owned()).collect()))
            .collect();
        TargetUrl::new(&Labels::from_pairs(pairs.iter().copied()), &params)
    }

    #[test]
    fn prints_as_go() {
        let u = url(
            &[
                ("__scheme__", "http"),
                ("__address__", "[::1]:9091"),
                ("__metrics_path__", "/a b?c*"),
                ("__param_x", "1 &2"),
                ("__param_new", "n"),
            ],
            &[("x", &["0", "3"]), ("a", &["*~"])],
        );
        assert_eq!(u.as_str(), "http://[::1]:9091/a%20b%3Fc%2A?a=%2A~&new=n&x=1+%262&x=3");
        assert_eq!((u.scheme(), u.authority()), ("http", "[::1]:9091"));
        assert_eq!(u.host_and_port(), Ok(("::1", 9091)));
    }

    #[test]
    fn hosts_and_ports() {
        let of = |a: &str| {
            url(&[("__scheme__", "http"), ("__address__", a)], &[])
                .host_and_port()
                .map(|(h, p)| (h.to_owned(), p))
        };
        assert_eq!(of("h"), Ok(("h".into(), 80)));
        assert_eq!(of("h:"), Ok(("h".into(), 80)));
        assert_eq!(of("[::1]"), Ok(("::1".into(), 80)));
        assert!(of("::1").is_err() && of("h:x").is_err() && of("h:70000").is_err());
    }

    #[test]
    fn redirects_are_joined() {
        let base = url(
            &[("__scheme__", "http"), ("__address__", "h:1"), ("__metrics_path__", "/a/b")],
            &[("q", &["1"])],
        );
        let of = |l: &str| base.join(l).map(|u| u.text);
        assert_eq!(of("/x"), Some("http://h:1/x".into()));
        assert_eq!(of("c?d=e#f"), Some("http://h:1/a/c?d=e".into()));
        assert_eq!(of("HTTPS://user:pw@other"), Some("https://other/".into()));
        assert_eq!(of("//o:2?x"), Some("http://o:2/?x".into()));
        assert_eq!(of(""), None);
        assert_eq!(of("a b"), None);
    }
}
