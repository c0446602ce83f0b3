//! Credentials, certificates and files.

use super::Section;
use super::view::{View, is, text};
use serde_json::Value;

/// Whether an accepted object has, somewhere in its `spec`, a field of that name that is so.
fn somewhere(v: &View<'_>, field: &str, holds: &dyn Fn(&Value) -> bool) -> bool {
    ["ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig"]
        .into_iter()
        .any(|kind| v.any(kind, |s| has(s, field, holds)))
}

fn has(v: &Value, field: &str, holds: &dyn Fn(&Value) -> bool) -> bool {
    match v {
        Value::Object(map) => map.iter().any(|(k, v)| (k == field && holds(v)) || has(v, field, holds)),
        Value::Array(list) => list.iter().any(|v| has(v, field, holds)),
        _ => false,
    }
}

pub(super) fn rows() -> Section {
    let there = |field: &'static str| move |v: &View<'_>| somewhere(v, field, &is);
    Section::new("1.8")
        .row("basic", there("basicAuth"))
        .row("authorization", |v| somewhere(v, "authorization", &|a| is(&a["credentials"])))
        .row("authorization-own-type", |v| {
            somewhere(v, "authorization", &|a| text(&a["type"]).starts_with("Custom"))
        })
        .row("authorization-basic-is-refused", |v| v.refused("type cannot be set to"))
        .row("oauth2-secret", there("oauth2"))
        .row("oauth2-client-in-config-map", |v| somewhere(v, "clientId", &|c| is(&c["configMap"])))
        .row("oauth2-tls", |v| somewhere(v, "oauth2", &|o| is(&o["tlsConfig"])))
        .row("token-of-secret", there("bearerTokenSecret"))
        .row("proxy-headers", there("proxyConnectHeader"))
        .row("authority-in-secret", |v| somewhere(v, "ca", &|c| is(&c["secret"])))
        .row("authority-in-config-map", |v| somewhere(v, "ca", &|c| is(&c["configMap"])))
        .row("certificate-and-key", |v| somewhere(v, "tlsConfig", &|t| is(&t["cert"]) && is(&t["keySecret"])))
        .row("insecure", |v| somewhere(v, "insecureSkipVerify", &|x| *x == true))
        .row("server-name", there("serverName"))
        .row("versions-of-tls", there("minVersion"))
        .row("secret-absent", |v| v.refused("unable to get secret"))
        .row("key-absent", |v| v.refused("not found"))
        .row("authority-is-none", |v| v.refused("failed to decode PEM block"))
        .row("pair-is-none", |v| v.refused(": tls: "))
        .row("key-without-certificate", |v| v.refused("client"))
        .row("several-ways-are-refused", |v| v.refused("cannot be configured at the same time"))
        .row("files", |v| {
            v.endpoint("ServiceMonitor", |_, e| is(&e["bearerTokenFile"]) || is(&e["tlsConfig"]["caFile"]))
                && v.spec("/arbitraryFSAccessThroughSMs/deny") != true
        })
        .row("files-denied", |v| v.refused("file system") || v.refused("filesystem") || v.refused("denied"))
        .row("api-server-credentials", |v| v.made() && v.has("/apiserverConfig/authorization"))
        .row("api-server-credentials-absent", |v| v.fails("apiserver config"))
}
