//! `/api/v1/status/*`, `/api/v1/features`, `/api/v1/notifications`, `/metrics`.

use crate::app::App;
use crate::json;
use crate::params::Params;
use crate::reply::{self, ApiError, Body, Data};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response};
use std::sync::atomic::Ordering;
use tortie_model::timestamp::format_rfc3339;
use tortie_wire::MetricType;
use tortie_wire::text::Writer;

/// Version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn config(app: &App) -> Data {
    let mut out = b"{\"yaml\":".to_vec();
    json::string(&mut out, &app.sources.config_yaml());
    out.push(b'}');
    Data::new(out)
}

pub(crate) fn runtime(app: &App) -> Data {
    let r = app.sources.runtime();
    let v = serde_json::json!({
        "startTime": format_rfc3339(r.start_ms),
        "CWD": r.cwd,
        "hostname": r.hostname,
        "serverTime": format_rfc3339(app.clock.now_ms()),
        "reloadConfigSuccess": r.reload_ok,
        "lastConfigTime": format_rfc3339(r.loaded_ms / 1000 * 1000),
        "corruptionCount": r.corruptions,
        // Go's own figures have no counterpart: threads stand for goroutines, cores and memory are the limits in force.
        "goroutineCount": r.threads,
        "GOMAXPROCS": r.cores,
        "GOMEMLIMIT": r.memory,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": r.retention,
    });
    Data::new(v.to_string().into_bytes())
}

/// The build as JSON text. `version` is that of this program: clients that compare it with Prometheus' read
/// `application` first where they know it.
pub(crate) fn build_json() -> String {
    serde_json::json!({
        "version": PROMETHEUS_VERSION,
        "revision": format!("tortie-{VERSION}"),
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    })
    .to_string()
}

/// The version of Prometheus whose API this is; Grafana chooses features by it.
pub(crate) const PROMETHEUS_VERSION: &str = "3.16.0";

pub(crate) fn build() -> Data {
    Data::new(build_json().into_bytes())
}

pub(crate) fn flags(app: &App) -> Data {
    let mut out = vec![b'{'];
    for (i, (name, value)) in app.options.flags.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        json::string(&mut out, name);
        out.push(b':');
        json::string(&mut out, value);
    }
    out.push(b'}');
    Data::new(out)
}

pub(crate) fn tsdb(app: &App, p: &Params) -> Result<Data, ApiError> {
    const MOST: usize = 10_000;
    let limit = match p.get("limit") {
        "" => 10,
        v => match v.parse::<usize>() {
            Ok(n) if n >= 1 => n,
            _ => return Err(ApiError::bad_data("limit must be a positive number")),
        },
    };
    if limit > MOST {
        return Err(ApiError::bad_data(format!("limit must not exceed {MOST}")));
    }
    let s = app.sources.tsdb_status(limit);
    let ranked = |list: &[(String, u64)]| -> Vec<serde_json::Value> {
        list.iter().map(|(n, v)| serde_json::json!({"name": n, "value": v})).collect()
    };
    let v = serde_json::json!({
        "headStats": {
            "numSeries": s.series,
            "numLabelPairs": s.label_pairs,
            "chunkCount": s.chunks,
            "minTime": s.min_time,
            "maxTime": s.max_time,
        },
        "seriesCountByMetricName": ranked(&s.by_metric),
        "labelValueCountByLabelName": ranked(&s.by_label),
        "memoryInBytesByLabelName": ranked(&s.by_label_bytes),
        "seriesCountByLabelValuePair": ranked(&s.by_pair),
    });
    Ok(Data::new(v.to_string().into_bytes()))
}

pub(crate) fn blocks(app: &App) -> Data {
    Data::new(serde_json::json!({"blocks": app.sources.blocks()}).to_string().into_bytes())
}

pub(crate) fn wal_replay(app: &App) -> Data {
    let (min, max, current) = app.sources.wal_replay();
    Data::new(serde_json::json!({"min": min, "max": max, "current": current}).to_string().into_bytes())
}

