//! The web side of the running program: prefixes, hosts, origins, methods, forms, compression.

use crate::http::{Answer, get, post, send};
use crate::process::{Running, folder, serve, serve_at};
use crate::target::{Target, job, jobs};
use std::io::Read;
use std::net::SocketAddr;

const QUERY: &str = "/api/v1/query?query=1";

fn with(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(to, method, path, headers, b"").unwrap_or_else(|| panic!("no answer to {method} {path}"))
}

fn status(run: &Running, path: &str) -> u16 {
    get(run.address(), path).status
}

#[test]
fn everything_is_below_the_path_of_the_external_url() {
    let t = Target::start("a 1\n");
    let dir = folder();
    let more = ["--web.external-url=http://x.example/y/tortie/"];
    let run = serve_at(dir.path(), &jobs(&[job("j", &[t.address])]), &["127.0.0.1:0"], "/y/tortie", &more);
    let root = get(run.address(), "/");
    assert_eq!((root.status, root.header("location")), (302, "/y/tortie/".to_owned()));
    for path in ["", "/", "/targets", "/graph", "/query", "/d/tortie-felix"] {
        let page = get(run.address(), &format!("/y/tortie{path}"));
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
    }
    assert_eq!(status(&run, "/y/tortie/api/v1/query?query=1"), 200);
    assert_eq!(status(&run, "/y/tortie/metrics"), 200);
    assert_eq!(status(&run, "/y/tortie/-/healthy"), 200);
    for outside in [
        "/api/v1/query?query=1",
        "/targets",
        "/y",
        "/y/tortiefy",
        "/-/healthy",
        "/y/tortie/nothing",
        "/y/tortie/api/v1/nothing",
    ] {
        assert_eq!(status(&run, outside), 404, "{outside}");
    }
    // The name of the proxy comes as the host.
    assert_eq!(with(run.address(), "GET", "/y/tortie/-/healthy", &[("Host", "x.example")]).status, 200);
    let targets = get(run.address(), "/y/tortie/api/v1/targets").json();
    let active = &targets["data"]["activeTargets"][0];
    assert_eq!(active["globalUrl"], format!("http://x.example:{}/metrics", t.address.port()));
    assert_eq!(active["scrapeUrl"], format!("http://{}/metrics", t.address));
}

/// A proxy that takes the path away: routes at the root, links below the path.
#[test]
fn the_route_prefix_may_differ_from_the_external_path() {
    let dir = folder();
    let run = serve(dir.path(), "", &["--web.external-url=http://x.example/y/", "--web.route-prefix=/"]);
    assert_eq!(status(&run, QUERY), 200);
    assert_eq!(status(&run, "/y/api/v1/query?query=1"), 404);
    let page = get(run.address(), "/targets").text();
    assert!(
        page.contains("<base href=\"/y/\"") || page.contains("The web UI is not in this binary"),
        "{page}"
    );
    drop(run);
    let run = serve_at(dir.path(), "", &["127.0.0.1:0"], "/p", &["--web.route-prefix=/p"]);
    assert_eq!(get(run.address(), "/").header("location"), "/p/");
    assert_eq!(status(&run, "/p/api/v1/query?query=1"), 200);
    assert_eq!(status(&run, QUERY), 404);
}

/// Other sites cannot reach a server of this machine through a name of theirs that points to it.
#[test]
fn a_listener_of_this_machine_answers_to_its_own_names_only() {
    let dir = folder();
    let run = serve(dir.path(), "", &[]);
    for (host, want) in [
        ("127.0.0.1", 200),
        ("localhost:1", 200),
        ("[::1]:9090", 200),
        ("evil.example", 403),
        ("evil.example:80", 403),
        ("10.1.2.3", 403),
    ] {
        let answer = with(run.address(), "GET", QUERY, &[("Host", host)]);
        assert_eq!(answer.status, want, "{host}");
        assert_eq!(answer.text().contains("hint: "), want == 403, "{}", answer.text());
    }
}

#[test]
fn other_sites_may_read_only_what_a_flag_allows() {
    let dir = folder();
    let origin = [("Origin", "https://grafana.example")];
    let run = serve(dir.path(), "", &[]);
    let answer = with(run.address(), "GET", QUERY, &origin);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, String::new()));
    drop(run);
    let run = serve(dir.path(), "", &["--web.cors.origin=https://grafana\\..*"]);
    let answer = with(run.address(), "GET", QUERY, &origin);
    assert_eq!(answer.header("access-control-allow-origin"), origin[0].1);
    assert_eq!(answer.header("access-control-expose-headers"), "Date");
    let asked = with(run.address(), "OPTIONS", QUERY, &origin);
    assert_eq!(
        (asked.status, asked.header("access-control-allow-methods")),
        (204, "GET, POST, OPTIONS".to_owned())
    );
    // The pattern covers the whole origin.
    for other in ["https://evil.example", "https://evil.example/https://grafana.x"] {
        assert_eq!(
            with(run.address(), "GET", QUERY, &[("Origin", other)]).header("access-control-allow-origin"),
            ""
        );
    }
    assert!(with(run.address(), "GET", QUERY, &origin).header("vary").contains("Origin"));
}

