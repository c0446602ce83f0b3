//! Rules in the running server, and the commands for rule files.

use crate::http::{get, metric, post, query};
use crate::process::{folder, serve, until_true};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const CONFIG: &str =
    "global: {evaluation_interval: 1s, external_labels: {cluster: c1}}\nrule_files: [rules/*.yml]\n";

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(dir.join("rules")).unwrap();
    std::fs::write(dir.join(name), text).unwrap();
}

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tortie")).args(args).current_dir(dir).output().unwrap()
}

fn said(o: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr))
}

#[test]
fn rules_are_evaluated_and_a_wrong_file_changes_nothing() {
    let dir = folder();
    let good = "groups:\n- name: g\n  rules:\n  - record: two\n    expr: vector(2)\n  - alert: On\n    expr: two > 1\n    \
                annotations: {summary: '{{ $value }} in {{ $externalLabels.cluster }}'}\n";
    write(dir.path(), "rules/a.yml", good);
    let server = serve(dir.path(), CONFIG, &["--web.enable-lifecycle"]);
    let a = server.address();
    until_true("the recorded series", || !query(a, "two").is_empty());
    until_true("the alert", || get(a, "/api/v1/alerts").text().contains("\"firing\""));
    let alerts = get(a, "/api/v1/alerts").json();
    assert_eq!(alerts["data"]["alerts"][0]["annotations"]["summary"], "2 in c1");
    // Its series begins with the third evaluation, after what storage knew was looked for.
    until_true("the series of the alert", || query(a, "ALERTS{alertstate=\"firing\"}").len() == 1);
    let rules = get(a, "/api/v1/rules?type=record").json();
    assert_eq!(rules["data"]["groups"][0]["file"], "rules/a.yml");
    assert_eq!(rules["data"]["groups"][0]["rules"][0]["health"], "ok");
    assert!(metric(a, "prometheus_rule_evaluations_total{rule_group=\"rules/a.yml;g\"}").is_some());

    let since = alerts["data"]["alerts"][0]["activeAt"].clone();
    write(dir.path(), "rules/b.yml", "groups:\n- name: h\n  rules:\n  - record: x\n    expr: sum(\n");
    let refused = post(a, "/-/reload", "");
    assert_eq!(refused.status, 500);
    let text = refused.text();
    assert!(
        text.contains(
            "rules/b.yml:5:15: group \"h\", rule 1, \"x\": could not parse expression: 1:5: parse error: "
        ),
        "{text}"
    );
    assert!(text.contains("5 |     expr: sum(\n"), "{text}");
    assert_eq!(get(a, "/api/v1/rules").json()["data"]["groups"].as_array().unwrap().len(), 1);

    // Mended and more: the alert goes on since it began.
    write(dir.path(), "rules/b.yml", "groups:\n- name: h\n  rules:\n  - record: x\n    expr: sum(two)\n");
    assert_eq!(post(a, "/-/reload", "").status, 200);
    until_true("the new rule", || !query(a, "x").is_empty());
    assert_eq!(get(a, "/api/v1/alerts").json()["data"]["alerts"][0]["activeAt"], since);

    // A file that goes takes its series along.
    std::fs::remove_file(dir.path().join("rules/b.yml")).unwrap();
    assert_eq!(post(a, "/-/reload", "").status, 200);
    until_true("the series of the rule that went are stale", || query(a, "x").is_empty());
    assert!(!query(a, "two").is_empty());

    let address = format!("--url=http://{a}");
    let listed = run(dir.path(), &["rules", "list", &address]);
    assert!(listed.status.success() && said(&listed).contains("2 rules"), "{}", said(&listed));
    let listed = run(dir.path(), &["alerts", "list", &address]);
    assert_eq!(listed.status.code(), Some(1));
    assert!(said(&listed).contains("1 firing, 0 pending"), "{}", said(&listed));
}

#[test]
fn rules_check_points_at_mistakes() {
    let dir = folder();
    write(dir.path(), "rules/a.yml", "groups:\n- name: g\n  ruls: []\n");
    let o = run(dir.path(), &["rules", "check", "rules/a.yml"]);
    assert_eq!(o.status.code(), Some(1));
    let text = said(&o);
    assert!(text.contains("rules/a.yml:3:3: field ruls not found in type rulefmt.RuleGroup\n"), "{text}");
    assert!(text.contains("hint: did you mean rules?"), "{text}");
    write(
        dir.path(),
        "rules/b.yml",
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n  - alert: B\n    expr: up{job=\"felix\"} == 0\n",
    );
    let o = run(dir.path(), &["rules", "check", "rules/b.yml", "--lint-fatal"]);
    assert_eq!(o.status.code(), Some(3));
    let text = said(&o);
    assert!(text.contains("rules/b.yml:5:11: alert \"A\": it compares nothing"), "{text}");
    assert!(
        text.contains("rules/b.yml:7:11: alert \"B\": it sees targets of job=\"felix\" that are down"),
        "{text}"
    );
    assert_eq!(run(dir.path(), &["rules", "check", "rules/b.yml", "--lint=none"]).status.code(), Some(0));
}

const OBJECT: &str = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: x, namespace: y}\nspec:\n  groups:\n  - name: g\n    partial_response_strategy: warn\n    rules:\n    - alert: A\n      expr: EXPR\n";

