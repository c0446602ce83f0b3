//! Label selectors: matching, reasons, and kubectl's text.

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tortie_cluster::Selector;

fn labels(text: &str) -> BTreeMap<String, String> {
    text.split(',').filter_map(|p| p.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

fn selector(v: Value) -> Selector {
    Selector::parse(&v).unwrap().unwrap()
}

#[test]
fn null_and_empty_differ() {
    assert_eq!(Selector::parse(&Value::Null).unwrap(), None);
    for everything in
        [json!({}), json!({"matchLabels": null, "matchExpressions": []}), json!({"matchLabels": {}})]
    {
        let s = selector(everything);
        assert!(s.is_everything() && s.matches(&labels("")) && s.matches(&labels("a=b")));
    }
}

#[test]
fn matching() {
    fn check(input: Value, on: &str, expect: bool) {
        assert_eq!(selector(input.clone()).matches(&labels(on)), expect, "{input} {on}");
    }
    let is = |k: &str, v: &str| json!({"matchLabels": {k: v}});
    let with = |op: &str, values: Value| json!({"matchExpressions": [{"key": "a", "operator": op, "values": values}]});
    check(is("release", "prometheus"), "release=prometheus,x=y", true);
    check(is("release", "prometheus"), "release=kps", false);
    check(is("release", ""), "x=y", false);
    check(is("release", ""), "release=", true);
    check(with("In", json!(["1", "2"])), "a=2", true);
    check(with("In", json!(["1", "2"])), "b=2", false);
    check(with("NotIn", json!(["1"])), "a=1", false);
    check(with("NotIn", json!(["1"])), "b=1", true);
    check(with("Exists", json!([])), "a=", true);
    check(with("Exists", Value::Null), "b=", false);
    check(with("DoesNotExist", json!([])), "a=1", false);
    check(with("DoesNotExist", json!([])), "", true);
    check(
        json!({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}),
        "a=1",
        false,
    );
}

#[test]
fn misses_say_what_is_wanted_and_what_is_there() {
    let s = selector(json!({
        "matchLabels": {"release": "prometheus"},
        "matchExpressions": [
            {"key": "team", "operator": "In", "values": ["b", "a"]}, {"key": "env", "operator": "NotIn", "values": ["dev"]},
            {"key": "x", "operator": "Exists"}, {"key": "y", "operator": "DoesNotExist"}],
    }));
    let misses = s.misses(&labels("release=kps,env=dev,y=1,team=a"));
    let told: Vec<String> = misses
        .iter()
        .map(|m| format!("{}: {} / {}", m.key, m.wanted, m.have.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        told,
        ["env: not dev / dev", "release: prometheus / kps", "x: any value / -", "y: no such label / 1"]
    );
    assert!(s.misses(&labels("release=prometheus,team=b,x=1")).is_empty());
    assert_eq!(s.to_string(), "env notin (dev),release=prometheus,team in (a,b),x,!y");
    assert_eq!(s.keys().collect::<Vec<_>>(), ["env", "release", "team", "x", "y"]);
}

#[test]
fn what_the_api_machinery_refuses() {
    fn check(input: Value, expect: &str) {
        let e = Selector::parse(&input).unwrap_err();
        assert_eq!(format!("{} {}", e.pointer, e.message), expect, "{input}");
    }
    let one = |v: Value| json!({"matchExpressions": [v]});
    check(json!("a=b"), " a label selector must be a mapping");
    check(json!({"matchLabels": {"a": 1}}), "/matchLabels/a the value of a must be a text");
    check(json!({"matchLabels": {"a": "b c"}}), "/matchLabels/a \"b c\" is no label value");
    check(
        one(json!({"key": "a", "operator": "in", "values": ["x"]})),
        "/matchExpressions/0/operator \"in\" is no operator",
    );
    check(
        one(json!({"key": "a", "operator": "In"})),
        "/matchExpressions/0/values operator In of a needs at least one value",
    );
    check(
        one(json!({"key": "a", "operator": "Exists", "values": ["x"]})),
        "/matchExpressions/0/values operator Exists of a takes no values",
    );
    check(one(json!({"operator": "Exists"})), "/matchExpressions/0 \"\" is no label name");
}

#[test]
fn labels_that_would_be_selected() {
    fn check(input: Value, prefer: &str, expect: Option<&str>) {
        let got = selector(input.clone()).solve(&labels(prefer));
        assert_eq!(got, expect.map(labels), "{input} {prefer}");
    }
    check(json!({"matchLabels": {"release": "kps"}}), "", Some("release=kps"));
    check(json!({}), "release=x", Some(""));
    let both = json!({"matchExpressions": [
        {"key": "t", "operator": "In", "values": ["a", "b"]}, {"key": "t", "operator": "NotIn", "values": ["a"]},
        {"key": "no", "operator": "DoesNotExist"}]});
    check(both, "", Some("t=b"));
    check(json!({"matchExpressions": [{"key": "t", "operator": "Exists"}]}), "t=mine", Some("t=mine"));
    let never =
        json!({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]});
    check(never, "", None);
}

#[test]
fn kubectl_texts() {
    fn check(input: &str, expect: &str) {
        let got = match Selector::parse_query(input) {
            Ok(s) => s.to_string(),
            Err(e) => format!("{e}"),
        };
        assert_eq!(got, expect, "{input}");
    }
    check("", "");
    check("k8s-app = calico-node", "k8s-app=calico-node");
    check("a==b,c!=d", "a=b,c notin (d)");
    check("x in (b, a),!y , z", "x in (a,b),!y,z");
    check("x  notin (a)", "x notin (a)");
    check("a,,b", "not a label selector: a requirement is empty");
    check("a (b)", "not a label selector: \"a (b)\" has neither in nor notin before its list");
    check("a in (b", "not a label selector: a parenthesis is not closed in \"a in (b\"");
    check("a b", "not a label selector: \"a b\" is no label name");
}

fn name() -> impl Strategy<Value = String> {
    "[a-z]([a-z0-9_.-]{0,6}[a-z0-9])?"
}

fn expression() -> impl Strategy<Value = Value> {
    let values = proptest::collection::vec(name(), 1..4);
    prop_oneof![
        (name(), prop_oneof![Just("In"), Just("NotIn")], values)
            .prop_map(|(k, o, v)| json!({"key": k, "operator": o, "values": v})),
        (name(), prop_oneof![Just("Exists"), Just("DoesNotExist")])
            .prop_map(|(k, o)| json!({"key": k, "operator": o})),
    ]
}

proptest! {
    /// What is printed for kubectl selects the same, whatever the labels.
    #[test]
    fn printed_selectors_mean_the_same(
        equal in proptest::collection::btree_map(name(), name(), 0..3),
        needs in proptest::collection::vec(expression(), 0..4),
        on in proptest::collection::btree_map(name(), name(), 0..6),
    ) {
        let s = selector(json!({"matchLabels": equal, "matchExpressions": needs}));
        let again = Selector::parse_query(&s.to_string()).unwrap();
        prop_assert_eq!(&again, &s);
        prop_assert_eq!(s.misses(&on).is_empty(), s.matches(&on));
        if let Some(solved) = s.solve(&on) {
            prop_assert!(s.matches(&solved));
        }
    }
}
