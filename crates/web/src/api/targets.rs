//! `/api/v1/targets`, `/api/v1/scrape_pools` and the metadata of targets.

use crate::app::App;
use crate::json;
use crate::params::Params;
use crate::reply::{ApiError, Data};
use std::collections::{BTreeMap, BTreeSet};
use tortie_model::{Matcher, duration, timestamp};
use tortie_scrape::status::{MetricMetadata, TargetStatus};

pub(crate) fn pools(app: &App) -> Data {
    let mut names = app.sources.pools();
    names.sort_unstable();
    let mut out = b"{\"scrapePools\":".to_vec();
    json::strings(&mut out, &names);
    out.push(b'}');
    Data::new(out)
}

pub(crate) fn targets(app: &App, p: &Params) -> Data {
    let pool = p.get("scrapePool");
    let state = p.get("state").to_lowercase();
    let any = matches!(state.as_str(), "" | "any");
    let mut out = b"{\"activeTargets\":[".to_vec();
    if any || state == "active" {
        write_active(app, pool, &mut out, false);
    }
    out.extend_from_slice(b"],\"droppedTargets\":[");
    let with_dropped = any || state == "dropped";
    if with_dropped {
        let mut first = true;
        for t in app.sources.dropped().iter().filter(|t| pool.is_empty() || *t.pool == *pool) {
            comma(&mut out, &mut first);
            out.extend_from_slice(b"{\"discoveredLabels\":");
            json::labels(&mut out, &t.discovered);
            out.extend_from_slice(b",\"scrapePool\":");
            json::string(&mut out, &t.pool);
            out.push(b'}');
        }
    }
    out.extend_from_slice(b"],\"droppedTargetCounts\":");
    if with_dropped {
        let counts: BTreeMap<String, usize> = app.sources.dropped_counts().into_iter().collect();
        out.push(b'{');
        let mut first = true;
        for (name, n) in counts {
            comma(&mut out, &mut first);
            json::string(&mut out, &name);
            out.push(b':');
            json::integer(&mut out, n as u64);
        }
        out.push(b'}');
    } else {
        out.extend_from_slice(b"null");
    }
    out.push(b'}');
    Data::new(out)
}

/// Writes the active targets; `more` adds our own keys (`/api/tortie/v1/targets`).
pub(crate) fn write_active(app: &App, pool: &str, out: &mut Vec<u8>, more: bool) {
    let mut targets = app.sources.targets();
    targets.sort_by(|a, b| a.pool.cmp(&b.pool));
    let mut first = true;
    for t in targets.iter().filter(|t| pool.is_empty() || *t.pool == *pool) {
        comma(out, &mut first);
        write_target(app, t, out, more);
    }
}

fn write_target(app: &App, t: &TargetStatus, out: &mut Vec<u8>, more: bool) {
    out.extend_from_slice(b"{\"discoveredLabels\":");
    json::labels(out, &t.discovered);
    out.extend_from_slice(b",\"labels\":");
    json::labels(out, &t.labels);
    for (key, value) in [
        ("scrapePool", &*t.pool),
        ("scrapeUrl", &t.url),
        ("globalUrl", &global_url(app, &t.url)),
        ("lastError", &t.last_error),
        ("lastScrape", &rfc3339_or_zero(t.last_scrape_ms)),
    ] {
        field(out, key);
        json::string(out, value);
    }
    field(out, "lastScrapeDuration");
    out.extend_from_slice(tortie_model::gofloat::format_json(t.last_duration).as_bytes());
    for (key, value) in [
        ("health", t.health.as_str()),
        ("scrapeInterval", &duration::format(t.interval_ms)),
        ("scrapeTimeout", &duration::format(t.timeout_ms)),
    ] {
        field(out, key);
        json::string(out, value);
    }
    if more {
        for (key, n) in
            [("samplesScraped", t.samples), ("seriesAdded", t.series_added), ("bodyBytes", t.body_bytes)]
        {
            field(out, key);
            json::integer(out, n);
        }
        field(out, "since");
        json::string(out, &rfc3339_or_zero(t.since_ms));
        field(out, "lastWarning");
        json::string(out, &t.last_warning);
        if !t.remarks.is_empty() {
            field(out, "remarks");
            out.push(b'[');
            for (i, text) in t.remarks.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                json::string(out, text);
            }
            out.push(b']');
        }
        field(out, "history");
        out.push(b'[');
        for (i, up) in t.history.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(if *up { b"true" } else { b"false" });
        }
        out.push(b']');
    }
    out.push(b'}');
}