#[test]
fn answers_keep_browsers_from_doing_more_than_showing_them() {
    let dir = folder();
    let run = serve(dir.path(), "", &[]);
    for path in ["/", QUERY, "/nothing", "/metrics", "/api/v1/query?query=("] {
        let answer = get(run.address(), path);
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
    let policy = get(run.address(), "/").header("content-security-policy");
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
}

#[test]
fn methods() {
    let dir = folder();
    let run = serve(dir.path(), "", &[]);
    let check = |method: &str, path: &str, want: u16, allow: &str| {
        let answer = with(run.address(), method, path, &[]);
        assert_eq!((answer.status, answer.header("allow").as_str()), (want, allow), "{method} {path}");
        answer
    };
    check("OPTIONS", QUERY, 204, "");
    check("DELETE", QUERY, 405, "GET, OPTIONS, POST");
    check("POST", "/api/v1/targets", 405, "GET, OPTIONS");
    check("HEAD", QUERY, 405, "GET, OPTIONS, POST");
    check("HEAD", "/metrics", 405, "GET, OPTIONS");
    check("POST", "/api/tortie/v1/targets", 405, "GET, OPTIONS");
    check("GET", "/api/v1/admin/tsdb/snapshot", 404, "");
    check("PUT", "/targets", 405, "GET, OPTIONS");
    for path in ["/-/healthy", "/-/ready", "/targets"] {
        let head = check("HEAD", path, 200, "");
        assert!(head.body.is_empty(), "{path}");
    }
    let requests = get(run.address(), "/metrics").text();
    assert!(requests.contains("prometheus_http_requests_total{code=\"405\"} 6\n"), "{requests}");
}

#[test]
fn forms_come_before_the_query_and_have_an_end() {
    let dir = folder();
    let run = serve(dir.path(), "", &[]);
    let result = |a: &Answer| a.json()["data"]["result"][1].as_str().map(str::to_owned);
    assert_eq!(result(&post(run.address(), "/api/v1/query?query=1", "query=2")), Some("2".to_owned()));
    assert_eq!(result(&post(run.address(), "/api/v1/query", "query=1%2B2&time=100")), Some("3".to_owned()));
    assert_eq!(result(&post(run.address(), "/api/v1/query?query=4", "")), Some("4".to_owned()));
    // The body of a GET is no form.
    let kind = ("Content-Type", "text/plain");
    let plain = send(run.address(), "POST", "/api/v1/query?query=5", &[kind], b"query=6").unwrap();
    assert_eq!(result(&plain), Some("5".to_owned()));

    // Refused on its announcement: nothing of it has to be sent.
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let large = with(run.address(), "POST", "/api/v1/query", &[form, ("Content-Length", "10485761")]);
    assert_eq!(large.status, 400);
    assert_eq!(
        large.text(),
        r#"{"status":"error","errorType":"bad_data","error":"error parsing form values: http: POST too large"}"#
    );
    // A long one that fits is taken.
    let long = format!("query=7&more={}", "x".repeat(9 << 20));
    assert_eq!(result(&post(run.address(), "/api/v1/query", &long)), Some("7".to_owned()));
}

#[test]
fn answers_are_compressed_for_those_who_take_it() {
    let dir = folder();
    let run = serve(dir.path(), "", &[]);
    let unzipped = |a: &Answer| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&a.body[..]).read_to_string(&mut text).unwrap();
        text
    };
    let range = "/api/v1/query_range?query=time()&start=0&end=10000&step=1";
    for path in [range, "/api/v1/features", "/metrics"] {
        let plain = get(run.address(), path);
        assert_eq!(plain.header("content-encoding"), "", "{path}");
        let zipped = with(run.address(), "GET", path, &[("Accept-Encoding", "deflate, gzip")]);
        assert_eq!(zipped.header("content-encoding"), "gzip", "{path}");
        // The counters of the server itself move on.
        let same = |text: &str| {
            text.lines().filter(|l| l.starts_with('#') || !path.contains("metrics")).collect::<String>()
        };
        assert_eq!(same(&unzipped(&zipped)), same(&plain.text()), "{path}");
        assert!(zipped.body.len() < plain.body.len(), "{path}");
        let refused = with(run.address(), "GET", path, &[("Accept-Encoding", "gzip;q=0")]);
        assert_eq!(refused.header("content-encoding"), "", "{path}");
    }
    let small = with(run.address(), "GET", "/api/v1/status/buildinfo", &[("Accept-Encoding", "gzip")]);
    assert_eq!(
        (small.header("content-encoding").as_str(), small.header("vary").as_str()),
        ("", "Accept-Encoding, Origin")
    );
}

