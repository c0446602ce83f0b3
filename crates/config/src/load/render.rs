//! The effective configuration as Prometheus shows it: its order of keys, its choice of which defaults appear.

use super::{Config, Global, dns, render_alerting, render_http, render_kubernetes};
use crate::bytes;
use crate::emit::{Doc, emit};
use crate::scrape::{FileSdConfig, ScrapeConfig, ScrapeProtocol, StaticConfig};
use tortie_model::duration;
use tortie_model::relabel::Rule;

pub(super) type Entries = Vec<(String, Doc)>;

pub(super) fn config(c: &Config) -> String {
    let mut e = Entries::new();
    put(&mut e, "global", Doc::Map(global(&c.global)));
    let level = c.runtime.log_level.as_deref().unwrap_or("info");
    let runtime = vec![
        ("gogc".to_owned(), Doc::Raw(c.runtime.gogc.to_string())),
        ("log_level".to_owned(), text(level)),
    ];
    put(&mut e, "runtime", Doc::Map(runtime));
    render_alerting::alerting(&mut e, &c.alerting);
    if !c.rule_files.is_empty() {
        put(&mut e, "rule_files", Doc::List(c.rule_files.iter().map(|f| text(f)).collect()));
    }
    if !c.scrape_configs.is_empty() {
        put(&mut e, "scrape_configs", Doc::List(c.scrape_configs.iter().map(|j| Doc::Map(job(j))).collect()));
    }
    let mut retention = Entries::new();
    if let Some(ms) = c.storage.retention_time_ms.filter(|ms| *ms != 0) {
        put(&mut retention, "time", time(ms));
    }
    size(&mut retention, "size", c.storage.retention_size.unwrap_or(0));
    // The key in lower case is a field that Prometheus forgot to hide.
    let tsdb = vec![
        ("outofordertimewindow".to_owned(), Doc::Raw("0".to_owned())),
        ("retention".to_owned(), Doc::Map(retention)),
    ];
    put(&mut e, "storage", Doc::Map(vec![("tsdb".to_owned(), Doc::Map(tsdb))]));
    let otlp = vec![
        ("translation_strategy".to_owned(), text("UnderscoreEscapingWithSuffixes")),
        ("label_name_underscore_sanitization".to_owned(), flag(true)),
        ("label_name_preserve_multiple_underscores".to_owned(), flag(true)),
    ];
    put(&mut e, "otlp", Doc::Map(otlp));
    emit(&Doc::Map(e))
}

pub(super) fn put(e: &mut Entries, key: &str, doc: Doc) {
    e.push((key.to_owned(), doc));
}

pub(super) fn text(s: &str) -> Doc {
    Doc::Text(s.to_owned())
}

pub(super) fn time(ms: i64) -> Doc {
    Doc::Text(duration::format(ms))
}

pub(super) fn flag(b: bool) -> Doc {
    Doc::Raw(b.to_string())
}

fn number(e: &mut Entries, key: &str, n: u64) {
    if n != 0 {
        put(e, key, Doc::Raw(n.to_string()));
    }
}

fn size(e: &mut Entries, key: &str, n: u64) {
    if n != 0 {
        put(e, key, Doc::Text(bytes::format(n)));
    }
}

fn protocols(list: &[ScrapeProtocol]) -> Doc {
    Doc::List(list.iter().map(|p| text(p.as_str())).collect())
}

fn global(g: &Global) -> Entries {
    let mut e = Entries::new();
    put(&mut e, "scrape_interval", time(g.scrape_interval_ms));
    put(&mut e, "scrape_timeout", time(g.scrape_timeout_ms));
    if let Some(list) = &g.protocols {
        put(&mut e, "scrape_protocols", protocols(list));
    }
    put(&mut e, "evaluation_interval", time(g.evaluation_interval_ms));
    if g.rule_query_offset_ms != 0 {
        put(&mut e, "rule_query_offset", time(g.rule_query_offset_ms));
    }
    if !g.external_labels.is_empty() {
        let labels = g.external_labels.iter().map(|(k, v)| (k.clone(), text(v)));
        put(&mut e, "external_labels", Doc::Map(labels.collect()));
    }
    size(&mut e, "body_size_limit", g.body_size_limit);
    number(&mut e, "sample_limit", g.sample_limit);
    number(&mut e, "target_limit", g.target_limit);
    number(&mut e, "label_limit", g.label_limit);
    number(&mut e, "label_name_length_limit", g.label_name_length_limit);
    number(&mut e, "label_value_length_limit", g.label_value_length_limit);
    number(&mut e, "keep_dropped_targets", g.keep_dropped_targets);
    put(&mut e, "metric_name_validation_scheme", text(g.name_scheme.as_str()));
    if let Some(escaping) = g.name_escaping {
        put(&mut e, "metric_name_escaping_scheme", text(escaping.as_str()));
    }
    put(&mut e, "scrape_native_histograms", flag(false));
    put(&mut e, "extra_scrape_metrics", flag(g.extra_scrape_metrics));
    e
}

