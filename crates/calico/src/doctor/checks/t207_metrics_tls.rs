//! # The monitor speaks TLS where the endpoint does
//!
//! **Looks at** key, certificate and client authentication of Felix' and Typha's metrics (from Calico 3.32), and at the
//! scheme of the monitor.
//!
//! **Why it breaks silently.** With a key the endpoint answers HTTPS alone; a monitor without `scheme: https` gets
//! `Client sent an HTTP request to an HTTPS server`, status 400. With only one of key and certificate Felix writes a single
//! line into its log and starts no server at all.
//!
//! **How to mend.** Give the monitor `scheme: https` and a `tlsConfig` with the CA, and with a client certificate when the
//! endpoint asks for one. The secrets must be in the monitor's namespace.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::settings::Endpoint;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T207",
    slug: "metrics-tls",
    title: "the monitor speaks TLS where the endpoint does",
    station: Station::Port,
    level: Level::Fail,
    needs: &["T203", "T209"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out = Vec::new();
    for component in [Component::Felix, Component::Typha] {
        let Some(endpoint) = facts.settings.of_component(component).filter(|_| facts.has(component)) else {
            continue;
        };
        out.push(of_component(facts, component, endpoint));
    }
    out
}

fn of_component(facts: &Facts<'_>, component: Component, endpoint: &Endpoint<'_>) -> Judged {
    let entity = Entity::of(component);
    if !endpoint.enabled.value || !endpoint.tls {
        return Judged::pass(entity);
    }
    if endpoint.tls_half {
        let finding = Finding::new(format!(
            "{} has only one of key and certificate, so it serves no metrics",
            component.title()
        ))
        .row("prometheusMetricsKeyFile, prometheusMetricsCertFile", "one is missing", "both or neither")
        .fix(Fix::Outside("set both files, or unset both".to_owned()));
        let finding = mend::cause_of(finding, facts, component, &endpoint.enabled.from);
        return Judged::fail(entity, finding);
    }
    let Some(branch) = facts.best(component) else { return Judged::pass(entity) };
    let monitor = facts.monitor(branch);
    let scheme = monitor.field("scheme").and_then(|v| v.as_str()).unwrap_or("http");
    let client =
        monitor.field("tlsConfig").is_some_and(|t| t.get("cert").is_some() || t.get("certFile").is_some());
    let https = scheme.eq_ignore_ascii_case("https");
    if https && (client || !endpoint.client_auth) {
        return Judged::pass(entity);
    }
    let (title, field, value) = if https {
        let value = json!({"ca": {"secret": {"name": "...", "key": "ca.crt"}}, "cert": {"secret": {"name": "...", "key": "tls.crt"}}, "keySecret": {"name": "...", "key": "tls.key"}});
        (
            format!("{} asks for a client certificate, the monitor has none", component.title()),
            "tlsConfig",
            value,
        )
    } else {
        (
            format!("{} serves HTTPS, the monitor asks by {scheme}", component.title()),
            "scheme",
            json!("https"),
        )
    };
    let pointer = monitor.pointer(field);
    let with = if endpoint.client_auth { "the CA and a client certificate" } else { "the CA" };
    let finding = Finding::new(title)
        .cause(monitor.object, &pointer)
        .row(
            format!("{} endpoint", component.title()),
            "https",
            if endpoint.client_auth { "client certificates required" } else { "" },
        )
        .row(format!("{} {field}", monitor.object.reference()), scheme, "")
        .fix(Fix::Edit {
            object: monitor.object.reference(),
            path: pointer,
            value,
            note: format!(
                "beside it the monitor needs tlsConfig with {with}, from Secrets in {}",
                monitor.object.meta.namespace
            ),
        });
    Judged::fail(entity, finding)
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, set};

    fn with(felix: Value, endpoint: Value) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            let mut spec = json!({"prometheusMetricsEnabled": true});
            for (k, v) in felix.as_object().into_iter().flatten() {
                spec[k] = v.clone();
            }
            set(o.get("FelixConfiguration", "default"), "/spec", spec);
            for (k, v) in endpoint.as_object().into_iter().flatten() {
                set(o.get("ServiceMonitor", "calico-felix"), &format!("/spec/endpoints/0/{k}"), v.clone());
            }
        })
    }

    #[track_caller]
    fn check(felix: Value, endpoint: Value, expect: &[&str]) {
        let shown = felix.to_string();
        assert_eq!(findings("T207", &with(felix, endpoint)), expect, "{shown}");
    }

    fn both(auth: &str) -> Value {
        json!({"prometheusMetricsKeyFile": "/k", "prometheusMetricsCertFile": "/c", "prometheusMetricsClientAuth": auth})
    }

    #[test]
    fn the_scheme_follows_the_endpoint() {
        check(json!({}), json!({}), &[]);
        check(both("NoClientCert"), json!({"scheme": "https"}), &[]);
        check(both("NoClientCert"), json!({}), &["fail felix: Felix serves HTTPS, the monitor asks by http"]);
        check(
            both("RequireAndVerifyClientCert"),
            json!({"scheme": "https"}),
            &["fail felix: Felix asks for a client certificate, the monitor has none"],
        );
        check(
            json!({"prometheusMetricsKeyFile": "/k"}),
            json!({}),
            &["fail felix: Felix has only one of key and certificate, so it serves no metrics"],
        );
    }

    #[test]
    fn the_monitor_is_edited() {
        assert_eq!(
            mends("T207", &with(both("NoClientCert"), json!({}))),
            ["edit ServiceMonitor monitoring/calico-felix /spec/endpoints/0/scheme = \"https\": \
                 beside it the monitor needs tlsConfig with the CA, from Secrets in monitoring"]
        );
    }
}
