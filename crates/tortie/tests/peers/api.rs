//! The requests that Grafana's Prometheus data source makes, sent to both servers: same status, headers and JSON.

use crate::ask::{self, Answer};
use crate::process::{Running, SOON, Server, fixtures, folder, peer, replay, serve};
use serde_json::Value;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Headers that a client looks at.
const HEADERS: [&str; 3] = ["content-type", "vary", "content-encoding"];

/// Both servers over one directory that Prometheus wrote, each with a copy.
struct Pair {
    prometheus: Running,
    tortie: Running,
    at: f64,
    _folders: [tempfile::TempDir; 3],
}

fn pair() -> Pair {
    let folders = [folder(), folder(), folder()];
    let (_replay, targets) = replay(folders[2].path(), &fixtures().join("calico/iptables"), &[]);
    let list: Vec<String> = targets.iter().map(|(_, a)| format!("\"{a}\"")).collect();
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n- job_name: calico\n  static_configs: [{{targets: [{}]}}]\n",
        list.join(", ")
    );
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let writer = serve(Server::Prometheus, folders[0].path(), &config, &[]);
    let began = Instant::now();
    while ask::instant(writer.port, "min(count_over_time(up[5m]))", now())[0]["value"][1]
        .as_str()
        .and_then(|v| v.parse::<u32>().ok())
        .unwrap_or(0)
        < 8
    {
        assert!(began.elapsed() < SOON, "{}", writer.log());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let at = now();
    assert!(writer.terminate().success());
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(folders[0].path().join("data"))
        .arg(folders[1].path())
        .status()
        .unwrap();
    assert!(copied.success());
    let prometheus = serve(Server::Prometheus, folders[0].path(), "global: {}\n", &[]);
    let tortie = serve(Server::Tortie, folders[1].path(), "global: {}\n", &[]);
    assert!(peer("promtool").exists());
    Pair { prometheus, tortie, at, _folders: folders }
}

/// How much of two answers must agree.
#[derive(Clone, Copy)]
enum Compare {
    /// All of the JSON.
    All,
    /// The keys of `data` (the values are facts of the process).
    Keys,
    /// The number of entries and the warnings: which ones a limit leaves is the index's own affair.
    Number,
}

#[test]
fn grafanas_requests_get_the_same_answers() {
    let p = pair();
    let (start, end) = (format!("{}", p.at - 30.0), format!("{}", p.at));
    let time = end.as_str();
    let post = |path: &str, form: &[(&str, &str)], how| {
        compare(
            &format!("POST {path} {form:?}"),
            ask::post(p.prometheus.port, path, form),
            ask::post(p.tortie.port, path, form),
            how,
        );
    };
    let get = |path: &str, how| {
        compare(&format!("GET {path}"), ask::get(p.prometheus.port, path), ask::get(p.tortie.port, path), how)
    };
    let range = format!("start={start}&end={end}");

    // Health, and what the server is.
    post("/api/v1/query", &[("query", "1+1"), ("time", "4")], Compare::All);
    get("/api/v1/status/buildinfo", Compare::Keys);
    // Labels and values.
    get(&format!("/api/v1/labels?{range}"), Compare::All);
    post("/api/v1/labels", &[("start", &start), ("end", time), ("match[]", "up")], Compare::All);
    get(&format!("/api/v1/label/__name__/values?{range}&limit=40000"), Compare::All);
    get(
        &format!("/api/v1/label/instance/values?{range}&match[]={}", ask::encoded("{__name__=\"up\"}")),
        Compare::All,
    );
    get(&format!("/api/v1/label/__name__/values?{range}&limit=3"), Compare::Number);
    get("/api/v1/label/no_such/values", Compare::All);
    // Metadata: nothing is scraped now.
    get("/api/v1/metadata", Compare::All);
    get("/api/v1/metadata?limit=5&metric=up", Compare::All);
    get("/api/v1/targets/metadata?limit=1", Compare::All);
    // Queries.
    for q in [
        "up",
        "sum by (job) (rate(process_cpu_seconds_total[20s]))",
        "felix_active_local_endpoints > 0",
        "time()",
        "\"text\"",
        "up[10s]",
        "nothing_there",
    ] {
        post("/api/v1/query", &[("query", q), ("time", time)], Compare::All);
    }
    for q in [
        "up",
        "rate(process_cpu_seconds_total[10s])",
        "histogram_quantile(0.9, rate({__name__=~\".+_bucket\"}[20s]))",
        "1",
        "nothing_there",
    ] {
        post(
            "/api/v1/query_range",
            &[("query", q), ("start", &start), ("end", time), ("step", "5")],
            Compare::All,
        );
    }
    post("/api/v1/series", &[("match[]", "up"), ("start", &start), ("end", time)], Compare::All);
    post(
        "/api/v1/series",
        &[
            ("match[]", "up"),
            ("match[]", "{__name__=~\"go_.*\"}"),
            ("start", &start),
            ("end", time),
            ("limit", "7"),
        ],
        Compare::Number,
    );
    // As people write it by hand.
    get(&format!("/api/v1/query?query=up{{job=\"calico\"}}<2&time={time}"), Compare::All);
    get("/api/v1/rules", Compare::All);
    get("/api/v1/alerts", Compare::All);
    get("/api/v1/alertmanagers", Compare::All);
    get("/api/v1/query_exemplars?query=up", Compare::All);
    get("/api/v1/status/tsdb/blocks", Compare::All);
    get("/api/v1/status/runtimeinfo", Compare::Keys);
    get("/api/v1/status/walreplay", Compare::Keys);
    get("/api/v1/format_query?query=sum(up)by(job)", Compare::All);
    get("/api/v1/parse_query?query=sum(up)by(job)", Compare::All);
    get("/api/v1/scrape_pools", Compare::Keys);
    // What is wrong.
    for path in [
        "/api/v1/query?query=up(",
        "/api/v1/query?query=up&time=x",
        "/api/v1/query?query=up&timeout=0",
        "/api/v1/query?query=up&limit=-1",
        "/api/v1/query_range?query=up&start=1&end=0&step=1",
        "/api/v1/query_range?query=up&start=0&end=1&step=0",
        "/api/v1/query_range?query=up&start=0&end=100000&step=1",
        "/api/v1/query_range?query=up[5m]&start=0&end=1&step=1",
        "/api/v1/query_range?query=up&start=0&end=1&step=x",
        "/api/v1/query?query=sum(up,up)",
        "/api/v1/query?query=up*on(job)group_left(){__name__=~%22felix_iptables_(chains|rules)%22,ip_version=%224%22,table=%22nat%22}",
        "/api/v1/labels?start=x",
        "/api/v1/labels?match[]={}",
        "/api/v1/series",
        "/api/v1/series?match[]={x%3D~%22(%22}",
        "/api/v1/rules?type=x",
        "/api/v1/status/tsdb?limit=0",
        "/api/v1/metadata?limit=x",
    ] {
        get(path, Compare::All);
    }
    get("/api/v1/no_such_endpoint", Compare::Keys);
    get("/-/healthy", Compare::Keys);
    get("/-/ready", Compare::Keys);
}

