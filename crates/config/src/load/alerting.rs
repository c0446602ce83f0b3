//! Section `alerting`. Checks and words are Prometheus'.

use super::{dns, http, kubernetes, rules, targets};
use crate::alerting::{AlertingConfig, AlertmanagerConfig};
use crate::read::{Errors, Section};
use crate::yaml::{Node, Value};
use tortie_model::names::NameScheme;

/// Path of a set of Alertmanagers in the key table.
const PATH: &str = "alerting.alertmanagers[]";

pub(super) fn read(
    node: Option<&Node>,
    scheme: NameScheme,
    dir: &str,
    errors: &mut Errors,
) -> AlertingConfig {
    let mut out = AlertingConfig::default();
    let Some(node) = node else { return out };
    let mut s = Section::open(node, "alerting", errors);
    out.alert_relabel = rules::read_of(
        &mut s,
        "alert_relabel_configs",
        "empty or null alert relabeling rule",
        scheme,
        errors,
    );
    for node in s.list("alertmanagers", errors).unwrap_or_default() {
        if matches!(node.value, Value::Null) {
            errors.push(node.at, "empty or null section in alertmanagers");
            continue;
        }
        out.alertmanagers.push(one(node, scheme, dir, errors));
    }
    out
}

fn one(node: &Node, scheme: NameScheme, dir: &str, errors: &mut Errors) -> AlertmanagerConfig {
    let mut s = Section::open(node, PATH, errors);
    if let Some((version, at)) = s.text("api_version", errors)
        && version != "v2"
    {
        errors.push(at, format!("expected Alertmanager api version to be one of [v2] but got {version}"));
    }
    let relabel = rules::read_of(
        &mut s,
        "relabel_configs",
        "empty or null Alertmanager target relabeling rule",
        scheme,
        errors,
    );
    let alert_relabel = rules::read_of(
        &mut s,
        "alert_relabel_configs",
        "empty or null Alertmanager alert relabeling rule",
        scheme,
        errors,
    );
    AlertmanagerConfig {
        scheme: s.text("scheme", errors).map_or_else(|| "http".to_owned(), |(t, _)| t),
        path_prefix: s.text("path_prefix", errors).map(|(t, _)| t).unwrap_or_default(),
        timeout_ms: s.duration("timeout", errors).map_or(10_000, |(ms, _)| ms),
        http: http::read(&mut s, PATH, dir, errors),
        static_configs: targets::statics(&mut s, relabel.is_empty(), errors),
        dns_sd_configs: dns::read(&mut s, errors),
        file_sd_configs: targets::files(&mut s, dir, errors),
        kubernetes_sd_configs: kubernetes::read(&mut s, dir, errors),
        relabel,
        alert_relabel,
    }
}
