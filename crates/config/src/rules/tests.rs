//! Tests of whole rule files: what is read, what is refused, in which words and where.

use super::unit::UnitFile;
use super::*;

/// Stands in for the parsers of expressions and templates: `!` and `{{!` are mistakes.
fn checks() -> Checks<'static> {
    Checks {
        scheme: NameScheme::Utf8,
        ignore_unknown: false,
        expr: &|text| match text.find('!') {
            None => Ok(()),
            Some(offset) => Err(ExprError { message: "bang".to_owned(), offset }),
        },
        template: &|alert, text| {
            if text.contains("{{!") { Err(format!("template: {alert}: bang")) } else { Ok(()) }
        },
    }
}

fn load(text: &str) -> RuleFile {
    RuleFile::load(text, "r.yml", &checks()).unwrap_or_else(|e| panic!("{e}"))
}

/// Each error as `line:column: message`.
fn errors(text: &str) -> Vec<String> {
    let all = RuleFile::load(text, "r.yml", &checks()).map(|_| ()).unwrap_err();
    all.items.iter().map(|d| format!("{}:{}: {}", d.at.line, d.at.column, d.message)).collect()
}

#[test]
fn a_whole_file() {
    let file = load(
        "groups:\n- name: g\n  interval: 30s\n  query_offset: 1m\n  limit: 5\n  labels: {team: a}\n  rules:\n  - record: x:y\n    expr: up\n    \
         labels: {b: 2}\n  - alert: Down\n    expr: |\n      up == 0\n    for: 5m\n    keep_firing_for: 1m\n    annotations: {summary: '{{ $value }}'}\n",
    );
    let [g] = file.groups.as_slice() else { panic!("{file:?}") };
    assert_eq!((g.interval_ms, g.query_offset_ms, g.limit), (30_000, Some(60_000), 5));
    assert_eq!(g.labels, [("team".to_owned(), "a".to_owned())]);
    let [record, alert] = g.rules.as_slice() else { panic!("{g:?}") };
    assert_eq!((record.name(), record.expr.as_str()), ("x:y", "up"));
    assert_eq!(record.labels, [("b".to_owned(), "2".to_owned())]);
    assert_eq!((alert.name(), alert.expr.as_str()), ("Down", "up == 0\n"));
    assert_eq!((alert.for_ms, alert.keep_firing_for_ms), (300_000, 60_000));
}

#[test]
fn empty_files_and_second_documents_are_fine() {
    assert!(load("").groups.is_empty());
    assert!(load("groups:\n").groups.is_empty());
    assert!(load("groups: [null]").groups.is_empty());
    assert!(load("groups: [{name: a, rules: [null]}]").groups[0].rules.is_empty());
    let two = load("groups: []\n---\nnonsense: [\n");
    assert!(two.more_documents && two.groups.is_empty());
}

#[test]
fn unknown_keys_and_wrong_kinds() {
    let check = |text: &str, expect: &str| assert_eq!(errors(text), [expect], "{text}");
    check("group: []", "1:1: field group not found in type rulefmt.RuleGroups");
    check("groups: {}", "1:9: cannot unmarshal !!map into []rulefmt.RuleGroup");
    check("groups: [{name: a, foo: 1}]", "1:20: field foo not found in type rulefmt.RuleGroup");
    check("groups: [{name: a, limit: x}]", "1:27: cannot unmarshal !!str `x` into int");
    check("groups: [{name: a, limit: '5'}]", "1:27: cannot unmarshal !!str `5` into int");
    check(
        "groups: [{name: a, labels: much too long}]",
        "1:28: cannot unmarshal !!str `much to...` into map[string]string",
    );
    for (value, tag) in [
        ("1", "!!int"),
        ("-0x1f", "!!int"),
        ("1.5", "!!float"),
        (".inf", "!!float"),
        ("true", "!!bool"),
        ("yes", "!!str"),
        ("e1", "!!str"),
    ] {
        check(
            &format!("groups: {value}"),
            &format!("1:9: cannot unmarshal {tag} `{value}` into []rulefmt.RuleGroup"),
        );
    }
    check("groups: [{name: a, interval: 5}]", "1:30: not a valid duration string: \"5\"");
    check("groups: [{name: a, rules: [{alert: b, expr: [c]}]}]", "1:45: cannot unmarshal !!seq into string");
    check(
        "groups: [{name: a, rules: [{alert: b, expr: c, exp: d}]}]",
        "1:48: field exp not found in type rulefmt.Rule",
    );
}

