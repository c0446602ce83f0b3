//! The way of a sample: a target on this machine, scraped, stored, queried, federated.

use crate::http::{get, metric, query, targets, value};
use crate::process::{folder, serve, serve_at, until, until_true};
use crate::target::{Reply, Target, job, jobs};
use serde_json::Value;
use std::net::SocketAddr;

fn target(to: SocketAddr, job: &str) -> Option<Value> {
    targets(to).into_iter().find(|t| t["labels"]["job"] == job)
}

/// The target of a job once `key` of it says something.
fn saying(to: SocketAddr, job: &str, key: &str) -> (Value, String) {
    until(&format!("{key} of {job}"), || {
        let t = target(to, job)?;
        let text = t[key].as_str().filter(|s| !s.is_empty())?.to_owned();
        Some((t, text))
    })
}

#[test]
fn values_types_and_the_report_of_a_scrape() {
    let body = "# HELP http_total Requests.\n# TYPE http_total counter\nhttp_total{code=\"200\",path=\"a\\\"b\\\\c\\nd\"} 7\nhttp_total{code=\"500\"} 1e3\n# TYPE t gauge\nt +Inf\nn NaN\n";
    let t = Target::start(body);
    let dir = folder();
    let run = serve(dir.path(), &jobs(&[job("x", &[t.address])]), &[]);
    let a = run.address();
    until_true("the samples", || !query(a, "t").is_empty());
    let rest = format!("instance={},job=x", t.address);
    assert_eq!(
        query(a, "http_total"),
        [
            (format!("code=200,{rest},path=a\"b\\c\nd"), "7".to_owned()),
            (format!("code=500,{rest}"), "1000".to_owned())
        ]
    );
    assert_eq!(query(a, "t"), [(rest.clone(), "+Inf".to_owned())]);
    assert_eq!(query(a, "n"), [(rest, "NaN".to_owned())]);
    assert_eq!(value(a, "up").as_deref(), Some("1"));
    assert_eq!(value(a, "scrape_samples_scraped").as_deref(), Some("4"));
    assert_eq!(value(a, "scrape_samples_post_metric_relabeling").as_deref(), Some("4"));
    let metadata = get(a, "/api/v1/metadata?metric=http_total").json();
    assert_eq!(metadata["data"]["http_total"][0]["type"], "counter");
    assert_eq!(metadata["data"]["http_total"][0]["help"], "Requests.");
    let row = target(a, "x").unwrap();
    assert_eq!(
        (&row["health"], &row["lastError"], &row["samplesScraped"]),
        (&"up".into(), &"".into(), &4.into())
    );

    t.set("http_total{code=\"200\",path=\"a\\\"b\\\\c\\nd\"} 9\n");
    until_true("the new value", || query(a, "http_total").iter().any(|(_, v)| v == "9"));
    // What the new body does not have ended with it.
    until_true("one series is left", || query(a, "http_total").len() == 1);
    assert_eq!(query(a, "t"), []);
}

#[test]
fn a_broken_body_fails_as_a_whole_and_says_where() {
    let (bad, good) = (Target::start("a 1\nb 2\n"), Target::start("c 3\n"));
    let dir = folder();
    let run = serve(dir.path(), &jobs(&[job("bad", &[bad.address]), job("good", &[good.address])]), &[]);
    let a = run.address();
    until_true("both are up", || query(a, "up == 1").len() == 2);
    bad.set("a 1\nb two\n");
    let (row, error) = saying(a, "bad", "lastError");
    assert_eq!(row["health"], "down");
    assert!(error.contains("line 2") && error.contains("column 3"), "no place in {error:?}");
    until_true("up is 0", || value(a, "up{job=\"bad\"}").as_deref() == Some("0"));
    until_true("its series ended", || query(a, "{__name__=~\"a|b\"}").is_empty());
    assert_eq!(value(a, "c").as_deref(), Some("3"));
    assert_eq!(value(a, "up{job=\"good\"}").as_deref(), Some("1"));
    bad.set("a 5\n");
    until_true("it is back", || value(a, "a").as_deref() == Some("5"));
    assert_eq!(target(a, "bad").unwrap()["lastError"], "");
}

#[test]
fn of_a_repeated_series_the_first_sample_counts() {
    let t = Target::start("a 1\na 2\na 3\nb 4\n");
    let dir = folder();
    let run = serve(dir.path(), &jobs(&[job("x", &[t.address])]), &[]);
    let a = run.address();
    let (row, warning) = saying(a, "x", "lastWarning");
    assert_eq!(row["health"], "up");
    assert!(warning.contains('2') && warning.contains("duplicate"), "{warning:?}");
    assert_eq!(value(a, "a").as_deref(), Some("1"));
    assert_eq!(value(a, "b").as_deref(), Some("4"));
    assert_eq!(value(a, "up").as_deref(), Some("1"));
    let dropped = metric(a, "prometheus_target_scrapes_sample_duplicate_timestamp_total").unwrap();
    assert!(dropped.parse::<f64>().unwrap() >= 2.0, "{dropped}");
    t.set("a 1\n");
    until_true("the warning went", || target(a, "x").unwrap()["lastWarning"] == "");
}

