//! Trees as text.

use tortie_promql::parse::{Options, parse_expr};
use tortie_promql::print;

fn check_with(options: &Options, query: &str, expect: &str) {
    let expr = parse_expr(query, options).unwrap_or_else(|e| panic!("{query}: {e}"));
    assert_eq!(print::print(&expr, options), expect, "{query}");
    let again = parse_expr(expect, options).unwrap_or_else(|e| panic!("{expect}: {e}"));
    assert_eq!(print::print(&again, options), expect, "printed twice: {query}");
}

fn check(query: &str, expect: &str) {
    check_with(&Options::default(), query, expect);
}

#[test]
fn on_one_line() {
    check("SUM(  up  )BY(a,b)", "sum by (a, b) (up)");
    check("sum by () (up)", "sum(up)");
    check("sum without () (up)", "sum without () (up)");
    check("topk by (\"a b\")(3,up)", "topk by (\"a b\") (3, up)");
    check("a+on()b", "a + on () b");
    check("a + ignoring() b", "a + b");
    check("a / ignoring (x, y) group_left b", "a / ignoring (x, y) group_left () b");
    check("a >bool b", "a > bool b");
    check("a  and  b", "a and b");
    check("0x1F + 017 + 1e3 + .5 + iNf", "31 + 15 + 1000 + 0.5 + +Inf");
    check("up > 90m", "up > 1h30m");
    check("--1 + -up", "1 + -up");
    check("{__name__=\"up\",b='2',a=~`1`}", "{__name__=\"up\",a=~\"1\",b=\"2\"}");
    check("{\"a b\", \"c d\"!=\"e\"}", "{\"c d\"!=\"e\",__name__=\"a b\"}");
    check("up[90s]offset-1w@1.5", "up[1m30s] @ 1.500 offset -1w");
    check("up[5m] smoothed @ end()", "up[5m] smoothed @ end()");
    check("up anchored offset 1h @ start()", "up @ start() anchored offset 1h");
    check("rate(up[5m])[1h:]@1 offset 1d", "rate(up[5m])[1h:] @ 1.000 offset 1d");
    check("up[5m*2+(3)]", "up[5m * 2 + (3)]");
    check("up[max_of(step(),1m):range()/10]", "up[max_of(step(), 1m):range() / 10]");
    check("up offset -step()", "up offset -step()");
    check("up offset +(1m)", "up offset (1m)");
    check("\"a\\n\" ", "\"a\\n\"");
    let fill = |query, expect| check_with(&Options::ALL, query, expect);
    fill("a + fill(1e6) b", "a + fill (1e+06) b");
    fill("a + on(x) fill_right(2) fill_left(-1) b", "a + on (x) fill_left (-1) fill_right (2) b");
    fill("a.b{é=\"1\"}", "a.b{é=\"1\"}");
}

#[test]
fn over_several_lines() {
    fn check(query: &str, expect: &str) {
        let expr = parse_expr(query, &Options::default()).unwrap();
        assert_eq!(print::pretty(&expr, &Options::default()), expect, "{query}");
    }
    check("sum(rate(up[5m]))", "sum(rate(up[5m]))");
    let long = "felix_int_dataplane_failures_total_with_a_very_long_name{namespace=\"calico-system\"}";
    check(
        &format!("sum by (node) (rate({long}[5m])) / (-{long} > bool 0)"),
        &format!("  sum by (node) (\n    rate({long}[5m])\n  )\n/\n  (-{long} > bool 0)"),
    );
    check(
        &format!("topk(3, label_replace({long}, \"a\", \"b\", \"c\", \"d\") offset 1m) or {long}")
            .replace(" offset 1m", ""),
        &format!(
            "  topk(\n    3,\n    label_replace(\n      {long},\n      \"a\",\n      \"b\",\n      \"c\",\n      \"d\"\n    )\n  )\nor\n  {long}"
        ),
    );
    check(
        &format!("(-max_over_time({long}[5m:1m]) + {long})"),
        &format!("(\n    -max_over_time(\n{long}[5m:1m]\n    )\n  +\n    {long}\n)"),
    );
}

#[test]
fn as_json() {
    let expr = parse_expr("-sum(a{b=\"\\\"\"} offset 1m) / on (x) b[5m:step()]", &Options::default());
    assert!(expr.is_err(), "a range vector is no operand");
    let expr = parse_expr("-sum by (n) (a{b=\"\\\"\"} offset 1m) / on (x) (b @ end())", &Options::default())
        .unwrap();
    let selector = |name: &str, offset: i64, matchers: &str, border: &str| {
        format!(
            "{{\"type\":\"vectorSelector\",\"name\":\"{name}\",\"offset\":{offset},\"offsetExpr\":null,\"matchers\":[{matchers}\
             {{\"name\":\"__name__\",\"value\":\"{name}\",\"type\":\"=\"}}],\"timestamp\":null,\"startOrEnd\":{border},\
             \"anchored\":false,\"smoothed\":false}}"
        )
    };
    let expect = format!(
        "{{\"type\":\"binaryExpr\",\"op\":\"/\",\"lhs\":{{\"type\":\"unaryExpr\",\"op\":\"-\",\"expr\":\
         {{\"type\":\"aggregation\",\"op\":\"sum\",\"expr\":{},\"param\":null,\"grouping\":[\"n\"],\"without\":false}}}},\
         \"rhs\":{{\"type\":\"parenExpr\",\"expr\":{}}},\"matching\":{{\"card\":\"one-to-one\",\"labels\":[\"x\"],\
         \"on\":true,\"include\":[],\"fillValues\":{{\"lhs\":null,\"rhs\":null}}}},\"bool\":false}}",
        selector("a", 60_000, "{\"name\":\"b\",\"value\":\"\\\"\",\"type\":\"=\"},", "null"),
        selector("b", 0, "", "\"end\""),
    );
    assert_eq!(print::json(&expr), expect);
}
