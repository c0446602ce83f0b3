//! Tree to text: on one line, over several lines, and as the JSON of the API.

mod json;
mod pretty;
mod text;

pub use json::json;
pub use pretty::pretty;

use crate::ast::{Duration, DurationExpr, Expr};
use crate::parse::Options;
use std::fmt;

/// The expression on one line. Names are quoted where `options` say that they must be.
pub fn print(expr: &Expr, options: &Options) -> String {
    let mut out = String::new();
    text::Printer::new(&mut out, options.unquoted_utf8_names).expr(expr);
    out
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self, &Options::default()))
    }
}

impl fmt::Display for DurationExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        text::Printer::new(&mut out, false).duration_expr(self);
        f.write_str(&out)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        text::Printer::new(&mut out, false).duration(self);
        f.write_str(&out)
    }
}
