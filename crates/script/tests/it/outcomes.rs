//! A runner that finds nothing wrong is worth nothing: each of these must fail, and say why.

use tortie_script::run;

/// Runs the body after a `load`; `expect` is part of the only failure's reason, or empty when all passes.
fn check(body: &str, expect: &str) {
    let script = format!("load 1m\n  up{{job=\"a\"}} 1+1x10\n  up{{job=\"b\"}} 5 _ 7 stale\n\n{body}\n");
    let mut heard = 0;
    let summary = run(&script, "own.test", &mut |_| heard += 1);
    assert_eq!(heard, summary.failed);
    match summary.failures.as_slice() {
        [] => {
            assert_eq!(expect, "", "{body}");
            assert_eq!(summary.passed, 1, "{body}");
        }
        [failure] => {
            assert!(!expect.is_empty() && failure.why.contains(expect), "{failure}");
            assert_eq!((failure.line, summary.passed), (5, 0), "{failure}");
        }
        more => panic!("{more:?}"),
    }
}

#[test]
fn instant_vectors() {
    check("eval instant at 2m up\n  up{job=\"a\"} 3\n  up{job=\"b\"} 7", "");
    check("eval instant at 2m up\n  up{job=\"b\"} 7\n  up{job=\"a\"} 3", "");
    check("eval instant at 2m up\n  up{job=\"a\"} 3", "unexpected series");
    check("eval instant at 2m up\n  up{job=\"a\"} 3.1\n  up{job=\"b\"} 7", "expected 3.1, got 3");
    check("eval instant at 2m up\n  up{job=\"a\"} 3.000001\n  up{job=\"b\"} 7", "");
    check("eval instant at 4m up\n  up{job=\"a\"} 5\n  up{job=\"b\"} 7", "is not there");
    check("eval instant at 2m up", "unexpected series");
    check("eval instant at 2m down", "");
    check("eval instant at 2m up{job=\"a\"}\n  up{job=\"a\"} {{}}", "expected {{schema:0");
    check("eval instant at 2m up\n  up{job=\"a\"} 1 2", "expecting multiple values");
}

#[test]
fn order() {
    check("eval_ordered instant at 2m sort_desc(up)\n  up{job=\"b\"} 7\n  up{job=\"a\"} 3", "");
    check(
        "eval instant at 2m sort_desc(up)\n  expect ordered\n  up{job=\"a\"} 3\n  up{job=\"b\"} 7",
        "at position",
    );
}

#[test]
fn scalars_and_strings() {
    check("eval instant at 2m 1 + 1\n  2", "");
    check("eval instant at 2m 1 + 1\n  0x3", "expected scalar 3, got 2");
    check("eval instant at 2m 1 + 1", "got scalar");
    check("eval instant at 2m sum(up)\n  10", "expected scalar 10, got a vector");
    check("eval instant at 2m \"a\\n\"\n  expect string \"a\\n\"", "");
    check("eval instant at 2m \"a\"\n  expect string `b`", "expected string \"b\"");
}

#[test]
fn ranges() {
    check("eval range from 0 to 4m step 1m up{job=\"b\"}\n  up{job=\"b\"} 5 5 7 _ _", "");
    check(
        "eval range from 0 to 4m step 1m up{job=\"b\"}\n  up{job=\"b\"} 5 5 7 7 7",
        "expected 5 points, got 3",
    );
    check("eval range from 0 to 4m step 1m up{job=\"b\"}\n  up{job=\"b\"} 5 5 _ 7", "expected 7 at 180000");
    check(
        "eval instant at 2m up{job=\"b\"}[3m]\n  expect range vector from 0 to 2m step 1m\n  up{job=\"b\"} 5 _ 7",
        "",
    );
    check(
        "eval instant at 2m up{job=\"b\"}[3m]\n  expect range vector from 0 to 2m step 1m\n  up{job=\"b\"} 5 6 7",
        "expected 3 points",
    );
}

#[test]
fn errors_and_notes() {
    check("eval instant at 2m up + on() up\n  expect fail", "");
    check("eval_fail instant at 2m up + on() up\n  expected_fail_regexp found duplicate series", "");
    check(
        "eval instant at 2m up + on() up\n  expect fail msg: something else",
        "expected error \"something else\"",
    );
    check("eval instant at 2m up + on() up", "duplicate series");
    check("eval_fail instant at 2m 1", "expected an error but got none");
    check("eval instant at 2m rate(\n", "parse error");
    check("eval instant at 2m quantile(2, up{job=\"a\"})\n  expect warn\n  {} +Inf", "");
    check(
        "eval instant at 2m quantile(2, up{job=\"a\"})\n  expect warn regex: quantile value\n  {} +Inf",
        "",
    );
    check(
        "eval instant at 2m quantile(2, up{job=\"a\"})\n  expect no_warn\n  {} +Inf",
        "expected no warning",
    );
    check(
        "eval instant at 2m quantile(2, up{job=\"a\"})\n  expect warn msg: x\n  {} +Inf",
        "expected warning \"x\"",
    );
    check("eval_warn instant at 2m 1\n  1", "expected warning annotations but got none");
    check("eval_info instant at 2m 1\n  1", "expected info annotations but got none");
}

#[test]
fn what_cannot_be_read() {
    check("evaluate instant at 2m up", "unknown kind of evaluation");
    check("eval instant at 2x up", "unknown unit");
    check("eval instant up", "invalid evaluation command");
    check("eval range from 2m to 1m step 1m up", "end timestamp is before start timestamp");
    check("store 1m", "invalid command");
    check("load 1m\n  up 1 2 {{", "parse error");
    check("load\n  up 1", "empty duration string");
    check("load 1m\n  up{job=\"a\"} 9", "out of order sample");
    check("eval instant at 2m 1\n  expect nothing", "invalid expect statement");
    check("eval instant at 2m 1\n  expect warn\n  expect no_warn\n 1", "cannot be used together");
}
