//! What both engines are asked.

/// A query, and how its answers are compared.
pub(crate) struct Query {
    pub text: String,
    /// Only as an instant query.
    pub instant_only: bool,
    /// Whether the order of an instant vector counts: it does not where Prometheus takes it from a hash map.
    pub ordered: bool,
    /// Distance that a range query's values may have: above 0 where Prometheus adds in an order that it picks by chance.
    pub ulp: u64,
}

const RANGE_FUNCTIONS: [&str; 25] = [
    "rate",
    "increase",
    "delta",
    "irate",
    "idelta",
    "resets",
    "changes",
    "avg_over_time",
    "sum_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "first_over_time",
    "present_over_time",
    "absent_over_time",
    "mad_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "deriv",
    "integral",
];

const FLOAT_FUNCTIONS: [&str; 26] = [
    "abs",
    "ceil",
    "floor",
    "exp",
    "sqrt",
    "ln",
    "log2",
    "log10",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "rad",
    "deg",
    "sgn",
    "round",
    "day_of_year",
    "timestamp",
];

/// All queries.
pub(crate) fn all() -> Vec<Query> {
    let mut out = Vec::new();
    let mut add = |text: String| out.push(Query { text, instant_only: false, ordered: true, ulp: 0 });
    for f in RANGE_FUNCTIONS {
        for range in [
            "c_total[5m]",
            "c_total[1h]",
            "g[2m]",
            "g[31s]",
            "wide[10m]",
            "g[10m:1m]",
            "c_total[5m] offset 7m",
            "g[3m] @ 1700010000",
        ] {
            add(format!("{f}({range})"));
        }
    }
    for f in FLOAT_FUNCTIONS {
        for v in ["g", "wide", "-g"] {
            add(format!("{f}({v})"));
        }
    }
    for op in ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"] {
        for by in ["", "by (job) ", "without (instance) ", "by (job, instance) "] {
            for v in ["g", "c_total", "wide"] {
                add(format!("{op} {by}({v})"));
            }
        }
    }
    for op in [
        "topk(3, ",
        "bottomk(3, ",
        "topk by (job) (2, ",
        "quantile(0.3, ",
        "quantile by (job) (0.99, ",
        "limitk(2, ",
        "limit_ratio(0.5, ",
    ] {
        for v in ["g", "c_total", "wide"] {
            add(format!("{op}{v})"));
        }
    }
    for op in ["+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<", ">=", "<=", "> bool", "== bool"] {
        add(format!("g {op} on (instance, job) c_total"));
        add(format!("c_total {op} ignoring (job) wide"));
        add(format!("g {op} 3"));
        add(format!("3 {op} g"));
        add(format!("wide {op} on (instance) group_left (job) sum by (instance) (g)"));
        add(format!("sum by (job) (g) {op} on (job) group_right c_total"));
    }
    for op in ["and", "or", "unless"] {
        add(format!("g {op} on (instance) (c_total > 50)"));
        add(format!("g {op} (wide > 0)"));
    }
    for q in [
        "c_total",
        "g offset 10m",
        "g offset -3m",
        "g @ end()",
        "wide{instance=~\"i0[1-4]\"}",
        "{__name__=~\"g|wide\"}",
        "nothing",
        "1 + 2 * 3 ^ 2",
        "time()",
        "vector(time())",
        "scalar(g{instance=\"i01\"})",
        "scalar(g)",
        "absent(nothing{a=\"b\"})",
        "absent(g)",
        "-g",
        "sort_by_label(g, \"job\", \"instance\")",
        "sort_by_label_desc(g, \"instance\")",
        "clamp(g, 10, 50)",
        "clamp_min(g, 20)",
        "clamp_max(g, 20)",
        "round(g, 0.3)",
        "hour()",
        "month(vector(1e9))",
        "days_in_month()",
        "year(g * 1e7)",
        "minute(c_total * 1e5)",
        "predict_linear(c_total[10m], 600)",
        "predict_linear(g[5m], 60)",
        "quantile_over_time(0.7, g[5m])",
        "quantile_over_time(1.5, g[5m])",
        "double_exponential_smoothing(c_total[5m], 0.3, 0.6)",
        "label_replace(g, \"x\", \"$1-$2\", \"instance\", \"(.)(.*)\")",
        "label_join(g, \"x\", \"/\", \"job\", \"instance\")",
        "label_replace(g, \"instance\", \"\", \"\", \"\")",
        "max_over_time(rate(c_total[1m])[10m:30s])",
        "avg_over_time(g[10m:17s] offset 1m)",
        "sum_over_time(wide[1h:5m] @ 1700011000)",
        "rate(c_total[5m] anchored)",
        "increase(c_total[5m] smoothed)",
        "delta(g[3m] anchored)",
        "g smoothed",
        "resets(c_total[10m] anchored)",
        "abs({__name__=~\"g|wide\", instance=\"i01\"})",
        "g + on (job) c_total",
        "g * on (job) group_left c_total",
        "abs(g)[5m:1m] offset 1s",
        "topk(NaN, g)",
        "topk(scalar(g{instance=\"i03\"}), wide)",
        "quantile(2, g)",
        "limit_ratio(1.5, g)",
        "sum(g) fill(0)",
        "max_of(1, 2) + min_of(3, time())",
        "g + fill(7) (c_total > 30)",
        "sum by (job) (rate(c_total[5m])) / on (job) count by (job) (c_total)",
    ] {
        if tortie_promql::parse_expr(q, &tortie_promql::Options::ALL)
            .is_ok_and(|e| e.value_type() == tortie_promql::ast::ValueType::Matrix)
        {
            continue;
        }
        if tortie_promql::parse_expr(q, &tortie_promql::Options::ALL).is_ok() {
            add(q.to_owned());
        }
    }
    let mut instant =
        |text: &str| out.push(Query { text: text.to_owned(), instant_only: true, ordered: true, ulp: 0 });
    for q in [
        "sort(g)",
        "sort_desc(g)",
        "c_total[5m]",
        "g[10m:1m]",
        "g[2m] offset 1m",
        "wide[2m] @ 1700012000",
        "c_total[2m] anchored",
        "g[2m] smoothed",
    ] {
        instant(q);
    }
    for q in [
        "histogram_quantile(0.9, h_bucket)",
        "histogram_quantile(0.5, rate(h_bucket[5m]))",
        "histogram_quantile(0.99, sum by (le) (rate(h_bucket[2m])))",
        "histogram_fraction(0.2, 2, h_bucket)",
        "histogram_quantiles(h_bucket, \"q\", 0.1, 0.5, 0.9)",
        "histogram_quantile(0.9, g)",
        "histogram_quantile(-1, h_bucket)",
        "count_values(\"v\", round(g, 10))",
        "count_values by (job) (\"v\", c_total > bool 20)",
    ] {
        out.push(Query { text: q.to_owned(), instant_only: false, ordered: false, ulp: 0 });
    }
    // Sums over what another operator made: in range queries Prometheus adds in the order of a hash map.
    for q in [
        "sum(c_total + 1)",
        "avg by (job) (c_total * 0.1)",
        "stddev(c_total * 0.1)",
        "stdvar by (job) (c_total + 0.3)",
    ] {
        out.push(Query { text: q.to_owned(), instant_only: false, ordered: true, ulp: 64 });
    }
    out
}
