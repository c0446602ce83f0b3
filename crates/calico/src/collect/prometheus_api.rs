//! What a Prometheus says of itself, read from its HTTP API into a [`Collector`].

use crate::collect::http::Reply;
use crate::collect::live::Watch;
use crate::collect::prometheus::Way;
use crate::snapshot::{Collector, Sample, Target};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest wait for one answer.
const LIMIT: Duration = Duration::from_secs(10);
/// Pools whose dropped targets are asked for, and targets of each that are kept.
const MOST_POOLS: usize = 20;
const MOST_DROPPED: usize = 2_000;

/// Asks everything that checks read, through the first way that answers. `watch` has the API server's time, or this
/// machine's, to compare; `pools` are those whose dropped targets are of interest.
pub(super) async fn read(
    object: &str,
    replica: &str,
    ways: &[Way],
    watch: &Watch,
    pools: &[String],
) -> (Collector, Option<Way>) {
    let mut collector =
        Collector { object: object.to_owned(), replica: replica.to_owned(), ..Collector::default() };
    let mut reasons = Vec::new();
    for way in ways {
        match data(way, "/api/v1/status/buildinfo").await {
            Ok(info) => {
                collector.version = text(&info, "/version");
                collector.via = way.words();
                fill(&mut collector, way, watch, pools).await;
                return (collector, Some(way.clone()));
            }
            Err(e) => reasons.push(format!("{}: {e}", way.words())),
        }
    }
    if reasons.is_empty() {
        reasons.push("it has no pod that runs".to_owned());
    }
    collector.unreachable = Some(reasons.join("; "));
    (collector, None)
}

/// Asks instant queries and keeps their answers. Those that it has are not asked again.
///
/// The collector is changed at the end alone: when the time runs out in the middle, what was learnt before stays.
pub(super) async fn answer(collector: &mut Collector, way: &Way, queries: Vec<String>) {
    use futures_util::{StreamExt, stream};
    let open: Vec<String> = queries.into_iter().filter(|q| !collector.answers.contains_key(q)).collect();
    let answers: Vec<(String, Result<Vec<Sample>, String>)> = stream::iter(open)
        .map(|query| async move {
            let path = format!("/api/v1/query?query={}&limit=2000", escaped(&query));
            let result = data(way, &path).await.map(|v| samples(&v));
            (query, result)
        })
        .buffer_unordered(4)
        .collect()
        .await;
    collector.answers.extend(answers);
}

async fn fill(collector: &mut Collector, way: &Way, watch: &Watch, asked: &[String]) {
    let (config, targets, pools, rules, alertmanagers, replay, runtime, clock) = tokio::join!(
        data(way, "/api/v1/status/config"),
        active(way),
        data(way, "/api/v1/scrape_pools"),
        data(way, "/api/v1/rules"),
        data(way, "/api/v1/alertmanagers"),
        data(way, "/api/v1/status/walreplay"),
        data(way, "/api/v1/status/runtimeinfo"),
        ahead(way, watch),
    );
    collector.config = config.ok().map(|c| text(&c, "/yaml"));
    collector.targets = targets.unwrap_or_default();
    let names = pools.map(|p| list(&p, "/scrapePools").to_vec()).unwrap_or_default();
    collector.pools = names.iter().filter_map(|p| p.as_str().map(str::to_owned)).collect();
    // Every pool drops what the others scrape: all of them together can be millions.
    for pool in asked.iter().filter(|p| collector.pools.contains(p)).take(MOST_POOLS) {
        let path = format!("/api/v1/targets?state=dropped&scrapePool={}", escaped(pool));
        let Ok(value) = data(way, &path).await else { continue };
        let dropped = list(&value, "/droppedTargets").iter();
        let kept = dropped.map(|d| (text(d, "/scrapePool"), labels(d, "/discoveredLabels")));
        collector.dropped.extend(kept.take(MOST_DROPPED));
        let counts = value.pointer("/droppedTargetCounts").and_then(Value::as_object);
        collector.dropped_counts =
            counts.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_u64()?))).collect();
    }
    collector.rules = rules.ok();
    collector.alertmanagers = alertmanagers
        .ok()
        .map(|a| list(&a, "/activeAlertmanagers").iter().map(|m| text(m, "/url")).collect());
    collector.replaying = replay.ok().filter(|r| text(r, "/state") == "in progress").and_then(|r| {
        let at = |p: &str| r.pointer(p).and_then(Value::as_f64);
        let (min, max, current) = (at("/min")?, at("/max")?, at("/current")?);
        Some(if max > min { (current - min) / (max - min) } else { 0.0 })
    });
    let loaded = runtime.ok().and_then(|r| text(&r, "/lastConfigTime").parse::<jiff::Timestamp>().ok());
    collector.loaded_at = loaded.map(|t| t.as_millisecond());
    collector.clock_ahead = clock;
    answer(collector, way, vec!["prometheus_config_last_reload_successful".to_owned()]).await;
    if let Some(Ok(samples)) = collector.answers.get("prometheus_config_last_reload_successful") {
        collector.reload_ok = samples.first().map(|s| s.value == 1.0);
    }
}

/// Milliseconds that its clock is ahead.
async fn ahead(way: &Way, watch: &Watch) -> Option<i64> {
    let answer = data(way, "/api/v1/query?query=time()").await.ok()?;
    let now = watch.now();
    let seconds: f64 = answer.pointer("/result/1")?.as_str()?.parse().ok()?;
    Some((seconds * 1000.0) as i64 - now)
}