#[test]
fn rules_check_takes_prometheus_rule_objects() {
    let dir = folder();
    let check = |text: &str, code: i32, expect: &str| {
        write(dir.path(), "rules/o.yml", text);
        let o = run(dir.path(), &["rules", "check", "--lint=can-never-fire", "rules/o.yml"]);
        assert_eq!(o.status.code(), Some(code), "{}", said(&o));
        assert!(said(&o).contains(expect), "{expect}\n{}", said(&o));
    };
    check(&OBJECT.replace("EXPR", "absent(up)"), 0, "SUCCESS: 1 rules found");
    check(
        &OBJECT.replace("EXPR", "sum(up"),
        1,
        "rules/o.yml:10:19: group \"g\", rule 1, \"A\": could not parse",
    );
    check(
        &OBJECT.replace("EXPR", "count(up) < 1"),
        0,
        "rules/o.yml:10:13: alert \"A\": count(up) < 1 can never be",
    );
    check(
        &OBJECT.replace("alert:", "alerts:"),
        1,
        "rules/o.yml:9:7: field alerts not found in type rulefmt.Rule",
    );
    check(&OBJECT.replace("rules:", "rulez:"), 1, "rules/o.yml:8:5: field rulez not found");
    check("kind: PrometheusRule\ngroups: []\n", 1, "field kind not found in type rulefmt.RuleGroups");
}

#[test]
fn a_configuration_is_checked_with_its_rule_files() {
    let dir = folder();
    let check = |files: &str, code: i32, expect: &str| {
        std::fs::write(dir.path().join("prometheus.yml"), format!("rule_files: [{files}]\n")).unwrap();
        let o = run(dir.path(), &["check", "config"]);
        assert_eq!(o.status.code(), Some(code), "{files}: {}", said(&o));
        assert!(said(&o).contains(expect), "{files}: {expect}\n{}", said(&o));
    };
    write(
        dir.path(),
        "rules/a.yml",
        "groups: [{name: g, rules: [{record: x, expr: up}, {record: y, expr: up}]}]",
    );
    write(dir.path(), "b.yml", "groups:\n- name: h\n  rules:\n  - record: x\n    expr: sum(\n");
    write(dir.path(), "o.yml", &OBJECT.replace("EXPR", "up"));
    check("rules/*.yml", 0, "prometheus.yml: fine, 0 scrape jobs, 2 rules in 1 rule file\n");
    check("rules/a.yml, none*.yml", 0, "2 rules in 1 rule file\n");
    check(
        "b.yml, rules/a.yml",
        2,
        "b.yml:5:15: group \"h\", rule 1, \"x\": could not parse expression: 1:5: parse error: ",
    );
    check("none.yml", 2, "\"none.yml\" does not point to an existing file");
    // Objects are no rule files for a server.
    check("o.yml", 2, "o.yml:1:1: field apiVersion not found in type rulefmt.RuleGroups");
}

#[test]
fn rules_check_says_what_can_never_fire_and_what_is_slow() {
    let dir = folder();
    write(
        dir.path(),
        "rules/a.yml",
        "groups:\n- name: g\n  interval: 15s\n  rules:\n  - record: day\n    expr: rate(x[1d])\n  - alert: A\n    expr: |\n      increase(felix_resyncs_total[1h])\n        > 3\n  - alert: B\n    expr: count(up) < 1\n",
    );
    let check = |lints: &str, expect: &[&str], code: i32| {
        let o =
            run(dir.path(), &["rules", "check", &format!("--lint={lints}"), "--lint-fatal", "rules/a.yml"]);
        let text = said(&o);
        let got: Vec<&str> = text.lines().filter(|l| l.contains("WARNING")).collect();
        assert_eq!(got.len(), expect.len(), "{text}");
        assert!(expect.iter().all(|e| text.contains(e)), "{text}");
        assert_eq!(o.status.code(), Some(code), "{text}");
    };
    let never = [
        "rules/a.yml:9:16: alert \"A\": no version of Calico has felix_resyncs_total (hint: did you mean felix_resyncs_started?)",
        "rules/a.yml:12:11: alert \"B\": count(up) < 1 can never be: count(up) is never below 1 [can-never-fire]",
    ];
    let slow = "rules/a.yml:6:16: record \"day\": it reads 1d of samples anew every 15s";
    check("all", &[never[0], never[1], slow], 3);
    check("can-never-fire", &never, 3);
    check("slow", &[slow], 3);
    check("duplicate-rules", &[], 0);
    check("none", &[], 0);
    check("no-such-lint", &["WARNING: unknown lint option: \"no-such-lint\""], 0);
    // Without --lint-fatal a lint is a word and no verdict.
    assert_eq!(run(dir.path(), &["rules", "check", "rules/a.yml"]).status.code(), Some(0));
}

