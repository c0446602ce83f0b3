//! Which proxy stands before a host, if any.

use crate::credential::basic;
use crate::no_proxy::NoProxy;
use crate::origin::Origin;
use crate::url::Url;
use tortie_config::Secret;
use tortie_config::http_client::ProxyConfig;

/// How a configuration chooses.
#[derive(Debug)]
pub(crate) enum Plan {
    /// None.
    Direct,
    /// This one, but for some hosts.
    Fixed(Proxy, Option<NoProxy>),
    /// Those of the environment.
    Environment { http: Option<Proxy>, https: Option<Proxy>, no: NoProxy },
}

/// A proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<(String, Secret)>,
}

/// What a proxy speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    Https,
    Socks5,
    /// Nothing that is spoken here; why.
    Unknown(String),
}

impl Plan {
    /// The plan of a configuration; `environment` gives variables.
    pub(crate) fn new(config: &ProxyConfig, environment: impl Fn(&str) -> Option<String>) -> Plan {
        if config.from_environment {
            let either = |name: &str| {
                let upper = environment(name).filter(|v| !v.is_empty());
                upper.or_else(|| environment(&name.to_lowercase()).filter(|v| !v.is_empty()))
            };
            let no = NoProxy::parse(&either("NO_PROXY").unwrap_or_default());
            let of = |name: &str| either(name).map(|url| Proxy::parse(&with_scheme(&url)));
            return Plan::Environment { http: of("HTTP_PROXY"), https: of("HTTPS_PROXY"), no };
        }
        let Some(url) = config.url.as_ref().filter(|u| !u.expose().is_empty()) else { return Plan::Direct };
        if config.no_proxy.is_empty() {
            return Plan::Fixed(Proxy::parse(url.expose()), None);
        }
        Plan::Fixed(Proxy::parse(&with_scheme(url.expose())), Some(NoProxy::parse(&config.no_proxy)))
    }

    /// The proxy before an origin.
    pub(crate) fn before(&self, to: &Origin) -> Option<&Proxy> {
        match self {
            Plan::Direct => None,
            Plan::Fixed(proxy, no) => {
                (!no.as_ref().is_some_and(|n| n.covers(&to.host, to.port))).then_some(proxy)
            }
            Plan::Environment { http, https, no } => {
                let proxy = if to.https { https } else { http };
                proxy.as_ref().filter(|_| !no.covers(&to.host, to.port))
            }
        }
    }
}

fn with_scheme(url: &str) -> String {
    if url.contains("://") { url.to_owned() } else { format!("http://{url}") }
}

impl Proxy {
    fn parse(text: &str) -> Proxy {
        let unknown =
            |why: String| Proxy { kind: Kind::Unknown(why), host: String::new(), port: 0, user: None };
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(e) => return unknown(format!("proxy_url: {e}")),
        };
        let kind = match url.scheme() {
            "http" => Kind::Http,
            "https" => Kind::Https,
            "socks5" | "socks5h" => Kind::Socks5,
            other => {
                return unknown(format!(
                    "proxy_url: scheme {other:?} is not spoken; hint: http, https or socks5"
                ));
            }
        };
        match url.host_and_port() {
            Ok((host, port)) => Proxy {
                kind,
                host: host.to_owned(),
                port,
                user: url.user().map(|(name, password)| (name.to_owned(), password.clone())),
            },
            Err(e) => unknown(format!("proxy_url: {e}")),
        }
    }

    /// Whether requests in plain HTTP are handed to it whole, with the whole URL in their first line.
    pub(crate) fn forwards(&self, to: &Origin) -> bool {
        !to.https && matches!(self.kind, Kind::Http | Kind::Https)
    }

    /// Value of its Proxy-Authorization header.
    pub(crate) fn authorization(&self) -> Option<String> {
        self.user.as_ref().map(|(name, password)| basic(name, password.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_config::http_client::ProxyUrl;

    fn plan(url: &str, no_proxy: &str) -> Plan {
        let url = Some(ProxyUrl::parse(url).unwrap());
        Plan::new(&ProxyConfig { url, no_proxy: no_proxy.into(), ..ProxyConfig::default() }, |_| None)
    }

    #[test]
    fn a_given_proxy_also_stands_before_loopback_unless_hosts_are_exempt() {
        let local = Origin::new(false, "127.0.0.1", 80);
        assert_eq!(plan("http://p:1", "").before(&local).map(|p| (p.host.as_str(), p.port)), Some(("p", 1)));
        assert!(plan("p:1", "x").before(&local).is_none());
        let far = Origin::new(true, "h", 443);
        assert_eq!(
            plan("socks5://u:p@p", "x").before(&far).map(|p| (p.kind.clone(), p.port)),
            Some((Kind::Socks5, 1080))
        );
        assert!(matches!(plan("ftp://p", "").before(&far).map(|p| &p.kind), Some(Kind::Unknown(_))));
    }

    #[test]
    fn variables_of_the_environment() {
        let config = ProxyConfig { from_environment: true, ..ProxyConfig::default() };
        let plan = Plan::new(&config, |name| match name {
            "https_proxy" => Some("s:2".into()),
            "HTTP_PROXY" => Some("http://u:p@h:3".into()),
            "NO_PROXY" => Some(".corp".into()),
            _ => None,
        });
        let host = |https, host: &str| plan.before(&Origin::new(https, host, 1)).map(|p| p.host.clone());
        assert_eq!(
            (host(true, "a"), host(false, "a"), host(true, "a.corp")),
            (Some("s".into()), Some("h".into()), None)
        );
        let p = plan.before(&Origin::new(false, "a", 1)).unwrap();
        assert_eq!(p.authorization().as_deref(), Some("Basic dTpw"));
        assert!(!format!("{p:?}").contains("Secret(\""));
    }
}