fn job(j: &ScrapeConfig) -> Entries {
    let mut e = Entries::new();
    put(&mut e, "job_name", text(&j.job_name));
    if j.honor_labels {
        put(&mut e, "honor_labels", flag(true));
    }
    put(&mut e, "honor_timestamps", flag(j.honor_timestamps));
    put(&mut e, "track_timestamps_staleness", flag(j.track_timestamps_staleness));
    if !j.params.is_empty() {
        let list = |values: &[String]| Doc::List(values.iter().map(|v| text(v)).collect());
        put(&mut e, "params", Doc::Map(j.params.iter().map(|(k, v)| (k.clone(), list(v))).collect()));
    }
    put(&mut e, "scrape_interval", time(j.interval_ms));
    put(&mut e, "scrape_timeout", time(j.timeout_ms));
    put(&mut e, "scrape_protocols", protocols(&j.protocols));
    if let Some(p) = j.fallback_protocol {
        put(&mut e, "fallback_scrape_protocol", text(p.as_str()));
    }
    for key in
        ["scrape_native_histograms", "always_scrape_classic_histograms", "convert_classic_histograms_to_nhcb"]
    {
        put(&mut e, key, flag(false));
    }
    if !j.metrics_path.is_empty() {
        put(&mut e, "metrics_path", text(&j.metrics_path));
    }
    if !j.scheme.is_empty() {
        put(&mut e, "scheme", text(&j.scheme));
    }
    put(&mut e, "enable_compression", flag(j.enable_compression));
    size(&mut e, "body_size_limit", j.body_size_limit);
    number(&mut e, "sample_limit", j.sample_limit);
    number(&mut e, "target_limit", j.target_limit);
    number(&mut e, "label_limit", j.label_limit);
    number(&mut e, "label_name_length_limit", j.label_name_length_limit);
    number(&mut e, "label_value_length_limit", j.label_value_length_limit);
    number(&mut e, "keep_dropped_targets", j.keep_dropped_targets);
    put(&mut e, "metric_name_validation_scheme", text(j.name_scheme.as_str()));
    put(&mut e, "metric_name_escaping_scheme", text(j.name_escaping.as_str()));
    put(&mut e, "extra_scrape_metrics", flag(j.extra_scrape_metrics));
    render_http::http(&mut e, &j.http);
    rules(&mut e, "relabel_configs", &j.relabel);
    rules(&mut e, "metric_relabel_configs", &j.metric_relabel);
    if !j.dns_sd_configs.is_empty() {
        put(&mut e, "dns_sd_configs", Doc::List(j.dns_sd_configs.iter().map(dns::render).collect()));
    }
    if !j.file_sd_configs.is_empty() {
        put(&mut e, "file_sd_configs", Doc::List(j.file_sd_configs.iter().map(files).collect()));
    }
    if !j.kubernetes_sd_configs.is_empty() {
        put(
            &mut e,
            "kubernetes_sd_configs",
            Doc::List(j.kubernetes_sd_configs.iter().map(render_kubernetes::one).collect()),
        );
    }
    if !j.static_configs.is_empty() {
        put(&mut e, "static_configs", Doc::List(j.static_configs.iter().map(statics).collect()));
    }
    e
}

pub(super) fn rules(e: &mut Entries, key: &str, rules: &[Rule]) {
    if !rules.is_empty() {
        put(e, key, Doc::List(rules.iter().map(|r| Doc::Map(rule(r))).collect()));
    }
}

fn rule(r: &Rule) -> Entries {
    let mut e = Entries::new();
    if !r.source_labels.is_empty() {
        put(&mut e, "source_labels", Doc::Flow(r.source_labels.clone()));
    }
    put(&mut e, "separator", text(&r.separator));
    if r.regex_given {
        put(&mut e, "regex", text(r.regex.as_str()));
    }
    number(&mut e, "modulus", r.modulus);
    if !r.target_label.is_empty() {
        put(&mut e, "target_label", text(&r.target_label));
    }
    put(&mut e, "replacement", text(&r.replacement));
    put(&mut e, "action", text(r.action.as_str()));
    e
}

pub(super) fn files(f: &FileSdConfig) -> Doc {
    let files = Doc::List(f.files.iter().map(|p| text(p)).collect());
    let mut e = vec![("files".to_owned(), files)];
    if f.refresh_interval_ms != 0 {
        put(&mut e, "refresh_interval", time(f.refresh_interval_ms));
    }
    Doc::Map(e)
}

pub(super) fn statics(s: &StaticConfig) -> Doc {
    let mut e = vec![("targets".to_owned(), Doc::List(s.targets.iter().map(|t| text(t)).collect()))];
    if !s.labels.is_empty() {
        let mut labels = s.labels.clone();
        labels.sort();
        put(&mut e, "labels", Doc::Map(labels.into_iter().map(|(k, v)| (k, Doc::Text(v))).collect()));
    }
    Doc::Map(e)
}
