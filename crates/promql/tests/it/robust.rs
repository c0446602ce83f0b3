//! Whatever the text, the parser answers.

use proptest::prelude::*;
use tortie_promql::parse::{MAX_DEPTH, Options, parse_expr, parse_metric, parse_selector, parse_series};
use tortie_promql::print;

const WORDS: &[&str] = &[
    "up",
    "a:b",
    "sum",
    "topk",
    "rate",
    "info",
    "by",
    "on",
    "group_left",
    "bool",
    "offset",
    "and",
    "or",
    "start",
    "step",
    "max_of",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "=",
    "=~",
    "!=",
    "@",
    "+",
    "-",
    "^",
    "*",
    "/",
    "==",
    "</",
    "5m",
    "1",
    "0x",
    "1e",
    ".",
    "_",
    "\"s\"",
    "'",
    "`r`",
    "\\",
    "#",
    "\n",
    " ",
    "é",
    "x",
    "{{",
    "}}",
    "stale",
    "buckets",
    "anchored",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(WORDS), 0..24).prop_map(|w| w.concat()),
        prop::collection::vec(prop::sample::select(WORDS), 0..24).prop_map(|w| w.join(" ")),
        any::<String>(),
    ]
}

/// Expressions that are always valid.
fn valid() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("up".to_owned()),
        Just("{\"a b\",c!~\"d|e\"}".to_owned()),
        Just("x offset -(step() * 2)".to_owned()),
        Just("x{a='b'} @ 12.3456 smoothed offset 1h30m".to_owned()),
        Just("rate(x[5m] anchored @ start())".to_owned()),
        Just("vector(1e-9)".to_owned()),
        Just("sum_over_time(x[(range() + 1) ^ 2:min_of(1, 2m)] offset 7)".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(
                    &["+", "^", "-", "or", "> bool", "/ on (a) group_right (b)", "atan2"][..]
                ),
                inner.clone()
            )
                .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|e| format!("({e})")),
            inner.clone().prop_map(|e| format!("-{e}")),
            inner.clone().prop_map(|e| format!("quantile without (a, \"b c\") (0.5, {e})")),
            inner.clone().prop_map(|e| format!("label_replace({e}, \"a\", \"$1\", \"b\", \"(.*)\\n\")")),
            inner.prop_map(|e| format!("max_over_time(({e})[1h:5m])")),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_panics(text in text()) {
        for options in [Options::default(), Options::ALL] {
            if let Ok(expr) = parse_expr(&text, &options) {
                let once = print::print(&expr, &options);
                let again = parse_expr(&once, &options);
                prop_assert!(again.is_ok(), "{text:?} printed as {once:?}: {again:?}");
            }
            let _ = parse_selector(&text, &options);
            let _ = parse_metric(&text, &options);
            let _ = parse_series(&text, &options);
        }
    }

    #[test]
    fn printing_keeps_the_meaning(query in valid()) {
        let options = Options::ALL;
        let expr = parse_expr(&query, &options).map_err(|e| TestCaseError::fail(format!("{query}: {e}")))?;
        let once = print::print(&expr, &options);
        let again = parse_expr(&once, &options).map_err(|e| TestCaseError::fail(format!("{once}: {e}")))?;
        prop_assert_eq!(print::json(&expr), print::json(&again));
        prop_assert_eq!(&once, &print::print(&again, &options));
        let pretty = parse_expr(&print::pretty(&expr, &options), &options)
            .map_err(|e| TestCaseError::fail(format!("{query}: {e}")))?;
        prop_assert_eq!(print::json(&expr), print::json(&pretty));
    }
}

#[test]
fn depth_is_limited() {
    let parens = |n: usize| format!("{}up{}", "(".repeat(n), ")".repeat(n));
    let signs = |n: usize| format!("{}up", "-".repeat(n));
    let chain = |n: usize| format!("up{}", " or up".repeat(n));
    let powers = |n: usize| format!("up{}", " ^ up".repeat(n));
    let durations = |n: usize| format!("up[{}1{}]", "(".repeat(n), ")".repeat(n));
    let sums = |n: usize| format!("up[1{}]", " + 1".repeat(n));
    let calls = |n: usize| format!("{}up{}", "abs(".repeat(n), ")".repeat(n));
    let subqueries = |n: usize| format!("{}up{}", "max_over_time(".repeat(n), "[5m:])".repeat(n));
    let all: [&dyn Fn(usize) -> String; 8] =
        [&parens, &signs, &chain, &powers, &durations, &sums, &calls, &subqueries];
    for make in all {
        let fits = make(MAX_DEPTH / 2 - 2);
        let expr = parse_expr(&fits, &Options::default()).unwrap_or_else(|e| panic!("{fits}: {e}"));
        print::pretty(&expr, &Options::default());
        let too_deep = make(100_000);
        let error = parse_expr(&too_deep, &Options::default()).unwrap_err();
        assert!(error.to_string().contains("nested too deeply, at most 500 levels"), "{error}");
    }
}
