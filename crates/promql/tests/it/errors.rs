//! What is refused, where, and in which words.

use tortie_promql::parse::{Options, parse_expr, parse_selector};

fn check_with(options: &Options, query: &str, expect: &str) {
    let error = parse_expr(query, options).map(|e| e.to_string()).unwrap_err();
    assert_eq!(error.to_string(), expect, "{query}");
}

fn check(query: &str, position: &str, expect: &str) {
    check_with(&Options::default(), query, &format!("{position}: parse error: {expect}"));
}

#[test]
fn the_lexer() {
    check("", "unknown position", "no expression found in input");
    check(" # only a comment", "1:1", "no expression found in input");
    check("up)", "1:4", "unexpected right parenthesis ')'");
    check("(up", "1:4", "unclosed left parenthesis");
    check("up{", "1:4", "unexpected end of input inside braces");
    check("up[", "1:4", "unexpected end of input in duration expression");
    check("up{a=\"b}", "1:6", "unterminated quoted string");
    check("\"\\q\"", "1:1", "unknown escape sequence U+0071 'q'");
    check("\"\\400\"", "1:1", "escape sequence is an invalid Unicode code point");
    check("\"\\x1g\"", "1:1", "illegal character U+0067 'g' in escape sequence");
    check("1a", "1:1", "bad number or duration syntax: \"1\"");
    check("0x1.2", "1:1", "bad number or duration syntax: \"0x1.\"");
    check("up ! up", "1:4", "unexpected character after '!': ' '");
    check("up $ up", "1:4", "unexpected character: '$'");
    check("up{a!b}", "1:5", "unexpected character after '!' inside braces: 'b'");
    check("up[5m:1m:]", "1:9", "unexpected colon ':'");
    check("a\n  + b\n  + $", "3:5", "unexpected character: '$'");
}

#[test]
fn the_grammar() {
    check("1 +", "1:4", "unexpected end of input");
    check("a b", "1:3", "unexpected identifier \"b\"");
    check("sum(a b)", "1:7", "unexpected identifier \"b\" in aggregation");
    check("sum(rate(a[5m]) b)", "1:17", "unexpected identifier \"b\" in aggregation");
    check("sum by a (x)", "1:8", "unexpected identifier \"a\" in grouping opts, expected \"(\"");
    check("sum by (1) (x)", "1:9", "unexpected number \"1\" in grouping opts, expected label");
    check(
        "sum by (a b) (x)",
        "1:11",
        "unexpected identifier \"b\" in grouping opts, expected \",\" or \")\"",
    );
    check("up{1}", "1:4", "unexpected character inside braces: '1'");
    check("up{a}", "1:5", "unexpected \"}\" in label matching, expected label matching operator");
    check("up{a=b}", "1:6", "unexpected identifier \"b\" in label matching, expected string");
    check("up{,}", "1:4", "unexpected \",\" in label matching, expected identifier or \"}\"");
    check(
        "up{a=\"b\" c=\"d\"}",
        "1:10",
        "unexpected identifier \"c\" in label matching, expected \",\" or \"}\"",
    );
    check(
        "up offset x",
        "1:11",
        "unexpected identifier \"x\" in offset, expected number, duration, step(), or range()",
    );
    check("up @ x", "1:6", "unexpected identifier \"x\" in @, expected timestamp");
    check("up[5m,]", "1:6", "unexpected \",\" in subquery or range, expected \":\" or \"]\"");
    check(
        "up[*]",
        "1:4",
        "unexpected <op:*> in subquery or range selector, expected number, duration, step(), or range()",
    );
    check("rate(up[5m],)", "1:12", "trailing commas not allowed in function call args");
    check("a + ) b", "1:6", "unexpected right parenthesis ')'");
    check("a by", "1:3", "unexpected <by>");
    check("a sum", "1:3", "unexpected <aggr:sum>");
}

