//! Our parser and printer beside those of the real Prometheus: every expression of its own tests, and thousands made
//! from them by mutation, must be accepted or refused by both, with the same tree, the same text and the same error.
//!
//! `TORTIE_PEERS_BIN` is the folder of the binary `prometheus`; `TORTIE_PROMETHEUS_SRC` that of its source, by default
//! what `go list` in `peers/` says.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs
)]

mod answers;
mod corpus;
mod server;

use serde_json::Value;
use server::Server;
use tortie_promql::parse::{Options, parse_expr};
use tortie_promql::print;

/// How many expressions are made by mutation.
const MUTATIONS: usize = 6000;
/// Least share of refused expressions whose error text is the same.
const SAME_ERRORS: f64 = 0.95;

#[test]
fn with_all_features() {
    compare(
        "promql-experimental-functions,promql-binop-fill-modifiers",
        Options { unquoted_utf8_names: false, ..Options::ALL },
        MUTATIONS,
    );
}

#[test]
fn without_features() {
    compare("", Options::default(), MUTATIONS / 6);
}

#[test]
fn with_unquoted_names() {
    compare(
        "promql-unquoted-utf8-names,promql-experimental-functions,promql-binop-fill-modifiers",
        Options::ALL,
        MUTATIONS / 6,
    );
}

fn compare(features: &str, options: Options, mutations: usize) {
    let server = Server::start(features);
    let mut queries = corpus::from_module();
    assert!(queries.len() > 1500, "only {} expressions found in the module", queries.len());
    queries.extend(corpus::mutate(&queries, mutations));
    let (mut valid, mut refused, mut same_error) = (0, 0, 0);
    let mut differences = Vec::new();
    let mut other_errors = Vec::new();
    for query in &queries {
        let theirs = server.ask("parse_query", query);
        match (parse_expr(query, &options), theirs) {
            (Ok(ours), Ok(tree)) => {
                valid += 1;
                let text = print::pretty(&ours, &options);
                let our_tree: Value = serde_json::from_str(&print::json(&ours)).expect("our own JSON");
                if !tree.is_null() && !equal(&our_tree, &tree) {
                    differences.push(format!("{query:?}\n  tree   {our_tree}\n  theirs {tree}"));
                }
                let text = Value::String(text);
                let their_text = server.ask("format_query", query);
                if Ok(&text) != their_text.as_ref() {
                    differences.push(format!("{query:?}\n  text   {text:?}\n  theirs {their_text:?}"));
                }
            }
            (Err(ours), Err(error)) => {
                refused += 1;
                let ours = format!("invalid parameter \"query\": {ours}");
                if ours == error {
                    same_error += 1;
                } else {
                    other_errors.push(format!("{query:?}\n  error  {ours}\n  theirs {error}"));
                }
            }
            (Ok(_), Err(error)) => differences.push(format!("{query:?}\n  accepted, theirs {error}")),
            (Err(error), Ok(_)) => differences.push(format!("{query:?}\n  accepted by theirs, ours {error}")),
        }
    }
    let share = f64::from(same_error) / f64::from(refused);
    eprintln!(
        "[{features}] {} expressions: {valid} valid, {refused} refused, {same_error} with the same error ({:.2} %)",
        queries.len(),
        share * 100.0
    );
    for other in other_errors.iter().take(40) {
        eprintln!("{other}");
    }
    let shown: Vec<&str> = differences.iter().take(40).map(String::as_str).collect();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), shown.join("\n"));
    assert!(share >= SAME_ERRORS, "only {share} of the error texts are the same");
}

/// Equal as JSON, where `1` and `1.0` are the same number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}