#[test]
fn errors_of_the_api_have_prometheus_types_and_codes() {
    let dir = folder();
    let run = serve(dir.path(), "", &[]);
    let check = |path: &str, want: u16, kind: &str| {
        let answer = get(run.address(), path);
        let v = answer.json();
        assert_eq!(
            (answer.status, v["status"].as_str(), v["errorType"].as_str()),
            (want, Some("error"), Some(kind)),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
    };
    check("/api/v1/query?query=(", 400, "bad_data");
    check("/api/v1/query", 400, "bad_data");
    check("/api/v1/query?query=1&time=x", 400, "bad_data");
    check("/api/v1/query_range?query=1&start=10&end=0&step=1", 400, "bad_data");
    check("/api/v1/query_range?query=1&start=0&end=11001&step=1", 400, "bad_data");
    check("/api/v1/series", 400, "bad_data");
    check("/api/v1/labels?limit=-1", 400, "bad_data");
    check("/api/v1/query?query=label_replace(vector(1),%22a%22,%22%22,%22b%22,%22(%22)", 422, "execution");
    check("/api/tortie/v1/dashboards/none", 404, "not_found");
}

/// A chart's form of an answer has the numbers of the JSON, bit for bit.
#[test]
fn columns_hold_what_the_json_holds() {
    let dir = folder();
    let run = serve(dir.path(), "", &[]);
    let text = "label_replace(vector(1) / 3, \"a\", \"b\", \"\", \"\") and on () (vector(time()) > 1020) or vector(time())";
    let path =
        format!("/api/v1/query_range?query={}&start=1000&end=1050&step=10", crate::http::encoded(text));
    let accept = "application/vnd.tortie.columns, application/json;q=0.9";
    let answer = with(run.address(), "GET", &path, &[("Accept", accept), ("Accept-Encoding", "gzip")]);
    assert_eq!(
        (answer.status, answer.header("content-type").as_str()),
        (200, "application/vnd.tortie.columns")
    );
    assert!(answer.header("vary").contains("Accept"), "{}", answer.header("vary"));
    let body = &answer.body;
    assert_eq!(&body[..4], b"TCOL");
    let from = 8 + u32::from_le_bytes(body[4..8].try_into().unwrap()) as usize;
    let head: serde_json::Value = serde_json::from_slice(&body[8..from]).unwrap();
    let expected = get(run.address(), &path).json();
    let series = expected["data"]["result"].as_array().unwrap();
    assert_eq!(series.len(), 2, "{expected}");
    let points = head["data"]["points"].as_u64().unwrap() as usize;
    assert_eq!(points, 6);
    assert_eq!(body.len(), from + 8 * points * series.len());
    for (row, one) in series.iter().enumerate() {
        assert_eq!(head["data"]["result"][row]["metric"], one["metric"]);
        let mut got = Vec::new();
        for k in 0..points {
            let at = from + 8 * (points * row + k);
            let value = f64::from_le_bytes(body[at..at + 8].try_into().unwrap());
            if !value.is_nan() {
                got.push((1000.0 + 10.0 * k as f64, value));
            }
        }
        let values = one["values"].as_array().unwrap().iter();
        let want: Vec<(f64, f64)> =
            values.map(|v| (v[0].as_f64().unwrap(), v[1].as_str().unwrap().parse().unwrap())).collect();
        assert_eq!(got, want);
    }
    // Everybody else gets JSON, as do instant queries and errors.
    let plain = with(run.address(), "GET", &path, &[("Accept", "*/*")]);
    assert_eq!(plain.header("content-type"), "application/json");
    let instant = with(run.address(), "GET", QUERY, &[("Accept", accept)]);
    assert_eq!(instant.header("content-type"), "application/json");
    let wrong = with(run.address(), "GET", "/api/v1/query_range?query=(", &[("Accept", accept)]);
    assert_eq!((wrong.status, wrong.header("content-type").as_str()), (400, "application/json"));
}
