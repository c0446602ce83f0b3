//! Wrong rule files: `tortie rules check` says no exactly where `promtool check rules` does.

use super::{promtool, said, tortie};
use crate::process::folder;

/// Rule files, wrong and odd ones.
const FILES: &[&str] = &[
    "",
    "groups:",
    "groups: []",
    "group: []",
    "groups: {}",
    "groups: [{name: a}]",
    "groups: [{}]",
    "groups: [null]",
    "groups: [{name: a}, {name: a}]",
    "groups: [{name: a, rules: [null]}]",
    "groups: [{name: a, foo: b}]",
    "groups: [{name: a, interval: 5}]",
    "groups: [{name: a, interval: 5x}]",
    "groups: [{name: a, interval: -5m}]",
    "groups: [{name: a, interval: ''}]",
    "groups: [{name: a, interval: null}]",
    "groups: [{name: a, query_offset: 1m, limit: 5}]",
    "groups: [{name: a, limit: x}]",
    "groups: [{name: a, limit: '5'}]",
    "groups: [{name: a, limit: -1}]",
    "groups: [{name: a, limit: much too long a text}]",
    "groups: 1.5",
    "groups: -7",
    "groups: true",
    "groups: yes",
    "groups: .inf",
    "groups: [{name: a, rules: 12345678901}]",
    "groups: [{name: a, labels: 1e3}]",
    "groups: [{name: a, rules: [{alert: x, expr: up, labels: [b]}]}]",
    "groups: [{name: a, limit: 0x10}]",
    "groups: [{name: a, labels: {__name__: x}}]",
    "groups: [{name: a, labels: [x]}]",
    "groups: [{name: a, labels: {a: 1, b: true, c: null}}]",
    "groups: [{name: a, rules: [{record: x, expr: up}]}]",
    "groups: [{name: a, rules: [{record: x, alert: y, expr: up}]}]",
    "groups: [{name: a, rules: [{expr: up}]}]",
    "groups: [{name: a, rules: [{record: x}]}]",
    "groups: [{name: a, rules: [{record: x, expr: ''}]}]",
    "groups: [{name: a, rules: [{record: x, expr: 'up +'}]}]",
    "groups: [{name: a, rules: [{record: x, expr: 'sum by (a) rate(up)'}]}]",
    "groups: [{name: a, rules: [{record: x, expr: 5}]}]",
    "groups: [{name: a, rules: [{record: x, expr: [up]}]}]",
    "groups: [{name: a, rules: [{record: 'a b', expr: up}]}]",
    "groups: [{name: a, rules: [{record: 'a{b=\"c\"}', expr: up}]}]",
    "groups: [{name: a, rules: [{record: x, expr: up, for: 1m}]}]",
    "groups: [{name: a, rules: [{record: x, expr: up, for: 0s}]}]",
    "groups: [{name: a, rules: [{record: x, expr: up, keep_firing_for: 1m}]}]",
    "groups: [{name: a, rules: [{record: x, expr: up, annotations: {a: b}}]}]",
    "groups: [{name: a, rules: [{record: x, expr: up, annotations: {}}]}]",
    "groups: [{name: a, rules: [{record: x, expr: up, labels: {a-b: c}}]}]",
    "groups: [{name: a, rules: [{record: x, expr: up, labels: {'': c}}]}]",
    "groups: [{name: a, rules: [{record: x, expr: up, labels: {a: '{{ $labels.x }'}}]}]",
    "groups: [{name: a, rules: [{alert: x, expr: up, labels: {a: '{{ $labels.x }'}}]}]",
    "groups: [{name: a, rules: [{alert: x, expr: up, annotations: {a: '{{ nope }}'}}]}]",
    "groups: [{name: a, rules: [{alert: x, expr: up, annotations: {a: '{{ $labels.x | humanize }} {{ if }}'}}]}]",
    "groups: [{name: a, rules: [{alert: x, expr: up, annotations: {a: '{{ range query \"up\" }}{{ .Value }}{{ end }}'}}]}]",
    "groups: [{name: a, rules: [{alert: x, expr: up, annotations: {'a b': c}}]}]",
    "groups: [{name: a, rules: [{alert: x, expr: up, for: 1m, keep_firing_for: 2m, foo: bar}]}]",
    "groups: [{name: a, rules: [{alert: x, expr: up, alert: y}]}]",
    "groups: [{name: a, rules: {alert: x}}]",
    "groups: [{name: [a]}]",
    "groups:\n- name: a\n---\ngroups: nonsense\n",
    "groups: [",
    "- groups",
    "text",
];