/// The field `data` of an answer of success.
async fn data(way: &Way, path: &str) -> Result<Value, String> {
    let reply = way.get(path, LIMIT).await?;
    match reply.json::<Value>() {
        Ok(mut v) if v["status"] == "success" => Ok(v["data"].take()),
        Ok(v) if v["status"] == "error" => Err(text(&v, "/error")),
        _ if reply.status == 401 => {
            Err("status 401: it does not take the user and password, or the token (hint: --prom-user, --prom-token-file)".to_owned())
        }
        _ => Err(format!(
            "status {} with a body that is no answer of Prometheus ({})",
            reply.status, reply.content_type
        )),
    }
}

/// The active targets. Those of a large cluster are many megabytes of text, of which most are the labels before relabelling:
/// they are read past.
async fn active(way: &Way) -> Result<Vec<Target>, String> {
    targets(&way.get("/api/v1/targets?state=active", LIMIT).await?)
}

fn targets(reply: &Reply) -> Result<Vec<Target>, String> {
    #[derive(Deserialize)]
    struct Answer {
        data: Data,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        active_targets: Vec<Kept>,
    }
    /// Converted one by one as they are read.
    #[derive(Deserialize)]
    #[serde(from = "Told")]
    struct Kept(Target);
    impl From<Told> for Kept {
        fn from(told: Told) -> Kept {
            Kept(told.into())
        }
    }
    let answer: Answer = reply.json().map_err(|e| e.to_string())?;
    Ok(answer.data.active_targets.into_iter().map(|kept| kept.0).collect())
}

/// One active target as the API tells it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    scrape_pool: String,
    scrape_url: String,
    labels: BTreeMap<String, String>,
    health: String,
    last_error: String,
    last_scrape: String,
    last_scrape_duration: f64,
    scrape_interval: String,
    scrape_timeout: String,
}

impl From<Told> for Target {
    fn from(told: Told) -> Target {
        let seconds = |text: &str| crate::facts::prometheus::seconds(text).unwrap_or(0.0);
        let last = told.last_scrape.parse::<jiff::Timestamp>().ok().map(|t| t.as_millisecond());
        Target {
            pool: told.scrape_pool,
            url: told.scrape_url,
            labels: told.labels,
            discovered: BTreeMap::new(),
            health: told.health,
            last_error: told.last_error,
            last_scrape: last.filter(|t| *t > 0),
            duration: told.last_scrape_duration,
            interval: seconds(&told.scrape_interval),
            timeout: seconds(&told.scrape_timeout),
        }
    }
}

/// Samples of an instant answer, a vector or a scalar.
fn samples(v: &Value) -> Vec<Sample> {
    let one = |labels: BTreeMap<String, String>, pair: &Value| -> Option<Sample> {
        let at = (pair.get(0)?.as_f64()? * 1000.0) as i64;
        Some(Sample { labels, at, value: number(pair.get(1)?.as_str()?)? })
    };
    match v["resultType"].as_str() {
        Some("vector") => {
            list(v, "/result").iter().filter_map(|s| one(labels(s, "/metric"), s.get("value")?)).collect()
        }
        Some("scalar") => v.get("result").and_then(|r| one(BTreeMap::new(), r)).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        "NaN" => Some(f64::NAN),
        t => t.parse().ok(),
    }
}

fn text(v: &Value, pointer: &str) -> String {
    v.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(v: &'a Value, pointer: &str) -> &'a [Value] {
    v.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn labels(v: &Value, pointer: &str) -> BTreeMap<String, String> {
    let map = v.pointer(pointer).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}

/// Percent-encoding of a query.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(b)),
            _ => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Reply, escaped, samples, targets};
    use serde_json::json;

    #[test]
    fn answers_are_read() {
        let v = json!({"resultType": "vector", "result": [
            {"metric": {"a": "b"}, "value": [1.5, "+Inf"]}, {"metric": {}, "value": [2, "3"]}]});
        let got = samples(&v);
        assert_eq!((got[0].at, got[0].value, got[0].labels["a"].as_str()), (1500, f64::INFINITY, "b"));
        assert_eq!(got[1].value, 3.0);
        assert_eq!(samples(&json!({"resultType": "scalar", "result": [2, "7"]}))[0].value, 7.0);
        assert_eq!(samples(&json!({})), []);
    }

    #[test]
    fn targets_are_read() {
        let body = json!({"status": "success", "data": {"activeTargets": [{"scrapePool": "p", "scrapeUrl": "http://a:1/m",
            "discoveredLabels": {"__address__": "a:1"}, "labels": {"job": "j"}, "health": "down", "lastError": "x",
            "lastScrape": "2026-01-01T00:00:00.5Z", "lastScrapeDuration": 0.25, "scrapeInterval": "1m30s", "scrapeTimeout": "10s"}],
            "droppedTargets": []}});
        let all = targets(&Reply::plain(200, String::new(), body.to_string().into())).unwrap();
        let [t] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((t.pool.as_str(), t.labels["job"].as_str(), t.last_error.as_str()), ("p", "j", "x"));
        assert_eq!(
            (t.last_scrape, t.interval, t.timeout, t.duration),
            (Some(1_767_225_600_500), 90.0, 10.0, 0.25)
        );
    }

    #[test]
    fn queries_are_escaped() {
        assert_eq!(escaped("up{a=\"b c\"}"), "up%7Ba%3D%22b%20c%22%7D");
    }
}