/// The time as Go prints it, its zero time when there is none.
fn rfc3339_or_zero(ms: i64) -> String {
    if ms == 0 { "0001-01-01T00:00:00Z".to_owned() } else { timestamp::format_rfc3339(ms) }
}

/// A URL by which others reach a target that is named by this machine's own names, as Prometheus' `getGlobalURL`.
fn global_url(app: &App, url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |i| rest.split_at(i));
    let (host, port) = match authority.rsplit_once(':') {
        Some((h, p)) if !h.contains(':') || h.ends_with(']') => (h, p),
        _ => (authority, ""),
    };
    if !matches!(host.trim_matches(['[', ']']), "127.0.0.1" | "localhost" | "::1") {
        return url.to_owned();
    }
    let o = &app.options;
    if port.parse() == Ok(o.listen_port) {
        return format!("{}://{}{path}", o.external_scheme, o.external_host);
    }
    let own_host = o.external_host.rsplit_once(':').map_or(o.external_host.as_str(), |(h, _)| h);
    let port = if port.is_empty() { String::new() } else { format!(":{port}") };
    format!("{scheme}://{own_host}{port}{path}")
}

fn number_param(p: &Params, name: &str) -> Result<i64, ApiError> {
    match p.get(name) {
        "" => Ok(-1),
        v => v.parse().map_err(|_| ApiError::bad_data(format!("{name} must be a number"))),
    }
}

pub(crate) fn target_metadata(app: &App, p: &Params) -> Result<Data, ApiError> {
    let limit = number_param(p, "limit")?;
    let match_target = p.get("match_target");
    let matchers: Vec<Matcher> = if match_target.is_empty() {
        Vec::new()
    } else {
        tortie_promql::parse_selector(match_target, &app.options.language)
            .map_err(|e| ApiError::invalid("match_target", &e.to_string()))?
    };
    let metric = Some(p.get("metric")).filter(|m| !m.is_empty());
    let take = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut out = vec![b'['];
    let mut first = true;
    let all = app.sources.target_metadata(metric);
    let wanted = all.iter().filter(|t| matchers.iter().all(|m| m.matches(t.target.value(&m.name))));
    for t in wanted.take(take) {
        comma(&mut out, &mut first);
        out.extend_from_slice(b"{\"target\":");
        json::labels(&mut out, &t.target);
        if metric.is_none() {
            field(&mut out, "metric");
            json::string(&mut out, &t.metadata.metric);
        }
        out.push(b',');
        write_metadata(&mut out, &t.metadata);
        out.push(b'}');
    }
    out.push(b']');
    Ok(Data::new(out))
}

pub(crate) fn metadata(app: &App, p: &Params) -> Result<Data, ApiError> {
    let limit = number_param(p, "limit")?;
    let per_metric = number_param(p, "limit_per_metric")?;
    let mut by_name: BTreeMap<String, BTreeSet<(&'static str, String, String)>> = BTreeMap::new();
    let metric = Some(p.get("metric")).filter(|m| !m.is_empty());
    for md in app.sources.metadata(metric) {
        let set = by_name.entry(md.metric).or_default();
        if per_metric > 0 && set.len() as i64 >= per_metric {
            continue;
        }
        set.insert((md.kind, md.help, md.unit));
    }
    let take = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut out = vec![b'{'];
    let mut first = true;
    for (name, set) in by_name.into_iter().take(take) {
        comma(&mut out, &mut first);
        json::string(&mut out, &name);
        out.extend_from_slice(b":[");
        let mut first = true;
        for (kind, help, unit) in set {
            comma(&mut out, &mut first);
            out.push(b'{');
            write_metadata(&mut out, &MetricMetadata { metric: String::new(), kind, help, unit });
            out.push(b'}');
        }
        out.push(b']');
    }
    out.push(b'}');
    Ok(Data::new(out))
}

fn write_metadata(out: &mut Vec<u8>, md: &MetricMetadata) {
    out.extend_from_slice(b"\"type\":");
    json::string(out, md.kind);
    field(out, "help");
    json::string(out, &md.help);
    field(out, "unit");
    json::string(out, &md.unit);
}

fn field(out: &mut Vec<u8>, key: &str) {
    out.push(b',');
    json::string(out, key);
    out.push(b':');
}

fn comma(out: &mut Vec<u8>, first: &mut bool) {
    if !*first {
        out.push(b',');
    }
    *first = false;
}
