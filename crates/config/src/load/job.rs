//! One element of `scrape_configs`.

use super::{Global, dns, global, http, kubernetes, rules, size, targets};
use crate::read::{self, Errors, Section};
use crate::scrape::{NameEscaping, ScrapeConfig, ScrapeProtocol};
use crate::yaml::{Node, Value};
use tortie_model::names::NameScheme;

/// Path of a job in the key table.
const PATH: &str = "scrape_configs[]";

pub(super) fn read(node: &Node, global: &Global, dir: &str, errors: &mut Errors) -> Option<ScrapeConfig> {
    let mut s = Section::open(node, PATH, errors);
    let job_name = s.text("job_name", errors).map(|(t, _)| t).unwrap_or_default();
    if job_name.is_empty() {
        errors.push(node.at, "job_name is empty");
        return None;
    }
    let (interval_ms, timeout_ms) = times(&mut s, &job_name, global, errors);
    let whose = format!(" for scrape config with job name {job_name:?}");
    let protocols = global::protocols(&mut s, &whose, errors).or_else(|| global.protocols.clone());
    let local_scheme = global::name_scheme(&mut s, errors);
    let name_scheme = local_scheme.unwrap_or(global.name_scheme);
    let relabel = rules::read(&mut s, "relabel_configs", name_scheme, errors);
    let static_configs = targets::statics(&mut s, relabel.is_empty(), errors);
    let mut limit = |key: &str, fallback: u64, errors: &mut Errors| {
        s.unsigned(key, errors).filter(|v| *v > 0).unwrap_or(fallback)
    };
    let sample_limit = limit("sample_limit", global.sample_limit, errors);
    let target_limit = limit("target_limit", global.target_limit, errors);
    let label_limit = limit("label_limit", global.label_limit, errors);
    let label_name_length_limit = limit("label_name_length_limit", global.label_name_length_limit, errors);
    let label_value_length_limit = limit("label_value_length_limit", global.label_value_length_limit, errors);
    let keep_dropped_targets = limit("keep_dropped_targets", global.keep_dropped_targets, errors);
    Some(ScrapeConfig {
        honor_labels: s.boolean("honor_labels", errors).unwrap_or(false),
        honor_timestamps: s.boolean("honor_timestamps", errors).unwrap_or(true),
        track_timestamps_staleness: s.boolean("track_timestamps_staleness", errors).unwrap_or(false),
        params: params(&mut s, errors),
        interval_ms,
        timeout_ms,
        protocols: protocols.unwrap_or_else(|| ScrapeProtocol::DEFAULT.to_vec()),
        fallback_protocol: fallback(&mut s, &job_name, errors),
        metrics_path: s.text("metrics_path", errors).map_or_else(|| "/metrics".to_owned(), |(t, _)| t),
        scheme: s.text("scheme", errors).map_or_else(|| "http".to_owned(), |(t, _)| t),
        enable_compression: s.boolean("enable_compression", errors).unwrap_or(true),
        body_size_limit: size(&mut s, "body_size_limit", errors)
            .filter(|v| *v > 0)
            .unwrap_or(global.body_size_limit),
        sample_limit,
        target_limit,
        label_limit,
        label_name_length_limit,
        label_value_length_limit,
        keep_dropped_targets,
        extra_scrape_metrics: s
            .boolean("extra_scrape_metrics", errors)
            .unwrap_or(global.extra_scrape_metrics),
        name_escaping: escaping(&mut s, local_scheme, name_scheme, global, errors),
        name_scheme,
        http: http::read(&mut s, PATH, dir, errors),
        relabel,
        metric_relabel: rules::read(&mut s, "metric_relabel_configs", name_scheme, errors),
        static_configs,
        dns_sd_configs: dns::read(&mut s, errors),
        file_sd_configs: targets::files(&mut s, dir, errors),
        kubernetes_sd_configs: kubernetes::read(&mut s, dir, errors),
        job_name,
    })
}

fn times(s: &mut Section<'_>, job: &str, global: &Global, errors: &mut Errors) -> (i64, i64) {
    let interval = s
        .duration("scrape_interval", errors)
        .map(|(ms, _)| ms)
        .filter(|ms| *ms > 0)
        .unwrap_or(global.scrape_interval_ms);
    match s.duration("scrape_timeout", errors).filter(|(ms, _)| *ms > 0) {
        Some((timeout, at)) => {
            if timeout > interval {
                errors.push(
                    at,
                    format!(
                        "scrape timeout greater than scrape interval for scrape config with job name {job:?}"
                    ),
                );
            }
            (interval, timeout)
        }
        None => (interval, global.scrape_timeout_ms.min(interval)),
    }
}

fn fallback(s: &mut Section<'_>, job: &str, errors: &mut Errors) -> Option<ScrapeProtocol> {
    let (name, at) = s.text("fallback_scrape_protocol", errors).filter(|(t, _)| !t.is_empty())?;
    let found = ScrapeProtocol::parse(&name);
    if found.is_none() {
        let why = global::unknown_protocol(&name);
        errors.push(
            at,
            format!("invalid fallback_scrape_protocol for scrape config with job name {job:?}: {why}"),
        );
    }
    if found == Some(ScrapeProtocol::PrometheusProto) && !global::SCRAPES_PROTOBUF {
        errors.push(
            at,
            "PrometheusProto is not supported yet: native histograms, which it is for, are not stored yet",
        );
    }
    found
}

fn params(s: &mut Section<'_>, errors: &mut Errors) -> Vec<(String, Vec<String>)> {
    let Some(node) = s.take("params") else { return Vec::new() };
    let Value::Map(entries) = &node.value else {
        errors.push(node.at, format!("{PATH}.params must be a mapping, not {}", node.kind()));
        return Vec::new();
    };
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in entries {
        match &value.value {
            Value::Null => out.push((key.text.clone(), Vec::new())),
            Value::Seq(items) => {
                out.push((key.text.clone(), items.iter().filter_map(|n| read::text(n, errors)).collect()))
            }
            // The library makes a list of a single text.
            Value::Scalar { text, .. } => out.push((key.text.clone(), vec![text.clone()])),
            Value::Map(_) => {
                errors.push(value.at, format!("{PATH}.params.{} must be a list, not a mapping", key.text))
            }
        }
    }
    out.sort();
    out
}

/// A job that names its own scheme of names does not take the global escaping, which might not fit.
fn escaping(
    s: &mut Section<'_>,
    local: Option<NameScheme>,
    scheme: NameScheme,
    global: &Global,
    errors: &mut Errors,
) -> NameEscaping {
    let of_scheme = |scheme| {
        if scheme == NameScheme::Legacy { NameEscaping::Underscores } else { NameEscaping::AllowUtf8 }
    };
    let at = s.at;
    let chosen = global::escaping(s, errors).unwrap_or_else(|| match local {
        Some(local) => of_scheme(local),
        None => global.name_escaping.unwrap_or_else(|| of_scheme(global.name_scheme)),
    });
    if chosen == NameEscaping::AllowUtf8 && scheme != NameScheme::Utf8 {
        errors.push(at, "utf8 metric names requested but validation scheme is not set to UTF8");
    }
    chosen
}
