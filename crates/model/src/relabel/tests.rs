//! Tests of rules: what each action does to a set, what is refused.

use super::*;

fn rule(action: Action) -> Rule {
    Rule { action, ..Rule::default() }
}

fn source(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

fn re(pattern: &str) -> Regex {
    Regex::anchored(pattern).unwrap()
}

/// `expect` is `None` where the set is dropped.
fn check(rules: &[Rule], from: &[(&str, &str)], expect: Option<&[(&str, &str)]>) {
    let from = Labels::from_pairs(from.iter().copied());
    let mut builder = from.builder();
    let kept = process(rules, &mut builder);
    let expect = expect.map(|e| Labels::from_pairs(e.iter().copied()));
    assert_eq!(kept.then(|| builder.labels()), expect, "{rules:?}");
    for r in rules {
        assert_eq!(r.validate(), Ok(()), "{r:?}");
    }
    let steps = trace(rules, &mut from.builder());
    assert_eq!(steps.last().map(|s| s.keep), Some(expect.is_some()));
    if let Some(expect) = expect {
        assert_eq!(steps.last().map(|s| s.output.clone()), Some(expect));
    }
}

#[test]
fn replace() {
    let set = [("a", "foo"), ("b", "bar"), ("c", "baz")];
    let to = |target: &str, pattern: &str, replacement: &str| Rule {
        source_labels: source(&["a"]),
        regex: re(pattern),
        target_label: target.into(),
        replacement: replacement.into(),
        ..Rule::default()
    };
    check(
        &[to("d", "f(.*)", "ch${1}-ch${1}")],
        &set,
        Some(&[("a", "foo"), ("b", "bar"), ("c", "baz"), ("d", "choo-choo")]),
    );
    check(&[to("a", "f(.*)", "")], &set, Some(&[("b", "bar"), ("c", "baz")]));
    check(&[to("a", "nomatch", "x")], &set, Some(&set));
    check(&[to("a", "o", "x")], &set, Some(&set));
    check(&[to("${1}", "(fo)o", "y")], &set, Some(&[("a", "foo"), ("b", "bar"), ("c", "baz"), ("fo", "y")]));
    check(&[to("$1", "foo()", "y")], &set, Some(&set));
    let joined =
        Rule { source_labels: source(&["a", "nothing", "b"]), target_label: "j".into(), ..Rule::default() };
    check(&[joined], &set, Some(&[("a", "foo"), ("b", "bar"), ("c", "baz"), ("j", "foo;;bar")]));
    let fixed = Rule { target_label: "team".into(), replacement: "net".into(), ..Rule::default() };
    check(&[fixed], &[], Some(&[("team", "net")]));
}

#[test]
fn keep_and_drop() {
    let by =
        |action, pattern: &str| Rule { source_labels: source(&["a"]), regex: re(pattern), ..rule(action) };
    let set = [("a", "foo")];
    check(&[by(Action::Keep, "fo.")], &set, Some(&set));
    check(&[by(Action::Keep, "o+")], &set, None);
    check(&[by(Action::Drop, ".*o.*")], &set, None);
    check(&[by(Action::Drop, "f|o"), by(Action::Keep, "(foo)")], &set, Some(&set));
    let eq = |action| Rule { source_labels: source(&["a"]), target_label: "b".into(), ..rule(action) };
    let same = [("a", "x"), ("b", "x")];
    check(&[eq(Action::KeepEqual)], &same, Some(&same));
    check(&[eq(Action::DropEqual)], &same, None);
    check(&[eq(Action::KeepEqual)], &set, None);
    check(&[eq(Action::DropEqual)], &set, Some(&set));
}

#[test]
fn names_and_letters() {
    let by = |action, pattern: &str| Rule { regex: re(pattern), ..rule(action) };
    let set = [("a", "foo"), ("b1", "bar"), ("b2", "baz")];
    check(&[by(Action::LabelDrop, "b.*")], &set, Some(&[("a", "foo")]));
    check(&[by(Action::LabelKeep, "b.*")], &set, Some(&[("b1", "bar"), ("b2", "baz")]));
    let map = Rule { replacement: "bar_${1}".into(), ..by(Action::LabelMap, "b(.*)") };
    check(
        &[map],
        &set,
        Some(&[("a", "foo"), ("b1", "bar"), ("b2", "baz"), ("bar_1", "bar"), ("bar_2", "baz")]),
    );
    let case = |action| Rule { source_labels: source(&["a"]), target_label: "c".into(), ..rule(action) };
    check(&[case(Action::Uppercase)], &[("a", "bAr")], Some(&[("a", "bAr"), ("c", "BAR")]));
    check(&[case(Action::Lowercase)], &[("a", "bAr")], Some(&[("a", "bAr"), ("c", "bar")]));
}

#[test]
fn hashmod_is_the_remainder_of_md5() {
    let hash = |modulus| Rule {
        source_labels: source(&["c"]),
        target_label: "d".into(),
        modulus,
        ..rule(Action::HashMod)
    };
    check(&[hash(1000)], &[("c", "baz")], Some(&[("c", "baz"), ("d", "976")]));
    check(&[hash(1000)], &[("c", "foo\nbar")], Some(&[("c", "foo\nbar"), ("d", "734")]));
}

#[test]
fn refuses_in_prometheus_words() {
    let says = |r: Rule| r.validate().unwrap_err().to_string();
    assert_eq!(says(rule(Action::HashMod)), "relabel configuration for hashmod requires non-zero modulus");
    assert_eq!(
        says(rule(Action::Replace)),
        "relabel configuration for replace action requires 'target_label' value"
    );
    let legacy = |action, target: &str| Rule {
        target_label: target.into(),
        scheme: NameScheme::Legacy,
        ..rule(action)
    };
    assert_eq!(says(legacy(Action::Replace, "a-b")), "\"a-b\" is invalid 'target_label' for replace action");
    assert_eq!(
        says(legacy(Action::Replace, "${1}-b")),
        "\"${1}-b\" is invalid 'target_label' for replace action"
    );
    assert_eq!(legacy(Action::Replace, "${1}_b").validate(), Ok(()));
    let lower = Rule { target_label: "x".into(), replacement: "y".into(), ..rule(Action::Lowercase) };
    assert_eq!(says(lower), "'replacement' can not be set for lowercase action");
    let keep = Rule { target_label: "x".into(), regex_given: true, ..rule(Action::KeepEqual) };
    assert_eq!(
        says(keep),
        "keepequal action requires only 'source_labels' and `target_label`, and no other fields"
    );
    let drop = Rule { target_label: "x".into(), ..rule(Action::LabelDrop) };
    assert_eq!(says(drop), "labeldrop action requires only 'regex', and no other fields");
    let map = Rule { replacement: "a-$1".into(), scheme: NameScheme::Legacy, ..rule(Action::LabelMap) };
    assert_eq!(says(map), "\"a-$1\" is invalid 'replacement' for labelmap action");
}

#[test]
fn actions_are_read_in_any_case() {
    for (name, action) in Action::NAMES {
        assert_eq!(Action::parse(&name.to_uppercase()), Some(action));
        assert_eq!(action.as_str(), name);
    }
    assert_eq!(Action::parse("nothing"), None);
}
