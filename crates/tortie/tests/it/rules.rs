//! Rules in the running server, and the commands for rule files.

use crate::http::{get, metric, post, query};
use crate::process::{folder, serve, until_true};
use std::path::Path;
use std::process::{Command, Output};

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
}
