//! What is allowed, as in Prometheus, and yet to be known of a target: that its certificate is not looked at, that credentials
//! go over the wire as they are.

use tortie_config::HttpClientConfig;

const UNVERIFIED: &str = "the certificate is not verified (insecure_skip_verify)";
const READABLE: &str = "credentials are sent over plain http";

/// Remarks on targets of a scheme; none go to a target whose credentials are withheld.
pub(super) fn of(http: &HttpClientConfig, scheme: &str, withheld: bool) -> Vec<&'static str> {
    let unverified = scheme == "https" && http.tls.insecure_skip_verify;
    let readable = scheme == "http" && http.auth.is_some() && !withheld;
    let all = [(unverified, UNVERIFIED), (readable, READABLE)];
    all.into_iter().filter(|(so, _)| *so).map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_config::Secret;
    use tortie_config::http_client::{Auth, Source, TlsConfig};

    #[track_caller]
    fn check(auth: bool, insecure: bool, scheme: &str, withheld: bool, expect: &[&str]) {
        let credentials = Source::Inline(Secret::new("t"));
        let http = HttpClientConfig {
            auth: auth.then(|| Auth::Scheme { kind: "Bearer".into(), credentials }),
            tls: TlsConfig { insecure_skip_verify: insecure, ..TlsConfig::default() },
            ..HttpClientConfig::default()
        };
        assert_eq!(of(&http, scheme, withheld), expect, "{auth} {insecure} {scheme} {withheld}");
    }

    #[test]
    fn what_is_said_depends_on_the_scheme() {
        check(true, false, "http", false, &[READABLE]);
        check(true, false, "http", true, &[]);
        check(true, false, "https", false, &[]);
        check(false, false, "http", false, &[]);
        check(true, true, "https", false, &[UNVERIFIED]);
        check(false, true, "http", false, &[]);
    }
}
