//! Which proxy the environment names for a server, by the rules of Go's `httpproxy`, which kubectl follows.

use tortie_client::NoProxy;

/// The proxy for a server, or `None` to go straight. `env` reads a variable; the upper-case name is asked first.
///
/// Loopback and `localhost` are never proxied, nor what [`NoProxy`] covers.
pub(super) fn from_env(
    https: bool,
    host: &str,
    port: u16,
    env: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let either = |name: &str| {
        env(name).filter(|v| !v.is_empty()).or_else(|| env(&name.to_lowercase()).filter(|v| !v.is_empty()))
    };
    let proxy = either(if https { "HTTPS_PROXY" } else { "HTTP_PROXY" })?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if NoProxy::parse(&either("NO_PROXY").unwrap_or_default()).covers(host, port) {
        return None;
    }
    Some(if proxy.contains("://") { proxy } else { format!("http://{proxy}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_of_the_environment() {
        fn check(host: &str, no_proxy: &str, proxied: bool) {
            let env = |name: &str| match name {
                "HTTPS_PROXY" => Some("proxy.corp:3128".to_owned()),
                "no_proxy" => Some(no_proxy.to_owned()),
                _ => None,
            };
            let got = from_env(true, host, 6443, env);
            assert_eq!(got.as_deref(), proxied.then_some("http://proxy.corp:3128"), "{host} {no_proxy}");
        }
        check("api.example.com", "", true);
        check("127.0.0.1", "", false);
        check("[::1]", "", false);
        check("localhost", "", false);
        check("10.1.2.3", "10.0.0.0/8", false);
        check("11.1.2.3", "10.0.0.0/8", true);
        check("11.1.2.3", "x,0.0.0.0/0", false);
        check("10.1.2.3", "10.1.2.3", false);
        check("10.1.2.3", "10.1.2.3:443", true);
        check("10.1.2.3", "10.1.2.3:6443", false);
        check("api.example.com", "example.com", false);
        check("example.com", ".example.com", true);
        check("api.example.com", ".example.com", false);
        check("badexample.com", "example.com", true);
        check("api.example.com", "*", false);
        check("api.example.com", "example.com:443", true);
        check("fd00::5", "fd00::/8", false);
    }

    #[test]
    fn plain_servers_take_the_other_variable() {
        let env = |name: &str| (name == "HTTPS_PROXY").then(|| "http://p:1".to_owned());
        assert_eq!(from_env(false, "api", 80, env), None);
        assert_eq!(from_env(true, "api", 443, env).as_deref(), Some("http://p:1"));
    }
}
