//! URLs of requests: taken apart, joined with a Location, printed without a password.

use tortie_config::Secret;

/// An absolute URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// Without user and password.
    text: String,
    authority_at: usize,
    path_at: usize,
    user: Option<(String, Secret)>,
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::fmt::Display for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Url {
    /// Takes an absolute URL apart; a fragment is dropped.
    ///
    /// # Errors
    /// When there is no scheme or host, or a character that no URL has. The text is not repeated: it may hold a password.
    pub fn parse(text: &str) -> Result<Url, String> {
        if text.bytes().any(|b| b.is_ascii_control() || b == b' ') {
            return Err("not a URL: it has a blank or a control character".to_owned());
        }
        let text = text.split('#').next().unwrap_or("");
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("not a URL: no scheme (hint: http://host:port/path)".to_owned());
        };
        if scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            return Err("not a URL: no scheme (hint: http://host:port/path)".to_owned());
        }
        let url = Url::from_parts(&scheme.to_ascii_lowercase(), rest);
        if url.authority().is_empty() {
            return Err("http: no Host in request URL".to_owned());
        }
        Ok(url)
    }

    fn from_parts(scheme: &str, rest: &str) -> Url {
        let split = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let user = user.map(|u| {
            let (name, password) = u.split_once(':').unwrap_or((u, ""));
            (unescaped(name), Secret::new(&unescaped(password)))
        });
        let slash = if path.starts_with('/') { "" } else { "/" };
        let text = format!("{scheme}://{authority}{slash}{path}");
        Url { authority_at: scheme.len() + 3, path_at: scheme.len() + 3 + authority.len(), text, user }
    }

    /// Where a Location header points to, seen from this URL; user and password in it are dropped. `None` when it is
    /// no URL.
    pub fn join(&self, location: &str) -> Option<Url> {
        let location = location.split('#').next()?.trim();
        if location.is_empty() || location.bytes().any(|b| b.is_ascii_control() || b == b' ') {
            return None;
        }
        if let Some((scheme, rest)) = location.split_once("://")
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        {
            // Credentials in a redirect are not ours to send.
            return Some(Url { user: None, ..Url::from_parts(&scheme.to_ascii_lowercase(), rest) });
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Some(Url { user: None, ..Url::from_parts(self.scheme(), rest) });
        }
        let base = if location.starts_with('/') {
            String::new()
        } else {
            let path = self.path_and_query().split('?').next().unwrap_or("/");
            path.rsplit_once('/').map_or_else(|| "/".to_owned(), |(dir, _)| format!("{dir}/"))
        };
        let joined = Url::from_parts(self.scheme(), &format!("{}{base}{location}", self.authority()));
        Some(Url { user: self.user.clone(), ..joined })
    }

    /// The whole URL without user and password.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme in lower case.
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

    /// User and password that stood in it.
    pub fn user(&self) -> Option<(&str, &Secret)> {
        self.user.as_ref().map(|(name, password)| (name.as_str(), password))
    }

    /// Host without brackets, and port; without one that of the scheme (80, 443, 1080 for SOCKS).
    ///
    /// # Errors
    /// When the port is not a number.
    pub fn host_and_port(&self) -> Result<(&str, u16), String> {
        let default = match self.scheme() {
            "https" => 443,
            "socks5" | "socks5h" => 1080,
            _ => 80,
        };
        host_and_port(self.authority(), default)
    }
}

/// Host without brackets, and port of an authority.
pub(crate) fn host_and_port(authority: &str, default: u16) -> Result<(&str, u16), String> {
    let port = |text: Option<&str>| match text {
        None | Some("") => Ok(default),
        Some(p) => p.parse().map_err(|_| format!("address {authority}: invalid port")),
    };
    if let Some(rest) = authority.strip_prefix('[') {
        let Some((host, after)) = rest.split_once(']') else {
            return Err(format!("address {authority}: missing ']' in address"));
        };
        return Ok((host, port(after.strip_prefix(':'))?));
    }
    match authority.split_once(':') {
        None => Ok((authority, default)),
        Some((_, p)) if p.contains(':') => Err(format!("address {authority}: too many colons in address")),
        Some((host, p)) => Ok((host, port(Some(p))?)),
    }
}

/// `%20` and the like resolved.
fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let code = bytes.get(i + 1..i + 3).filter(|_| b == b'%').and_then(|d| std::str::from_utf8(d).ok());
        match code.and_then(|c| u8::from_str_radix(c, 16).ok()) {
            Some(v) => {
                out.push(v);
                i += 3;
            }
            None => {
                out.push(b);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_no_password() {
        let u = Url::parse("HTTPS://me:hun%40ter2@h.example:8443?q=1#f").unwrap();
        assert_eq!((u.scheme(), u.authority(), u.path_and_query()), ("https", "h.example:8443", "/?q=1"));
        assert_eq!(u.host_and_port(), Ok(("h.example", 8443)));
        assert_eq!(u.user().map(|(n, p)| (n, p.expose())), Some(("me", "hun@ter2")));
        assert!(!format!("{u} {u:?}").contains("ter2"));
        assert_eq!(Url::parse("https://[::1]/x").unwrap().host_and_port(), Ok(("::1", 443)));
        for bad in ["", "h:80", "http://", "http:///x", "http://a b", "://x", "http://u:hunter2@"] {
            let e = Url::parse(bad).unwrap_err();
            assert!(!e.contains("hunter2"), "{e}");
        }
    }

    #[test]
    fn redirects_are_joined() {
        let base = Url::parse("http://u:p@h:1/a/b?q=1").unwrap();
        let of = |l: &str| base.join(l).map(|u| u.text);
        assert_eq!(of("/x"), Some("http://h:1/x".into()));
        assert_eq!(of("c?d=e#f"), Some("http://h:1/a/c?d=e".into()));
        assert_eq!(of("HTTPS://user:pw@other"), Some("https://other/".into()));
        assert_eq!(of("//o:2?x"), Some("http://o:2/?x".into()));
        assert_eq!((of(""), of("a b")), (None, None));
        assert!(base.join("/x").unwrap().user().is_some());
        assert!(base.join("http://user:pw@other").unwrap().user().is_none());
    }
}
