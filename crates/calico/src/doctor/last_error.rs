//! Classes of a target's last error: what the text of a failed scrape says about the broken link.
//!
//! The texts are Prometheus' (scrape/scrape.go) and those of Go's net, net/http and crypto/tls; tortie's own scraper says
//! the same ones, so that one table serves both.

/// What a scrape died of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing listens at the address.
    Refused,
    /// No answer in time: the packets are dropped, or the process is slow.
    Timeout,
    /// There is no way to the address.
    Unreachable,
    /// The name of the target has no address.
    Dns,
    /// The server wants to know who asks.
    Auth,
    /// There is no such path.
    Path,
    /// The process itself failed.
    Exporter,
    /// One side speaks TLS, the other does not.
    Scheme,
    /// The server's certificate is not accepted.
    Certificate,
    /// The server did not accept the client's certificate.
    ClientCertificate,
    /// A limit of the configuration was reached.
    Limit,
    /// The body cannot be read.
    Parse,
    /// The connection was cut in the middle.
    Cut,
    /// Something else.
    Other,
}

/// Fragments and their class; the first that is in the text decides, so the more telling ones stand first.
const FRAGMENTS: &[(&str, Class)] = &[
    ("sample limit exceeded", Class::Limit),
    ("sample_limit exceeded", Class::Limit),
    ("label_limit exceeded", Class::Limit),
    ("label_name_length_limit exceeded", Class::Limit),
    ("label_value_length_limit exceeded", Class::Limit),
    ("body size limit exceeded", Class::Limit),
    ("target_limit exceeded", Class::Limit),
    ("certificate required", Class::ClientCertificate),
    ("bad certificate", Class::ClientCertificate),
    ("x509:", Class::Certificate),
    ("server gave HTTP response to HTTPS client", Class::Scheme),
    ("does not look like a TLS handshake", Class::Scheme),
    ("malformed HTTP response", Class::Scheme),
    ("malformed HTTP version", Class::Scheme),
    ("HTTP status 400", Class::Scheme),
    ("HTTP status 401", Class::Auth),
    ("HTTP status 403", Class::Auth),
    ("HTTP status 404", Class::Path),
    ("HTTP status 5", Class::Exporter),
    ("HTTP status", Class::Exporter),
    ("connection refused", Class::Refused),
    ("no route to host", Class::Unreachable),
    ("network is unreachable", Class::Unreachable),
    ("host is unreachable", Class::Unreachable),
    ("no such host", Class::Dns),
    ("server misbehaving", Class::Dns),
    ("context deadline exceeded", Class::Timeout),
    ("i/o timeout", Class::Timeout),
    ("Client.Timeout", Class::Timeout),
    ("connection timed out", Class::Timeout),
    ("unexpected EOF", Class::Cut),
    ("unsupported Content-Type", Class::Parse),
    ("received unsupported", Class::Parse),
    ("invalid metric", Class::Parse),
    ("expected ", Class::Parse),
    ("unexpected end of input", Class::Parse),
    ("strconv.ParseFloat", Class::Parse),
    ("connection reset", Class::Cut),
    ("broken pipe", Class::Cut),
    ("EOF", Class::Cut),
    ("remote error: tls", Class::ClientCertificate),
];

/// An error without the address that stands beside it: Go begins with `Get "http://...": `.
pub(crate) fn bare<'t>(text: &'t str, url: &str) -> &'t str {
    let rest =
        text.strip_prefix("Get \"").and_then(|t| t.strip_prefix(url)).and_then(|t| t.strip_prefix("\": "));
    rest.unwrap_or(text)
}

impl Class {
    /// The class of a text.
    pub fn of(text: &str) -> Class {
        FRAGMENTS
            .iter()
            .find(|(fragment, _)| text.contains(fragment))
            .map_or(Class::Other, |(_, class)| *class)
    }