#[test]
fn verdicts_are_those_of_promtool() {
    let dir = folder();
    let mut wrong = 0;
    for (i, text) in FILES.iter().enumerate() {
        let name = format!("{i}.yml");
        std::fs::write(dir.path().join(&name), text).unwrap();
        let theirs = promtool(dir.path(), &["check", "rules", "--lint=none", &name]);
        let ours = tortie(dir.path(), &["rules", "check", "--lint=none", &name]);
        assert_eq!(
            theirs.status.code(),
            ours.status.code(),
            "{text}\npromtool: {}\ntortie: {}",
            said(&theirs),
            said(&ours)
        );
        for words in words(&theirs) {
            assert!(said(&ours).contains(&words), "{text}\npromtool: {words}\ntortie: {}", said(&ours));
        }
        wrong += usize::from(!theirs.status.success());
    }
    assert!(wrong >= 30, "only {wrong} of {} files are wrong", FILES.len());
}

/// What promtool says is wrong, without places. It reads a file a second time, into types whose names end in `Node`; what is
/// no YAML is said in other words here.
fn words(theirs: &std::process::Output) -> Vec<String> {
    let said = String::from_utf8_lossy(&theirs.stderr).into_owned();
    let place = |w: &str| w.chars().all(|c| c.is_ascii_digit() || c == ':') || w == "line";
    let one = |line: &str| {
        let line = line.trim().split_once(".yml: ").map_or(line.trim(), |(_, l)| l);
        let words: Vec<&str> = line.split(' ').skip_while(|w| place(w)).collect();
        words.join(" ")
    };
    let of_yaml = ["Node", "ruleGroups", "yaml: ", "mapping key", "level=", "FAILED:"];
    said.lines().map(one).filter(|l| !l.is_empty() && !of_yaml.iter().any(|o| l.contains(o))).collect()
}

#[test]
fn lints_have_the_exit_codes_of_promtool() {
    let dir = folder();
    let text = "groups: [{name: a, rules: [{record: x, expr: up}, {record: x, expr: up == 1}]}]";
    std::fs::write(dir.path().join("r.yml"), text).unwrap();
    for more in
        [&["--lint=duplicate-rules"][..], &["--lint=duplicate-rules", "--lint-fatal"], &["--lint=none"]]
    {
        let theirs: Vec<&str> = ["check", "rules"].iter().chain(more).copied().chain(["r.yml"]).collect();
        let ours: Vec<&str> = ["rules", "check"].iter().chain(more).copied().chain(["r.yml"]).collect();
        let (theirs, ours) = (promtool(dir.path(), &theirs), tortie(dir.path(), &ours));
        assert_eq!(theirs.status.code(), ours.status.code(), "{more:?} {}", said(&ours));
    }
}

#[test]
fn junit_of_unit_tests_has_the_form_of_promtools() {
    let dir = folder();
    std::fs::write(
        dir.path().join("r.yml"),
        "groups: [{name: a, rules: [{record: x, expr: 'sum(y)'}, {alert: A, expr: 'y > 1'}]}]",
    )
    .unwrap();
    let test = |name: &str, value: i32| {
        format!(
            "- name: {name}\n  input_series: [{{series: 'y', values: '2x5'}}]\n  promql_expr_test: [{{expr: x, eval_time: 2m, exp_samples: [{{labels: x, value: {value}}}]}}]\n\
             \x20 alert_rule_test: [{{eval_time: 2m, alertname: A, exp_alerts: [{{exp_labels: {{n: '<&>'}}}}]}}]\n"
        )
    };
    let text = format!("rule_files: [r.yml]\ntests:\n{}{}", test("'one \"&\" <two>'", 2), test("second", 3));
    std::fs::write(dir.path().join("t.yml"), text).unwrap();
    std::fs::write(dir.path().join("broken.yml"), "nonsense: [").unwrap();
    let theirs = promtool(dir.path(), &["test", "--junit=theirs.xml", "rules", "t.yml", "broken.yml"]);
    let ours = tortie(dir.path(), &["test", "rules", "--junit=ours.xml", "t.yml", "broken.yml"]);
    assert_eq!(theirs.status.code(), ours.status.code(), "{}", said(&ours));
    // The words of failures and the time may differ; elements, names and counts may not.
    let form = |file: &str| {
        let xml = std::fs::read_to_string(dir.path().join(file)).unwrap();
        let mut out = String::new();
        for part in xml.split('<') {
            let (tag, text) = part.split_once('>').unwrap_or((part, ""));
            let tag = tag.split(" timestamp=").next().unwrap_or(tag);
            out += &format!("<{tag}>{}\n", if text.is_empty() { "" } else { "text" });
        }
        out
    };
    assert_eq!(form("ours.xml"), form("theirs.xml"));
    assert!(form("ours.xml").matches("<failure>text").count() == 3, "{}", form("ours.xml"));
}
