//! Section `global`.

use super::{Global, size};
use crate::read::{Errors, Section};
use crate::scrape::{NameEscaping, ScrapeProtocol};
use crate::yaml::Node;
use tortie_model::names::NameScheme;

const MINUTE: i64 = 60_000;
const DEFAULT_TIMEOUT: i64 = 10_000;

pub(super) fn read(node: Option<&Node>, errors: &mut Errors) -> Global {
    let mut g = Global {
        scrape_interval_ms: MINUTE,
        scrape_timeout_ms: DEFAULT_TIMEOUT,
        protocols: None,
        evaluation_interval_ms: MINUTE,
        rule_query_offset_ms: 0,
        body_size_limit: 0,
        sample_limit: 0,
        target_limit: 0,
        label_limit: 0,
        label_name_length_limit: 0,
        label_value_length_limit: 0,
        keep_dropped_targets: 0,
        name_scheme: NameScheme::Utf8,
        name_escaping: Some(NameEscaping::AllowUtf8),
        extra_scrape_metrics: false,
        external_labels: Vec::new(),
    };
    // An open but empty section is as none; a mapping, even an empty one, starts from nothing.
    let Some(node) = node else { return g };
    let mut s = Section::open(node, "global", errors);
    g.name_escaping = escaping(&mut s, errors);
    g.name_scheme = name_scheme(&mut s, errors).unwrap_or_default();
    if let Some((ms, _)) = s.duration("scrape_interval", errors).filter(|(ms, _)| *ms > 0) {
        g.scrape_interval_ms = ms;
    }
    g.scrape_timeout_ms = match s.duration("scrape_timeout", errors).filter(|(ms, _)| *ms > 0) {
        Some((ms, at)) => {
            if ms > g.scrape_interval_ms {
                errors.push(at, "global scrape timeout greater than scrape interval");
            }
            ms
        }
        None => DEFAULT_TIMEOUT.min(g.scrape_interval_ms),
    };
    if let Some((ms, _)) = s.duration("evaluation_interval", errors).filter(|(ms, _)| *ms > 0) {
        g.evaluation_interval_ms = ms;
    }
    g.rule_query_offset_ms = s.duration("rule_query_offset", errors).map_or(0, |(ms, _)| ms);
    g.protocols = protocols(&mut s, " for global config", errors);
    g.body_size_limit = size(&mut s, "body_size_limit", errors).unwrap_or(0);
    g.sample_limit = s.unsigned("sample_limit", errors).unwrap_or(0);
    g.target_limit = s.unsigned("target_limit", errors).unwrap_or(0);
    g.label_limit = s.unsigned("label_limit", errors).unwrap_or(0);
    g.label_name_length_limit = s.unsigned("label_name_length_limit", errors).unwrap_or(0);
    g.label_value_length_limit = s.unsigned("label_value_length_limit", errors).unwrap_or(0);
    g.keep_dropped_targets = s.unsigned("keep_dropped_targets", errors).unwrap_or(0);
    g.extra_scrape_metrics = s.boolean("extra_scrape_metrics", errors).unwrap_or(false);
    g.external_labels = external_labels(&mut s, g.name_scheme, errors);
    g
}

fn external_labels(s: &mut Section<'_>, scheme: NameScheme, errors: &mut Errors) -> Vec<(String, String)> {
    let Some(node) = s.take("external_labels") else { return Vec::new() };
    let crate::yaml::Value::Map(entries) = &node.value else {
        errors.push(
            node.at,
            format!("{} must be a mapping, not {}", s.path_of("external_labels"), node.kind()),
        );
        return Vec::new();
    };
    let mut out = Vec::new();
    for (key, value) in entries {
        if !scheme.is_label_name(&key.text) {
            errors.push(key.at, format!("{:?} is not a valid label name", key.text));
        }
        if let Some(text) = crate::read::text(value, errors) {
            out.push((key.text.clone(), text));
        }
    }
    out.sort();
    out
}

/// The list `scrape_protocols` of a section; `whose` ends its messages.
pub(super) fn protocols(
    s: &mut Section<'_>,
    whose: &str,
    errors: &mut Errors,
) -> Option<Vec<ScrapeProtocol>> {
    let node = s.take("scrape_protocols")?;
    let crate::yaml::Value::Seq(items) = &node.value else {
        errors
            .push(node.at, format!("{} must be a list, not {}", s.path_of("scrape_protocols"), node.kind()));
        return None;
    };
    if items.is_empty() {
        errors.push(node.at, format!("scrape_protocols cannot be empty{whose}"));
    }
    let mut out = Vec::new();
    for item in items {
        let Some(name) = crate::read::text(item, errors) else { continue };
        match ScrapeProtocol::parse(&name) {
            None => errors.push(item.at, format!("scrape_protocols: {}{whose}", unknown_protocol(&name))),
            Some(ScrapeProtocol::PrometheusProto) if !SCRAPES_PROTOBUF => errors.push(
                item.at,
                "PrometheusProto is not supported yet: native histograms, which it is for, are not stored yet".to_owned(),
            ),
            Some(p) if out.contains(&p) => {
                let all: Vec<String> = items.iter().filter_map(|n| crate::read::text(n, errors)).collect();
                errors.push(item.at, format!("duplicated protocol in scrape_protocols, got [{}]{whose}", all.join(" ")));
            }
            Some(p) => out.push(p),
        }
    }
    Some(out)
}

/// Whether the scraper reads protobuf.
pub(super) const SCRAPES_PROTOBUF: bool = false;

pub(super) fn unknown_protocol(name: &str) -> String {
    let all = ScrapeProtocol::ALL.map(|(n, ..)| n).join(" ");
    format!("unknown scrape protocol {name}, supported: [{all}]")
}

/// The value of `metric_name_validation_scheme`.
pub(super) fn name_scheme(s: &mut Section<'_>, errors: &mut Errors) -> Option<NameScheme> {
    let (text, at) = s.text("metric_name_validation_scheme", errors)?;
    match text.as_str() {
        "" => None,
        "utf8" => Some(NameScheme::Utf8),
        "legacy" => Some(NameScheme::Legacy),
        other => {
            errors.push(at, format!("unrecognized ValidationScheme: {other:?}"));
            None
        }
    }
}

/// The value of `metric_name_escaping_scheme`.
pub(super) fn escaping(s: &mut Section<'_>, errors: &mut Errors) -> Option<NameEscaping> {
    let whose = if s.path_of("") == "global." { "global" } else { "scrape config" };
    let (text, at) = s.text("metric_name_escaping_scheme", errors)?;
    let found = NameEscaping::parse(&text);
    if found.is_none() && !text.is_empty() {
        let names = NameEscaping::ALL.map(|(n, _)| format!("'{n}'"));
        let [a, b, c, d] = names;
        errors.push(at, format!("unknown {whose} name escaping method specified, must be one of {a}, {b}, {c}, or {d}, got {text:?}"));
    }
    found
}