pub(crate) fn notifications(app: &App) -> Data {
    let list: Vec<_> = app
        .sources
        .notices()
        .into_iter()
        .map(|n| serde_json::json!({"text": n.text, "date": format_rfc3339(n.since_ms), "active": true}))
        .collect();
    Data::new(serde_json::Value::from(list).to_string().into_bytes())
}

/// Functions of the templates of alerts, besides Go's own.
const TEMPLATING: [&str; 29] = [
    "args",
    "externalURL",
    "first",
    "graphLink",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "label",
    "match",
    "now",
    "parseDuration",
    "pathPrefix",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "urlQueryEscape",
    "value",
];

/// What this server can do, by the names of Prometheus' feature registry. Only what is there is `true`.
pub(crate) fn features(app: &App) -> Data {
    let templating: serde_json::Map<String, serde_json::Value> =
        TEMPLATING.iter().map(|f| ((*f).to_owned(), true.into())).collect();
    let functions: serde_json::Map<String, serde_json::Value> = tortie_promql::functions::FUNCTIONS
        .iter()
        .map(|f| {
            let on = !f.experimental || app.options.language.experimental_functions;
            (f.name.to_owned(), serde_json::Value::from(on))
        })
        .collect();
    let fill = app.options.language.binop_fill_modifiers;
    let v = serde_json::json!({
        "api": {
            "admin": false,
            "exclude_alerts": true,
            "label_values_match": true,
            "lifecycle": app.options.lifecycle,
            "otlp_write_receiver": false,
            "query_cost": false,
            "query_stats": true,
            "query_warnings": true,
            "remote_write_receiver": false,
            "search": false,
            "time_range_labels": true,
            "time_range_series": true,
        },
        "prometheus": { "agent_mode": false, "auto_reload_config": false, "server_mode": true },
        "promql": {
            "anchored": true, "at_modifier": true, "bool": true, "by": true, "delayed_name_removal": app.options.delayed_name_removal,
            "duration_expr": true, "fill": fill, "fill_left": fill, "fill_right": fill, "group_left": true,
            "group_right": true, "ignoring": true, "negative_offset": true, "offset": true, "on": true,
            "per_query_lookback_delta": true, "per_step_stats": false, "smoothed": true, "subqueries": true,
            "type_and_unit_labels": false, "unquoted_utf8_names": false, "without": true,
        },
        "promql_functions": functions,
        "rules": { "concurrent_rule_eval": app.options.concurrent_rules, "keep_firing_for": true, "query_offset": true },
        "scrape": { "extra_scrape_metrics": false, "start_timestamp_zero_ingestion": false, "type_and_unit_labels": false },
        "service_discovery_providers": { "file": true, "static": true },
        "templating_functions": templating,
        "tsdb": { "delayed_compaction": false, "exemplar_storage": false, "isolation": true, "native_histograms": false },
        "ui": { "ui_v2": false, "ui_v3": false },
    });
    Data::new(v.to_string().into_bytes())
}

pub(crate) fn metrics(app: &App, request: &HeaderMap) -> Response<Body> {
    let mut out = Vec::with_capacity(32 << 10);
    app.sources.write_metrics(&mut out);
    write_own(app, &mut out);
    let mut r = Response::new(Body::default());
    r.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
    );
    reply::with_body(r, out, reply::accepts_gzip(request))
}

fn write_own(app: &App, out: &mut Vec<u8>) {
    let s = &app.stats;
    let mut w = Writer::with_buffer(std::mem::take(out));
    let requests = "prometheus_http_requests_total";
    w.family(requests, MetricType::Counter, "Counter of HTTP requests.");
    for (code, n) in s.requests.counted() {
        w.sample(requests, [("code", code.to_string().as_str())], n as f64);
    }
    for (name, help, n) in [
        (
            "prometheus_web_federation_errors_total",
            "Total number of errors that occurred while sending federation responses.",
            s.federation_errors.load(Ordering::Relaxed),
        ),
        (
            "tortie_web_panics_total",
            "Panics caught at the border of a request.",
            s.panics.load(Ordering::Relaxed),
        ),
    ] {
        w.family(name, MetricType::Counter, help);
        w.sample(name, [], n as f64);
    }
    *out = w.into_bytes();
}