    /// One word, for machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Refused => "refused",
            Class::Timeout => "timeout",
            Class::Unreachable => "unreachable",
            Class::Dns => "dns",
            Class::Auth => "auth",
            Class::Path => "path",
            Class::Exporter => "exporter",
            Class::Scheme => "scheme",
            Class::Certificate => "cert",
            Class::ClientCertificate => "client-cert",
            Class::Limit => "limit",
            Class::Parse => "parse",
            Class::Cut => "cut",
            Class::Other => "other",
        }
    }

    /// What it means, as the end of a sentence that begins with the targets.
    pub fn meaning(self) -> &'static str {
        match self {
            Class::Refused => "refuse the connection: nothing listens on that port",
            Class::Timeout => "do not answer in time",
            Class::Unreachable => "cannot be reached: there is no way to their address",
            Class::Dns => "have a name that does not resolve",
            Class::Auth => "want to know who asks (401 or 403)",
            Class::Path => "have no such path (404)",
            Class::Exporter => "answer with an error of their own",
            Class::Scheme => "speak another scheme: one side HTTPS, the other HTTP",
            Class::Certificate => "show a certificate that Prometheus does not accept",
            Class::ClientCertificate => "do not accept Prometheus' certificate",
            Class::Limit => "are above a limit",
            Class::Parse => "send what cannot be read as metrics",
            Class::Cut => "cut the connection",
            Class::Other => "are down",
        }
    }

    /// What to look at next, when no other check found the cause.
    pub fn next(self) -> &'static str {
        match self {
            Class::Refused => {
                "look whether the process is up and on which address it listens (ss -ltnp on the node); its settings look right from here"
            }
            Class::Timeout => {
                "look at what stands between Prometheus and the targets: a firewall of the nodes or the cloud's security group that drops the port"
            }
            Class::Unreachable => {
                "look at the nodes' firewall and routes: something answers with a rejection on the way"
            }
            Class::Dns => "let the target be given by address, or mend the name in the cluster's DNS",
            Class::Auth => {
                "give the monitor the credentials that the endpoint asks for, or take the proxy in front of it away"
            }
            Class::Path => {
                "set the monitor's path to /metrics; if it is, another process answers on that port"
            }
            Class::Exporter => "read the body: curl the endpoint from the node, and the pod's log",
            Class::Scheme => "set the monitor's scheme and tlsConfig to what the endpoint speaks",
            Class::Certificate => {
                "give the monitor's tlsConfig the right CA and serverName, or renew the certificate"
            }
            Class::ClientCertificate => {
                "give the monitor's tlsConfig a client certificate of the CA that the endpoint trusts"
            }
            Class::Limit => "raise the limit on the monitor or on the Prometheus object",
            Class::Parse => "read the body: curl the endpoint from the node; something else may answer there",
            Class::Cut => {
                "look for a proxy, a mesh side-car or a full conntrack table between Prometheus and the targets"
            }
            Class::Other => "read the error; it is no common one",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn texts_of_prometheus_and_go_have_their_class() {
        #[track_caller]
        fn check(text: &str, expect: Class) {
            assert_eq!(Class::of(text), expect, "{text}");
        }
        check(
            r#"Get "http://10.0.0.1:9091/metrics": dial tcp 10.0.0.1:9091: connect: connection refused"#,
            Class::Refused,
        );
        check(r#"Get "http://10.0.0.1:9094/metrics": context deadline exceeded"#, Class::Timeout);
        check("dial tcp 10.0.0.1:9091: i/o timeout", Class::Timeout);
        check("dial tcp 10.0.0.1:9091: connect: no route to host", Class::Unreachable);
        check("dial tcp: lookup typha on 10.96.0.10:53: no such host", Class::Dns);
        check("server returned HTTP status 403 Forbidden", Class::Auth);
        check("server returned HTTP status 404 Not Found", Class::Path);
        check("server returned HTTP status 500 Internal Server Error", Class::Exporter);
        check("server returned HTTP status 400 Bad Request", Class::Scheme);
        check("http: server gave HTTP response to HTTPS client", Class::Scheme);
        check("tls: first record does not look like a TLS handshake", Class::Scheme);
        check(
            r#"net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01""#,
            Class::Scheme,
        );
        check(
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            Class::Certificate,
        );
        check("remote error: tls: certificate required", Class::ClientCertificate);
        check("remote error: tls: bad certificate", Class::ClientCertificate);
        check("sample limit exceeded", Class::Limit);
        check("body size limit exceeded", Class::Limit);
        check("label_limit exceeded (metric: \"x\", number of labels: 3, limit: 2)", Class::Limit);
        check("target_limit exceeded (number of targets: 3, limit: 2)", Class::Limit);
        check(r#"expected equal, got "INVALID" ("INVALID") while parsing: "x""#, Class::Parse);
        check(r#"received unsupported Content-Type "text/html""#, Class::Parse);
        check("unexpected EOF", Class::Cut);
        check("read: connection reset by peer", Class::Cut);
        check("whatever", Class::Other);
    }
}
