//! What the function `query` asks.

use crate::value::Sample;

/// Answers PromQL expressions.
pub trait Query {
    /// The series of the instant vector that `expr` is at `at` (milliseconds), in its order.
    ///
    /// # Errors
    /// Prometheus' message when the expression is wrong or fails.
    fn query(&mut self, expr: &str, at: i64) -> Result<Vec<Sample>, String>;
}

/// Answers nothing: for texts that are only looked at.
pub struct NoQuery;

impl Query for NoQuery {
    fn query(&mut self, _expr: &str, _at: i64) -> Result<Vec<Sample>, String> {
        Err("queries are not available here".to_owned())
    }
}

impl<F: FnMut(&str, i64) -> Result<Vec<Sample>, String>> Query for F {
    fn query(&mut self, expr: &str, at: i64) -> Result<Vec<Sample>, String> {
        self(expr, at)
    }
}
