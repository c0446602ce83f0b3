//! The head of a request, as far as a metrics endpoint looks at it.

/// What a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// Whether the method is GET.
    pub get: bool,
    /// The path without its query.
    pub path: String,
    /// Whether the client takes gzip.
    pub gzip: bool,
    /// Whether the connection stays open after the reply.
    pub keep_alive: bool,
    /// Whether the client speaks HTTP/1.1, so that a chunked body may be sent.
    pub chunked: bool,
}

/// Longest head of a request that is read; a client that sends more is cut off.
pub(crate) const MAX_HEAD: usize = 16 << 10;

/// The length of the head at the start of `buf` with its blank line, when it is whole.
pub(crate) fn head_len(buf: &[u8]) -> Option<usize> {
    buf.windows(4).position(|w| w == b"\r\n\r\n").map(|i| i + 4)
}

impl Request {
    /// Reads a whole head; `None` when it is not HTTP/1.
    pub(crate) fn parse(head: &[u8]) -> Option<Request> {
        let text = std::str::from_utf8(head).ok()?;
        let mut lines = text.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target, version) = (first.next()?, first.next()?, first.next()?);
        if !version.starts_with("HTTP/1.") {
            return None;
        }
        let chunked = version == "HTTP/1.1";
        let path = target.split('?').next().unwrap_or("").to_owned();
        let mut request = Request { get: method == "GET", path, gzip: false, keep_alive: chunked, chunked };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            if name.eq_ignore_ascii_case("accept-encoding") {
                request.gzip = takes_gzip(value);
            } else if name.eq_ignore_ascii_case("connection") {
                request.keep_alive = match value {
                    v if v.eq_ignore_ascii_case("close") => false,
                    v if v.eq_ignore_ascii_case("keep-alive") => true,
                    _ => request.keep_alive,
                };
            }
        }
        Some(request)
    }
}

fn takes_gzip(value: &str) -> bool {
    value.split(',').any(|part| {
        let mut params = part.split(';');
        let name = params.next().unwrap_or("").trim();
        let refused = params.any(|p| p.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)));
        name == "gzip" && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, expect: Option<(bool, &str, bool, bool, bool)>) {
        let got = Request::parse(head.as_bytes());
        let got = got.as_ref().map(|r| (r.get, r.path.as_str(), r.gzip, r.keep_alive, r.chunked));
        assert_eq!(got, expect);
    }

    #[test]
    fn heads() {
        check("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", Some((true, "/metrics", false, true, true)));
        check(
            "GET /metrics?x=1 HTTP/1.1\r\nAccept-Encoding: gzip;q=1.0, identity;q=0.5\r\nConnection: close\r\n\r\n",
            Some((true, "/metrics", true, false, true)),
        );
        check("GET / HTTP/1.1\r\naccept-encoding: gzip;q=0\r\n\r\n", Some((true, "/", false, true, true)));
        check("POST /metrics HTTP/1.0\r\n\r\n", Some((false, "/metrics", false, false, false)));
        check("GET /metrics HTTP/2.0\r\n\r\n", None);
        check("nonsense\r\n\r\n", None);
    }

    proptest::proptest! {
        #[test]
        fn no_head_panics(head in proptest::collection::vec(0_u8..255, 0..200), name in "[ -~\r\n]{0,100}") {
            let _ = Request::parse(&head);
            let _ = Request::parse(format!("GET /metrics HTTP/1.1\r\n{name}").as_bytes());
        }
    }

    #[test]
    fn the_head_ends_at_the_blank_line() {
        assert_eq!(head_len(b"GET / HTTP/1.1\r\n\r\nGET"), Some(18));
        assert_eq!(head_len(b"GET / HTTP/1.1\r\n"), None);
    }
}