fn compare(what: &str, theirs: Option<Answer>, ours: Option<Answer>, how: Compare) {
    let (theirs, ours) = (theirs.unwrap(), ours.unwrap());
    assert_eq!(theirs.status, ours.status, "{what}\n{}\n{}", theirs.body, ours.body);
    for h in HEADERS {
        assert_eq!(theirs.header(h), ours.header(h), "{what}: header {h}");
    }
    let (Ok(t), Ok(o)) =
        (serde_json::from_str::<Value>(&theirs.body), serde_json::from_str::<Value>(&ours.body))
    else {
        assert_eq!(theirs.body, ours.body, "{what}");
        return;
    };
    match how {
        Compare::All => assert!(ask::same(&t, &o, true), "{what}\ntheirs {t}\nours   {o}"),
        Compare::Keys => assert_eq!(keys(&t), keys(&o), "{what}"),
        Compare::Number => {
            assert_eq!(t["data"].as_array().unwrap().len(), o["data"].as_array().unwrap().len(), "{what}");
            assert_eq!(t["warnings"], o["warnings"], "{what}");
        }
    }
}

fn keys(v: &Value) -> Vec<String> {
    let object = if v["data"].is_object() { &v["data"] } else { v };
    let mut k: Vec<String> = object.as_object().map(|m| m.keys().cloned().collect()).unwrap_or_default();
    k.sort();
    k
}

/// Every operation of Prometheus' own description of its API is answered, or is a row of COMPAT.md.
#[test]
fn every_operation_is_there_or_a_row_of_compat() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let golden = prometheus_source(&root).join("web/api/v1/testdata/openapi_3.1_golden.yaml");
    let text = std::fs::read_to_string(golden).unwrap();
    let compat = std::fs::read_to_string(root.join("COMPAT.md")).unwrap();
    let folder = folder();
    let tortie = serve(Server::Tortie, folder.path(), "global: {}\n", &[]);
    let (mut path, mut there, mut rows) = (String::new(), 0, 0);
    for line in text.lines() {
        if let Some(p) = line.strip_prefix("    /").filter(|p| p.ends_with(':')) {
            path = format!("/{}", p.trim_end_matches(':'));
        }
        let Some(method) = line.strip_prefix("        ").and_then(|m| m.strip_suffix(':')) else { continue };
        if !matches!(method, "get" | "post" | "put") || path.is_empty() {
            continue;
        }
        let method = method.to_uppercase();
        let real = path.replace("{name}", "job");
        let status = ask::send(
            tortie.port,
            &format!("{method} /api/v1{real} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"),
        )
        .unwrap()
        .status;
        if status == 404 || status == 405 {
            assert!(
                compat.contains(&format!("`{method} {path}`")),
                "{method} {path} answers {status} and is no row"
            );
            rows += 1;
        } else {
            assert!(
                !compat.contains(&format!("`{method} {path}`")),
                "{method} {path} answers {status} and is a row"
            );
            there += 1;
        }
    }
    println!("{there} operations are there, {rows} are rows of COMPAT.md");
    assert!(there >= 30 && there + rows >= 49, "{there} + {rows}: is this the golden file?");
}

fn prometheus_source(root: &std::path::Path) -> std::path::PathBuf {
    if let Some(p) = std::env::var_os("TORTIE_PROMETHEUS_SRC") {
        return p.into();
    }
    let out = std::process::Command::new("go")
        .args(["list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus"])
        .current_dir(root.join("peers"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().into()
}
