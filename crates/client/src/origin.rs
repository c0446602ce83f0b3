//! Where a connection leads, and whether a redirect stays there.

use crate::url::Url;

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether TLS is spoken.
    pub https: bool,
    /// Host without brackets.
    pub host: Box<str>,
    /// Port.
    pub port: u16,
}

impl Origin {
    /// An origin of its parts.
    pub fn new(https: bool, host: &str, port: u16) -> Origin {
        Origin { https, host: host.into(), port }
    }

    /// The origin of a URL.
    ///
    /// # Errors
    /// When its scheme is neither `http` nor `https`, or its port no number.
    pub fn of(url: &Url) -> Result<Origin, String> {
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(format!("unsupported protocol scheme {other:?}")),
        };
        let (host, port) = url.host_and_port()?;
        Ok(Origin { https, host: host.into(), port })
    }

    /// Whether credentials for this origin may go to `next`: the same host and port, and never from TLS to plain text.
    /// From plain text to TLS the default ports count as the same.
    pub fn trusts(&self, next: &Origin) -> bool {
        if !self.host.eq_ignore_ascii_case(&next.host) || (self.https && !next.https) {
            return false;
        }
        self.port == next.port || (!self.https && next.https && self.port == 80 && next.port == 443)
    }

    /// `host:port`, a host of IPv6 in brackets.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_with_their_host() {
        let of = |u: &str| Origin::of(&Url::parse(u).unwrap()).unwrap();
        let check =
            |from: &str, to: &str, expect: bool| assert_eq!(of(from).trusts(&of(to)), expect, "{from} {to}");
        check("http://h/a", "http://H/b", true);
        check("http://h:81/", "http://h:82/", false);
        check("http://h/", "http://h:80/", true);
        check("http://h/", "https://h/", true);
        check("http://h:8080/", "https://h/", false);
        check("https://h/", "http://h/", false);
        check("https://h:9/", "http://h:9/", false);
        check("http://h/", "http://sub.h/", false);
        check("http://h.x/", "http://x/", false);
        check("http://[::1]/", "http://[::1]/", true);
        check("http://127.0.0.1/", "http://localhost/", false);
    }
}
