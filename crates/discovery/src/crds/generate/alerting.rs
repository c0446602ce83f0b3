//! Section `alerting`.

use super::Maker;
use super::discovery::Lookup;
use super::doc::{Map, Value};
use crate::crds::types::{AlertmanagerEndpoints, IntOrString, NamespaceSelector};
use tortie_config::emit::Doc;

impl Maker<'_> {
    /// The section; `more` are the rules and Alertmanagers of the additional Secrets.
    pub(in crate::crds) fn alerting(
        &self,
        more_rules: Option<Vec<Doc>>,
        more: Option<Vec<Doc>>,
    ) -> Option<Doc> {
        let alerting = self.prometheus.spec.alerting.as_ref();
        if alerting.is_none() && more_rules.is_none() && more.is_none() {
            return None;
        }
        let mut rules = Vec::new();
        let replica = self.replica_label();
        if !replica.is_empty() {
            let mut m = Map::new(self.version);
            m.put("action", "labeldrop");
            m.put("regex", quoted(&replica));
            rules.push(m.doc());
        }
        rules.extend(more_rules.into_iter().flatten());
        let own = alerting.map_or(&[][..], |a| a.alertmanagers.as_slice());
        let mut managers: Vec<Doc> = own.iter().map(|a| self.alertmanager(a)).collect();
        managers.extend(more.into_iter().flatten());
        let mut m = Map::new(self.version);
        m.put("alert_relabel_configs", rules);
        m.put("alertmanagers", managers);
        Some(m.doc())
    }

    fn alertmanager(&self, a: &AlertmanagerEndpoints) -> Doc {
        let own = &self.prometheus.meta.namespace;
        let mut m = Map::new(self.version);
        m.maybe("scheme", a.scheme.as_ref().map(|s| s.to_lowercase()));
        m.maybe("path_prefix", a.path_prefix.as_ref());
        m.maybe("timeout", a.timeout.as_ref());
        m.since("2.35.0", "enable_http2", a.enable_http2);
        self.tls(&mut m, own, a.tls_config.as_ref());
        self.proxy(&mut m, own, &a.proxy);
        let slices = self.by_slices(None);
        let lookup = Lookup {
            role: if slices { "endpointslice" } else { "endpoints" },
            namespaces: &NamespaceSelector::default(),
            attach: None,
            attach_since: "0.0.0",
            selectors: None,
        };
        self.kubernetes_sd(&mut m, a.namespace.as_deref().unwrap_or(own), &lookup);
        m.filled("bearer_token_file", &a.bearer_token_file);
        if self.version.since("2.26.0") {
            self.basic_auth(&mut m, own, a.basic_auth.as_ref());
        }
        self.authorization(&mut m, own, a.authorization.as_ref());
        self.sigv4(&mut m, own, a);
        let version = a.api_version.as_ref().map(|v| v.to_lowercase());
        let spoken = version.filter(|v| v == "v2" || (v == "v1" && self.version.major() <= 2));
        m.since("2.11.0", "api_version", spoken);
        let mut rules = Vec::new();
        let mut keep = |source: &str, regex: &str| {
            let mut r = Map::new(self.version);
            r.put("action", "keep");
            r.put("source_labels", [source].as_slice());
            r.put("regex", regex);
            rules.push(r.doc());
        };
        keep("__meta_kubernetes_service_name", &a.name);
        match &a.port {
            IntOrString::Text(port) if !port.is_empty() => {
                let part = if slices { "endpointslice" } else { "endpoint" };
                keep(&format!("__meta_kubernetes_{part}_port_name"), port);
            }
            IntOrString::Int(n) if *n != 0 => {
                keep("__meta_kubernetes_pod_container_port_number", &n.to_string());
            }
            _ => {}
        }
        rules.extend(a.relabelings.iter().map(|r| self.users_rule(r)));
        m.put("relabel_configs", rules);
        if !a.alert_relabelings.is_empty() {
            let rules: Vec<Doc> = a.alert_relabelings.iter().map(|r| self.users_rule(r)).collect();
            m.since("2.51.0", "alert_relabel_configs", Some(rules));
        }
        m.doc()
    }

    fn sigv4(&self, out: &mut Map<'_>, ns: &str, a: &AlertmanagerEndpoints) {
        let Some(s) = a.sigv4.as_ref().filter(|_| self.version.since("2.48.0")) else { return };
        let mut m = Map::new(self.version);
        m.filled("region", &s.region);
        if let (Some(access), Some(secret)) = (&s.access_key, &s.secret_key) {
            let (access, secret) = (self.store.take(ns, access), self.store.take(ns, secret));
            if let (Some(access), Some(secret)) =
                (access.filter(|a| !a.is_empty()), secret.filter(|s| !s.is_empty()))
            {
                m.put("access_key", access);
                m.put("secret_key", secret);
            }
        }
        m.filled("profile", &s.profile);
        m.filled("role_arn", &s.role_arn);
        m.since("3.11.0", "external_id", Some(&s.external_id).filter(|e| !e.is_empty()));
        m.since("2.54.0", "use_fips_sts_endpoint", s.use_fips_sts_endpoint);
        out.put("sigv4", m);
    }
}

/// A text as a regular expression that matches it, as Go's `regexp.QuoteMeta`.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
