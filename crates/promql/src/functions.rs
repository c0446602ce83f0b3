//! The functions of the language and their signatures, as of Prometheus 3.16.

use crate::ast::ValueType;
use ValueType::{Matrix as M, Scalar as N, String as S, Vector as V};

/// A function's signature.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name; case matters.
    pub name: &'static str,
    /// Types of the arguments. When there may be more, the last one repeats.
    pub args: &'static [ValueType],
    /// How many arguments the last one of `args` stands for at most: 0 exactly one, -1 any number from none on.
    pub variadic: i32,
    /// Type of the result.
    pub return_type: ValueType,
    /// Whether it needs `--enable-feature=promql-experimental-functions`.
    pub experimental: bool,
}

const fn f(name: &'static str, args: &'static [ValueType], return_type: ValueType) -> Function {
    Function { name, args, variadic: 0, return_type, experimental: false }
}

/// With up to `more` arguments in place of the last one (-1: any number).
const fn variadic(more: i32, mut function: Function) -> Function {
    function.variadic = more;
    function
}

const fn experimental(mut function: Function) -> Function {
    function.experimental = true;
    function
}

/// All functions, ascending by name.
pub static FUNCTIONS: [Function; 91] = [
    f("abs", &[V], V),
    f("absent", &[V], V),
    f("absent_over_time", &[M], V),
    f("acos", &[V], V),
    f("acosh", &[V], V),
    f("asin", &[V], V),
    f("asinh", &[V], V),
    f("atan", &[V], V),
    f("atanh", &[V], V),
    f("avg_over_time", &[M], V),
    f("ceil", &[V], V),
    f("changes", &[M], V),
    f("clamp", &[V, N, N], V),
    f("clamp_max", &[V, N], V),
    f("clamp_min", &[V, N], V),
    f("cos", &[V], V),
    f("cosh", &[V], V),
    f("count_over_time", &[M], V),
    variadic(1, f("day_of_month", &[V], V)),
    variadic(1, f("day_of_week", &[V], V)),
    variadic(1, f("day_of_year", &[V], V)),
    variadic(1, f("days_in_month", &[V], V)),
    f("deg", &[V], V),
    f("delta", &[M], V),
    f("deriv", &[M], V),
    experimental(f("double_exponential_smoothing", &[M, N, N], V)),
    experimental(f("end", &[], N)),
    f("exp", &[V], V),
    f("first_over_time", &[M], V),
    f("floor", &[V], V),
    f("histogram_avg", &[V], V),
    f("histogram_count", &[V], V),
    f("histogram_fraction", &[N, N, V], V),
    f("histogram_quantile", &[N, V], V),
    experimental(variadic(9, f("histogram_quantiles", &[V, S, N, N], V))),
    f("histogram_stddev", &[V], V),
    f("histogram_stdvar", &[V], V),
    f("histogram_sum", &[V], V),
    variadic(1, f("hour", &[V], V)),
    f("idelta", &[M], V),
    f("increase", &[M], V),
    experimental(variadic(1, f("info", &[V, V], V))),
    experimental(variadic(1, f("integral", &[M, N], V))),
    f("irate", &[M], V),
    variadic(-1, f("label_join", &[V, S, S, S], V)),
    f("label_replace", &[V, S, S, S, S], V),
    f("last_over_time", &[M], V),
    f("ln", &[V], V),
    f("log10", &[V], V),
    f("log2", &[V], V),
    experimental(f("mad_over_time", &[M], V)),
    experimental(f("max_of", &[N, N], N)),
    f("max_over_time", &[M], V),
    experimental(f("min_of", &[N, N], N)),
    f("min_over_time", &[M], V),
    variadic(1, f("minute", &[V], V)),
    variadic(1, f("month", &[V], V)),
    f("pi", &[], N),
    f("predict_linear", &[M, N], V),
    f("present_over_time", &[M], V),
    f("quantile_over_time", &[N, M], V),
    f("rad", &[V], V),
    experimental(f("range", &[], N)),
    f("rate", &[M], V),
    f("resets", &[M], V),
    variadic(1, f("round", &[V, N], V)),
    f("scalar", &[V], N),
    f("sgn", &[V], V),
    f("sin", &[V], V),
    f("sinh", &[V], V),
    f("sort", &[V], V),
    experimental(variadic(-1, f("sort_by_label", &[V, S], V))),
    experimental(variadic(-1, f("sort_by_label_desc", &[V, S], V))),
    f("sort_desc", &[V], V),
    f("sqrt", &[V], V),
    experimental(f("start", &[], N)),
    experimental(f("start_timestamp", &[V], V)),
    f("stddev_over_time", &[M], V),
    f("stdvar_over_time", &[M], V),
    experimental(f("step", &[], N)),
    f("sum_over_time", &[M], V),
    f("tan", &[V], V),
    f("tanh", &[V], V),
    f("time", &[], N),
    f("timestamp", &[V], V),
    experimental(f("ts_of_first_over_time", &[M], V)),
    experimental(f("ts_of_last_over_time", &[M], V)),
    experimental(f("ts_of_max_over_time", &[M], V)),
    experimental(f("ts_of_min_over_time", &[M], V)),
    f("vector", &[N], V),
    variadic(1, f("year", &[V], V)),
];

/// The function of that name.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|f| f.name.cmp(name)).ok().and_then(|i| FUNCTIONS.get(i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_found_by_name() {
        assert!(FUNCTIONS.windows(2).all(|w| w[0].name < w[1].name));
        for f in &FUNCTIONS {
            assert_eq!(find(f.name), Some(f));
        }
        assert_eq!(find("Rate"), None);
        assert_eq!(find("sum"), None);
    }
}
