//! Credentials and connection of a job, with what a scrape class adds. Credentials stand in the text, as the operator has it.

use super::doc::Map;
use super::{Maker, Material};
use crate::crds::types::{Authorization, BasicAuth, KeyRef, OAuth2, Proxy, ScrapeClass, Tls};
use tortie_config::emit::Doc;

/// Where the operator mounts certificates.
const CERTIFICATES: &str = "/etc/prometheus/certs";

/// What the monitor says of TLS and the class adds.
pub(super) fn with_class_tls(own: Option<&Tls>, class: &ScrapeClass) -> Option<Tls> {
    let Some(own) = own else { return class.tls_config.clone() };
    let mut out = own.clone();
    let Some(class) = &class.tls_config else { return Some(out) };
    if out.ca_file.is_empty() && out.ca.is_empty() {
        out.ca_file.clone_from(&class.ca_file);
    }
    if out.cert_file.is_empty() && out.cert.is_empty() {
        out.cert_file.clone_from(&class.cert_file);
    }
    if out.key_file.is_empty() && out.key_secret.is_none() {
        out.key_file.clone_from(&class.key_file);
    }
    Some(out)
}

/// The same for kinds without files, where an empty section counts as none.
pub(super) fn with_class_safe_tls(own: Option<&Tls>, class: &ScrapeClass) -> Option<Tls> {
    let own = own.map(Tls::without_files).filter(|t| *t != Tls::default());
    with_class_tls(own.as_ref(), class)
}

/// What the monitor says of authorization and the class adds.
pub(super) fn with_class_authorization(
    own: Option<&Authorization>,
    class: &ScrapeClass,
) -> Option<Authorization> {
    let own = own.map(|a| Authorization { credentials_file: String::new(), ..a.clone() });
    let Some(mut own) = own.filter(|a| *a != Authorization::default()) else {
        return class.authorization.clone();
    };
    if own.credentials.is_none()
        && let Some(class) = &class.authorization
    {
        own.credentials.clone_from(&class.credentials);
        if own.credentials.is_none() {
            own.credentials_file.clone_from(&class.credentials_file);
        }
    }
    Some(own)
}

impl Maker<'_> {
    pub(super) fn tls(&self, out: &mut Map<'_>, ns: &str, tls: Option<&Tls>) {
        if let Some(t) = tls {
            let section = self.tls_section(ns, t);
            out.put("tls_config", section);
        }
    }

    fn tls_section(&self, ns: &str, t: &Tls) -> Doc {
        let mut m = Map::new(self.version);
        m.maybe("insecure_skip_verify", t.insecure_skip_verify);
        let asset = |from: u8, key: &KeyRef| format!("{CERTIFICATES}/{from}_{ns}_{}_{}", key.name, key.key);
        for (name, what) in [("ca", &t.ca), ("cert", &t.cert)] {
            let place = match (&what.secret, &what.config_map) {
                (Some(key), _) => asset(0, key),
                (None, Some(key)) => asset(1, key),
                (None, None) => continue,
            };
            match self.material {
                Material::Inline => m.maybe(name, self.store.take_either(ns, what)),
                Material::Mounted => m.put(&format!("{name}_file"), place),
            }
        }
        if let Some(key) = &t.key_secret {
            match self.material {
                Material::Inline => m.maybe("key", self.store.take(ns, key)),
                Material::Mounted => m.put("key_file", asset(0, key)),
            }
        }
        m.filled("server_name", t.server_name.as_deref().unwrap_or(""));
        m.since("2.35.0", "min_version", t.min_version.as_ref());
        m.since("2.41.0", "max_version", t.max_version.as_ref());
        m.filled("ca_file", &t.ca_file);
        m.filled("cert_file", &t.cert_file);
        m.filled("key_file", &t.key_file);
        super::doc::Value::doc(m)
    }

    pub(super) fn basic_auth(&self, out: &mut Map<'_>, ns: &str, basic: Option<&BasicAuth>) {
        let Some(b) = basic else { return };
        let mut m = Map::new(self.version);
        m.put("username", self.store.take(ns, &b.username).unwrap_or_default());
        m.put("password", self.store.take(ns, &b.password).unwrap_or_default());
        out.put("basic_auth", m);
    }

    pub(super) fn authorization(&self, out: &mut Map<'_>, ns: &str, authorization: Option<&Authorization>) {
        let Some(a) = authorization else { return };
        let mut m = Map::new(self.version);
        m.put("type", if a.kind.is_empty() { "Bearer" } else { a.kind.trim() });
        m.maybe("credentials", a.credentials.as_ref().and_then(|key| self.store.take(ns, key)));
        m.filled("credentials_file", &a.credentials_file);
        out.since("2.26.0", "authorization", Some(m));
    }

    pub(super) fn bearer_token(&self, out: &mut Map<'_>, ns: &str, token: Option<&KeyRef>) {
        if let Some(key) = token {
            out.maybe("bearer_token", self.store.take(ns, key));
        }
    }

    pub(super) fn oauth2(&self, out: &mut Map<'_>, ns: &str, oauth2: Option<&OAuth2>) {
        let Some(o) = oauth2 else { return };
        let (Some(id), Some(secret)) =
            (self.store.take_either(ns, &o.client_id), self.store.take(ns, &o.client_secret))
        else {
            return;
        };
        let mut m = Map::new(self.version);
        m.put("client_id", id);
        m.put("client_secret", secret);
        m.put("token_url", &o.token_url);
        if !o.scopes.is_empty() {
            m.put("scopes", o.scopes.as_slice());
        }
        if !o.endpoint_params.is_empty() {
            let mut params = Map::new(self.version);
            o.endpoint_params.iter().for_each(|(k, v)| params.put(k, v));
            m.put("endpoint_params", params);
        }
        if self.version.since("2.43.0") {
            self.proxy(&mut m, ns, &o.proxy);
            self.tls(&mut m, ns, o.tls_config.as_ref().map(Tls::without_files).as_ref());
        }
        out.since("2.27.0", "oauth2", Some(m));
    }

    pub(super) fn proxy(&self, out: &mut Map<'_>, ns: &str, p: &Proxy) {
        out.maybe("proxy_url", p.proxy_url.as_ref());
        out.since("2.43.0", "no_proxy", p.no_proxy.as_ref());
        out.since("2.43.0", "proxy_from_environment", p.proxy_from_environment);
        let headers = p.proxy_connect_header.as_ref().map(|headers| {
            let mut m = Map::new(self.version);
            for (name, keys) in headers {
                let values = keys.iter().map(|k| Doc::Text(self.store.take(ns, k).unwrap_or_default()));
                m.put(name, values.collect::<Vec<_>>());
            }
            m
        });
        out.since("2.43.0", "proxy_connect_header", headers);
    }
}
