//! Fields of a Prometheus object that have no effect here: whoever sets one is told so by name.

use serde_json::{Map, Value, json};

/// Each with the reason; `docs/crd-fields.md` has them as refused.
const FIELDS: [(&str, &str); 21] = [
    ("additionalArgs", "flags are given to `tortie run`"),
    ("allowOverlappingBlocks", "Prometheus 3 does not read it either"),
    ("disableCompaction", "flags are given to `tortie run`, which has none for it"),
    ("enableAdminAPI", "it is a flag: --web.enable-admin-api"),
    ("enableOTLPReceiver", "flags are given to `tortie run`, which has no OTLP receiver yet"),
    ("enableRemoteWriteReceiver", "flags are given to `tortie run`, which has no remote-write receiver yet"),
    ("externalUrl", "it is a flag: --web.external-url"),
    ("listenLocal", "it is a flag: --web.listen-address"),
    ("logFormat", "it is a flag: --log.format"),
    ("logLevel", "it is a flag: --log.level"),
    ("otlp", "otlp is not read from the Prometheus object yet"),
    ("paused", "it stops the operator; tortie goes on"),
    ("query", "its settings are flags: --query.*"),
    ("remoteRead", "remoteRead is not read from the Prometheus object yet"),
    ("remoteWrite", "remoteWrite is not read from the Prometheus object yet"),
    (
        "remoteWriteReceiverMessageVersions",
        "flags are given to `tortie run`, which has no remote-write receiver yet",
    ),
    ("routePrefix", "it is a flag: --web.route-prefix"),
    ("shardRetentionPolicy", "it is about StatefulSets of the operator"),
    ("thanos", "its sidecar is not run"),
    ("tracingConfig", "tracingConfig is not read from the Prometheus object yet"),
    ("web", "it is a flag: --web.config.file"),
];

/// The fields of a `spec` that are set to something of their own and have no effect.
pub(super) fn of(spec: Option<&Map<String, Value>>) -> Vec<&'static str> {
    let set = |name: &str| spec.and_then(|s| s.get(name)).is_some_and(|v| !is_usual(name, v));
    FIELDS.iter().map(|(name, _)| *name).filter(|name| set(name)).collect()
}

/// Why a field has no effect.
pub(super) fn reason(name: &str) -> &'static str {
    FIELDS.iter().find(|(n, _)| *n == name).map_or("", |(_, reason)| reason)
}

/// What is also without the field; charts like to write it out.
fn is_usual(name: &str, value: &Value) -> bool {
    let usual = match name {
        "routePrefix" => json!("/"),
        "logLevel" => json!("info"),
        "logFormat" => json!("logfmt"),
        _ => Value::Null,
    };
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(s) if s.is_empty() => true,
        Value::Array(a) if a.is_empty() => true,
        Value::Object(o) if o.is_empty() => true,
        other => *other == usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    #[allow(clippy::needless_pass_by_value)]
    fn check(spec: Value, expect: &[&str]) {
        assert_eq!(of(spec.as_object()), expect, "{spec}");
    }

    #[test]
    fn what_says_nothing_of_its_own_is_not_named() {
        check(json!({"paused": false, "externalUrl": "", "remoteWrite": [], "web": {}, "thanos": null}), &[]);
        check(json!({"routePrefix": "/", "logLevel": "info", "logFormat": "logfmt", "replicas": 2}), &[]);
        check(
            json!({"routePrefix": "/p", "logLevel": "debug", "paused": true}),
            &["logLevel", "paused", "routePrefix"],
        );
    }

    /// Every field that the page calls refused is named when it is set, and no other one.
    #[test]
    fn the_page_has_the_same_fields() {
        let page = include_str!("../../../../docs/crd-fields.md");
        let table = page.split("\n## ").find(|s| s.starts_with("Prometheus\n")).unwrap();
        let refused = table.lines().filter(|l| l.contains("` | refused |"));
        let names = refused.filter_map(|l| l.strip_prefix("| `")?.split('`').next());
        // It is a key of the configuration, and left out by that name.
        let whole = names.filter(|n| !n.contains(['.', '[']) && *n != "queryLogFile");
        assert_eq!(whole.collect::<Vec<_>>(), FIELDS.map(|(name, _)| name));
    }
}
