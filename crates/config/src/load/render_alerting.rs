//! The effective section `alerting`: Prometheus' order of keys.

use super::render::{Entries, files, put, rules, statics, text, time};
use super::{dns, render_http, render_kubernetes};
use crate::alerting::{AlertingConfig, AlertmanagerConfig};
use crate::emit::Doc;

pub(super) fn alerting(e: &mut Entries, a: &AlertingConfig) {
    let mut out = Entries::new();
    rules(&mut out, "alert_relabel_configs", &a.alert_relabel);
    if !a.alertmanagers.is_empty() {
        put(&mut out, "alertmanagers", Doc::List(a.alertmanagers.iter().map(|a| Doc::Map(one(a))).collect()));
    }
    if !out.is_empty() {
        put(e, "alerting", Doc::Map(out));
    }
}

fn one(a: &AlertmanagerConfig) -> Entries {
    let mut e = Entries::new();
    render_http::http(&mut e, &a.http);
    for (key, value) in [("scheme", &a.scheme), ("path_prefix", &a.path_prefix)] {
        if !value.is_empty() {
            put(&mut e, key, text(value));
        }
    }
    if a.timeout_ms != 0 {
        put(&mut e, "timeout", time(a.timeout_ms));
    }
    put(&mut e, "api_version", text("v2"));
    rules(&mut e, "relabel_configs", &a.relabel);
    rules(&mut e, "alert_relabel_configs", &a.alert_relabel);
    if !a.dns_sd_configs.is_empty() {
        put(&mut e, "dns_sd_configs", Doc::List(a.dns_sd_configs.iter().map(dns::render).collect()));
    }
    if !a.file_sd_configs.is_empty() {
        put(&mut e, "file_sd_configs", Doc::List(a.file_sd_configs.iter().map(files).collect()));
    }
    if !a.kubernetes_sd_configs.is_empty() {
        put(
            &mut e,
            "kubernetes_sd_configs",
            Doc::List(a.kubernetes_sd_configs.iter().map(render_kubernetes::one).collect()),
        );
    }
    if !a.static_configs.is_empty() {
        put(&mut e, "static_configs", Doc::List(a.static_configs.iter().map(statics).collect()));
    }
    e
}