#[test]
fn meaning() {
    check("up[0s]", "1:4", "duration must be greater than 0");
    check("up[5y1y]", "1:4", "bad number or duration syntax: \"5y1\"");
    check("up[1m1h]", "1:4", "not a valid duration string: \"1m1h\"");
    check(
        "up offset 1 / 0 offset 1m",
        "1:15",
        "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    );
    check("up offset 1m offset 1m", "1:1", "offset may not be set multiple times");
    check("up @ 1 @ 2", "1:1", "@ <timestamp> may not be set multiple times");
    check("up @ Inf", "1:1", "timestamp out of bounds for @ modifier: +Inf");
    check("(up)[5m]", "1:5", "ranges only allowed for vector selectors");
    check("up offset 1m [5m]", "1:14", "no offset modifiers allowed before range");
    check("up @ 1 [5m]", "1:8", "no @ modifiers allowed before range");
    check("up[5m] anchored smoothed", "1:1", "anchored and smoothed modifiers cannot be used together");
    check("up[5m / 0]", "1:7", "division by zero");
    check("1e999", "1:1", "error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of range");
    check("foo()", "1:1", "unknown function with name \"foo\"");
    check("sum()", "1:1", "no arguments for aggregate expression provided");
    check(
        "topk(up)",
        "1:1",
        "wrong number of arguments for aggregate expression provided, expected 2, got 1",
    );
}

#[test]
fn types() {
    check("rate(up)", "1:6", "expected type range vector in call to function \"rate\", got instant vector");
    check("rate()", "1:1", "expected 1 argument(s) in call to \"rate\", got 0");
    check("round(up, 1, 2)", "1:1", "expected at most 2 argument(s) in call to \"round\", got 3");
    check("label_join()", "1:1", "expected at least 3 argument(s) in call to \"label_join\", got 0");
    check("sum(1)", "1:5", "expected type instant vector in aggregation expression, got scalar");
    check("topk(\"a\", up)", "1:6", "expected type scalar in aggregation parameter, got string");
    check("1 > 2", "1:3", "comparisons between scalars must use BOOL modifier");
    check("up + bool up", "1:4", "bool modifier can only be used on comparison operators");
    check("up and 1", "1:1", "set operator \"and\" not allowed in binary scalar expression");
    check("up + on(a) 1", "1:1", "vector matching only allowed between instant vectors");
    check("up and on(a) group_left(b) up", "1:1", "no grouping allowed for \"and\" operation");
    check("up + on(a) group_left(a) up", "1:4", "label \"a\" must not occur in ON and GROUP clause at once");
    check("up[5m] + 1", "1:1", "binary expression must contain only scalar and instant vector types");
    check(
        "-\"a\"",
        "1:1",
        "unary expression only allowed on expressions of type scalar or instant vector, got \"string\"",
    );
    check("1[5m:]", "1:1", "subquery is only allowed on instant vector, got scalar instead");
    check("{a=~\".*\"}", "1:1", "vector selector must contain at least one non-empty matcher");
    check("up{__name__=\"down\"}", "1:1", "metric name must not be set twice: \"up\" or \"down\"");
}

#[test]
fn features() {
    check(
        "limitk(1, up)",
        "1:1",
        "limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
    );
    check("mad_over_time(up[5m])", "1:1", "function \"mad_over_time\" is not enabled");
    check("a + fill(1) b", "1:1", "binop fill modifiers are experimental and not enabled");
    check("a.b", "1:2", "unexpected character: '.'");
    for query in ["limitk(1, up)", "mad_over_time(up[5m])", "a + fill(1) b", "a.b{c.é=\"1\"}"] {
        assert!(parse_expr(query, &Options::ALL).is_ok(), "{query}");
    }
    let info = "info(up, {a=~\".*\"}) + info(up, up)";
    check_with(
        &Options::ALL,
        info,
        "1:32: parse error: expected label selectors only, got vector selector instead",
    );
}

#[test]
fn a_type_check_goes_on_after_an_error() {
    let errors = parse_expr("rate(up) + sum(1)", &Options::default()).unwrap_err();
    let found: Vec<usize> = errors.iter().map(|e| e.span.start).collect();
    assert_eq!(found, [5, 15]);
}

#[test]
fn selectors_alone() {
    let matchers = parse_selector("up{a!=\"b\"}", &Options::default()).unwrap();
    let shown: Vec<String> = matchers.iter().map(|m| format!("{m:?}")).collect();
    assert_eq!(shown, ["a!=\"b\"", "__name__=\"up\""]);
    assert_eq!(parse_selector("{}", &Options::default()).unwrap(), []);
    let error = |text: &str| parse_selector(text, &Options::default()).unwrap_err().to_string();
    assert_eq!(error("up[5m]"), "1:3: parse error: unexpected \"[\"");
    assert_eq!(error("1"), "1:1: parse error: unexpected number \"1\"");
    assert_eq!(error(""), "unknown position: parse error: unexpected end of input");
}