#[test]
fn rules_are_checked_in_prometheus_words() {
    let check = |rule: &str, expect: &[&str]| {
        let text = format!("groups: [{{name: g, rules: [{{{rule}}}]}}]");
        let got: Vec<String> =
            errors(&text).iter().map(|e| e.split_once(": ").map_or("", |(_, m)| m).to_owned()).collect();
        assert_eq!(got, expect, "{rule}");
    };
    check("expr: x", &["group \"g\", rule 1, \"\": one of 'record' or 'alert' must be set"]);
    check(
        "expr: x, record: a, alert: b",
        &["group \"g\", rule 1, \"b\": only one of 'record' and 'alert' must be set"],
    );
    check("record: a", &["group \"g\", rule 1, \"a\": field 'expr' must be set in rule"]);
    check("record: a, expr: '!'", &["group \"g\", rule 1, \"a\": could not parse expression: bang"]);
    check(
        "record: 'a{}', expr: x, for: 1m, annotations: {b: c}",
        &[
            "group \"g\", rule 1, \"a{}\": invalid field 'annotations' in recording rule",
            "group \"g\", rule 1, \"a{}\": invalid field 'for' in recording rule",
            "group \"g\", rule 1, \"a{}\": braces present in the recording rule name; should it be in expr?: a{}",
        ],
    );
    check(
        "alert: a, expr: x, labels: {__name__: b}",
        &["group \"g\", rule 1, \"a\": invalid label name: __name__"],
    );
    check(
        "alert: a, expr: x, annotations: {s: '{{!'}",
        &["group \"g\", rule 1, \"a\": annotation \"s\": template: a: bang"],
    );
}

#[test]
fn groups_have_names_of_their_own() {
    assert_eq!(
        errors("groups:\n- rules: []\n- name: a\n- name: a\n"),
        ["2:3: Groupname must not be empty", "4:3: groupname: \"a\" is repeated in the same file"]
    );
}

#[test]
fn mistakes_in_expressions_are_pointed_at() {
    let at = |expr: &str| {
        let text = format!("groups:\n- name: g\n  rules:\n  - record: a\n    expr: {expr}\n");
        let all = RuleFile::load(&text, "r.yml", &checks()).map(|_| ()).unwrap_err();
        (all.items[0].at.line, all.items[0].at.column)
    };
    assert_eq!(at("sum(!)"), (5, 15));
    assert_eq!(at("'sum(!)'"), (5, 16));
    assert_eq!(at("|\n      sum(\n        !)"), (7, 9));
    assert_eq!(at("|-\n      sum(!)"), (6, 11));
    assert_eq!(at(">\n      a +\n      b + !c\n      + d"), (7, 11));
    // Escapes move what is behind them: the value is pointed at.
    assert_eq!(at("\"a\\tb!\""), (5, 11));
}

#[test]
fn unit_tests_of_rules() {
    let unit = UnitFile::load(
        "rule_files: [r.yml]\nevaluation_interval: 30s\nfuzzy_compare: true\ntests:\n- name: n\n  start_timestamp: 2024-01-01T00:00:00Z\n  \
         input_series:\n  - {series: up, values: 0x10}\n  alert_rule_test:\n  - {eval_time: 5m, alertname: A, exp_alerts: [{exp_labels: {a: b}}]}\n  \
         promql_expr_test:\n  - {expr: up, eval_time: 0, exp_samples: [{labels: up, value: -1.5e1}, {value: .inf}]}\n",
        "t.yml",
    )
    .unwrap();
    assert_eq!((unit.evaluation_interval_ms, unit.fuzzy_compare), (30_000, true));
    let [test] = unit.tests.as_slice() else { panic!("{unit:?}") };
    assert_eq!(test.start_ms, 1_704_067_200_000);
    assert_eq!(test.input_series, [("up".to_owned(), "0x10".to_owned())]);
    assert_eq!(test.alerts[0].eval_time_ms, 300_000);
    assert_eq!(test.alerts[0].expected[0].labels, [("a".to_owned(), "b".to_owned())]);
    let values: Vec<f64> = test.expressions[0].expected.iter().map(|s| s.value).collect();
    assert_eq!(values, [-15.0, f64::INFINITY]);
    let says = |text: &str| UnitFile::load(text, "t").unwrap_err().items[0].message.clone();
    assert_eq!(says("tests: [{foo: 1}]"), "field foo not found in type main.testGroup");
    assert_eq!(
        says("tests: [{promql_expr_test: [{exp_samples: [{value: NaN}]}]}]"),
        "cannot unmarshal !!str `NaN` into float64"
    );
}