#[test]
fn unit_tests_of_rules_pass_and_fail() {
    let dir = folder();
    write(
        dir.path(),
        "rules/a.yml",
        "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up == 0\n    for: 2m\n    labels: {severity: page}\n",
    );
    let test = |severity: &str| {
        format!(
            "rule_files: [rules/a.yml]\ntests:\n- input_series: [{{series: 'up{{job=\"a\"}}', values: '0x10'}}]\n  alert_rule_test:\n  \
             - {{eval_time: 1m, alertname: Down}}\n  - eval_time: 5m\n    alertname: Down\n    exp_alerts: [{{exp_labels: {{job: a, severity: {severity}}}}}]\n"
        )
    };
    write(dir.path(), "good.yml", &test("page"));
    write(dir.path(), "bad.yml", &test("info"));
    let o = run(dir.path(), &["test", "rules", "good.yml"]);
    assert!(o.status.success() && said(&o).contains("  SUCCESS"), "{}", said(&o));
    let o = run(dir.path(), &["test", "rules", "--junit=out.xml", "good.yml", "bad.yml"]);
    assert_eq!(o.status.code(), Some(1));
    let xml = std::fs::read_to_string(dir.path().join("out.xml")).unwrap();
    assert!(xml.contains("<testsuite name=\"bad.yml\" tests=\"1\" failures=\"1\" errors=\"0\""), "{xml}");
    let text = said(&o);
    assert!(text.contains("    alertname: Down, time: 5m, "), "{text}");
    assert!(text.contains("Labels:{alertname=\"Down\", job=\"a\", severity=\"page\"}"), "{text}");
    let text = said(&run(dir.path(), &["test", "rules", "--diff", "--debug", "bad.yml"]));
    assert!(text.contains("\"severity\": \u{1b}[0;33m\"info\" => \"page\"\u{1b}[0m"), "{text}");
    assert!(text.contains("DEBUG: Starting test unnamed#0\n") && text.contains("\n0 @[300000]\n"), "{text}");
}

/// An Alertmanager that answers 503 until it is told to be well, and keeps the names of the alerts that came then.
#[derive(Clone, Default)]
struct Receiver {
    well: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
    names: Arc<Mutex<BTreeSet<String>>>,
}

impl Receiver {
    fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let own = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || own.answer(&stream));
            }
        });
        address
    }

    fn answer(&self, mut stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let well = self.well.load(Ordering::Relaxed);
            if well {
                let alerts: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let names = alerts.as_array().unwrap().iter().map(|a| a["labels"]["alertname"].to_string());
                self.names.lock().unwrap().extend(names);
            } else {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            let status = if well { "200 OK" } else { "503 Service Unavailable" };
            stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes())?;
        }
    }
}

#[test]
fn alerts_that_found_no_room_in_the_queue_are_told_of_when_there_is_some() {
    let dir = folder();
    let rules: String = (0..40).map(|i| format!("  - alert: A{i:02}\n    expr: vector(1)\n")).collect();
    write(dir.path(), "rules/a.yml", &format!("groups:\n- name: g\n  rules:\n{rules}"));
    let receiver = Receiver::default();
    let address = receiver.start();
    let config =
        format!("{CONFIG}alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{address}']}}]}}]}}\n");
    // Nothing is told of a second time by itself.
    let flags = ["--alertmanager.notification-queue-capacity=4", "--rules.alert.resend-delay=1h"];
    let server = serve(dir.path(), &config, &flags);
    let a = server.address();
    let of = |name: &str| -> f64 {
        let series = format!("{name}{{alertmanager=\"http://{address}/api/v2/alerts\"}}");
        metric(a, &series).unwrap().parse().unwrap()
    };
    until_true("alerts without room", || of("prometheus_notifications_dropped_total") >= 20.0);
    until_true("a refused request", || receiver.refused.load(Ordering::Relaxed) > 0);
    receiver.well.store(true, Ordering::Relaxed);
    until_true("all alerts", || receiver.names.lock().unwrap().len() == 40);
    assert!(of("prometheus_notifications_queue_length") <= 4.0);
}