#[test]
fn file_discovery_is_followed_and_series_of_a_target_that_goes_end() {
    let (first, second) = (Target::start("a 1\n"), Target::start("a 2\n"));
    let dir = folder();
    let list = |targets: &[SocketAddr]| {
        let text: Vec<String> =
            targets.iter().map(|t| format!("{{\"targets\":[\"{t}\"],\"labels\":{{\"n\":\"x\"}}}}")).collect();
        // In one step, as whoever writes such files should.
        std::fs::write(dir.path().join("new"), format!("[{}]", text.join(","))).unwrap();
        std::fs::rename(dir.path().join("new"), dir.path().join("targets.json")).unwrap();
    };
    list(&[first.address]);
    let config = "scrape_configs:\n- job_name: x\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  file_sd_configs: [{files: [targets.json], refresh_interval: 1s}]\n";
    let run = serve(dir.path(), config, &[]);
    let a = run.address();
    until_true("the first", || value(a, "a").as_deref() == Some("1"));
    assert_eq!(query(a, "up"), [(format!("instance={},job=x,n=x", first.address), "1".to_owned())]);
    list(&[first.address, second.address]);
    until_true("the second", || query(a, "a").len() == 2);
    list(&[second.address]);
    until_true("the first is stale", || query(a, "a").len() == 1);
    assert_eq!(value(a, "a").as_deref(), Some("2"));
    until_true("so is its up", || query(a, "up").len() == 1);
    assert_eq!(targets(a).len(), 1);
}

#[test]
fn a_target_that_refuses_connections_is_down_with_the_reason() {
    let gone = {
        let t = Target::start("a 1\n");
        t.address
    };
    let dir = folder();
    let run = serve(dir.path(), &jobs(&[job("x", &[gone])]), &[]);
    let (row, error) = saying(run.address(), "x", "lastError");
    assert_eq!(row["health"], "down");
    assert!(error.contains("connection refused"), "{error}");
    until_true("up is 0", || value(run.address(), "up").as_deref() == Some("0"));
}

#[test]
fn a_target_that_does_not_answer_runs_into_its_time_out() {
    let t = Target::start_at("127.0.0.1:0", Reply::Nothing);
    let dir = folder();
    let run = serve(dir.path(), &jobs(&[job("x", &[t.address])]), &[]);
    let (_, error) = saying(run.address(), "x", "lastError");
    assert!(error.contains("deadline exceeded"), "{error}");
}

#[test]
fn ipv6_on_both_sides_and_two_listeners() {
    let t = Target::start_at("[::1]:0", Reply::Text("a 6\n".to_owned()));
    let dir = folder();
    let run = serve_at(dir.path(), &jobs(&[job("x", &[t.address])]), &["[::1]:0", "127.0.0.1:0"], "", &[]);
    let [six, four] = run.addresses[..] else { panic!("{:?}", run.addresses) };
    assert!(six.is_ipv6() && four.is_ipv4(), "{six} {four}");
    until_true("a sample", || value(six, "a").as_deref() == Some("6"));
    assert_eq!(query(four, "a"), [(format!("instance={},job=x", t.address), "6".to_owned())]);
}

#[test]
fn federation_adds_external_labels_and_keeps_those_of_the_series() {
    let t = Target::start("# TYPE a counter\na{region=\"own\"} 1\nb 2\n");
    let dir = folder();
    let config = format!(
        "global: {{external_labels: {{region: eu, cluster: c1}}}}\n{}",
        jobs(&[job("x", &[t.address])])
    );
    let run = serve(dir.path(), &config, &[]);
    let a = run.address();
    until_true("samples", || !query(a, "b").is_empty());
    let answer = get(a, "/federate?match[]=a&match[]=b");
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    );
    let lines: Vec<String> =
        answer.text().lines().map(|l| l.rsplit_once(' ').unwrap().0.to_owned()).collect();
    let instance = t.address;
    assert_eq!(
        lines,
        [
            "# TYPE a".to_owned(),
            format!("a{{instance=\"{instance}\",job=\"x\",region=\"own\",cluster=\"c1\"}} 1"),
            "# TYPE b".to_owned(),
            format!("b{{instance=\"{instance}\",job=\"x\",cluster=\"c1\",region=\"eu\"}} 2"),
        ]
    );
    assert_eq!(get(a, "/federate?match[]=nothing").text(), "");
    assert_eq!(get(a, "/federate?match[]={").status, 400);
}

/// Names with dots go from body to storage, query and federation.
#[test]
fn names_in_quotes() {
    let t = Target::start("{\"a.b\",\"l.m\"=\"v\"} 4\n");
    let dir = folder();
    let run = serve(dir.path(), &jobs(&[job("x", &[t.address])]), &[]);
    let a = run.address();
    until_true("a sample", || value(a, "{\"a.b\", \"l.m\"=\"v\"}").as_deref() == Some("4"));
    let text = get(a, "/federate?match[]={__name__=~%22a.*%22}").text();
    assert!(text.starts_with("# TYPE a_b untyped\na_b{instance="), "{text}");
    assert_eq!(get(a, "/api/v1/label/U__l_2e_m/values").json()["data"], serde_json::json!(["v"]));
}

/// A second server reads the first one's federation with `honor_labels`.
#[test]
fn one_server_federates_from_another() {
    let t = Target::start("a 1\n");
    let (lower_dir, upper_dir) = (folder(), folder());
    let lower = serve(lower_dir.path(), &jobs(&[job("x", &[t.address])]), &[]);
    until_true("a sample below", || !query(lower.address(), "a").is_empty());
    let config = format!(
        "scrape_configs:\n- job_name: f\n  honor_labels: true\n  metrics_path: /federate\n  params: {{'match[]': ['a']}}\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  static_configs: [{{targets: ['{}']}}]\n",
        lower.address()
    );
    let upper = serve(upper_dir.path(), &config, &[]);
    until_true("a sample above", || !query(upper.address(), "a").is_empty());
    assert_eq!(query(upper.address(), "a"), [(format!("instance={},job=x", t.address), "1".to_owned())]);
}
