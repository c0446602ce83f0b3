//! Duration expressions get their values when a query's step and range are known.

use crate::ast::{BinaryOp, Duration, DurationExpr, DurationKind, Expr, Span, UnaryOp, VectorSelector};

/// What `step()` and `range()` stand for in a query, in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueryTimes {
    /// The step between two evaluated instants.
    pub step_ms: i64,
    /// From the first evaluated instant to the last.
    pub range_ms: i64,
}

/// Why a duration could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}: {message}", span.start, span.end)]
pub struct DurationError {
    /// The expression's place; printed in bytes, as Prometheus does here.
    pub span: Span,
    /// What is wrong.
    pub message: &'static str,
}

/// Puts the values of all duration expressions below `expr` into the nodes that carry them.
///
/// # Errors
/// A division by zero, or a result that is no duration of its place: not finite, too long, or not positive where it
/// has to be.
pub fn resolve(expr: &mut Expr, times: QueryTimes) -> Result<(), DurationError> {
    match expr {
        Expr::Number(_) | Expr::Str(_) => Ok(()),
        Expr::Vector(e) => resolve_offset(e, times),
        Expr::Matrix(e) => {
            if let Some(d) = &e.range_expr {
                e.range_ns = compute(d, times, false)?;
            }
            resolve_offset(&mut e.selector, times)
        }
        Expr::Subquery(e) => {
            if let Some(d) = &e.offset_expr {
                e.offset_ns = compute(d, times, true)?;
            }
            if let Some(d) = &e.step_expr {
                e.step_ns = compute(d, times, false)?;
            }
            if let Some(d) = &e.range_expr {
                e.range_ns = compute(d, times, false)?;
            }
            resolve(&mut e.expr, times)
        }
        Expr::Call(e) => e.args.iter_mut().try_for_each(|a| resolve(a, times)),
        Expr::Aggregate(e) => {
            resolve(&mut e.expr, times)?;
            e.param.as_mut().map_or(Ok(()), |p| resolve(p, times))
        }
        Expr::Binary(e) => {
            resolve(&mut e.lhs, times)?;
            resolve(&mut e.rhs, times)
        }
        Expr::Unary(e) => resolve(&mut e.expr, times),
        Expr::Paren(e) => resolve(&mut e.expr, times),
    }
}

fn resolve_offset(selector: &mut VectorSelector, times: QueryTimes) -> Result<(), DurationError> {
    if let Some(d) = &selector.offset_expr {
        selector.offset_ns = compute(d, times, true)?;
    }
    Ok(())
}

/// The value in nanoseconds, whole milliseconds.
fn compute(expr: &DurationExpr, times: QueryTimes, may_be_negative: bool) -> Result<i64, DurationError> {
    let fail = |message| Err(DurationError { span: expr.span, message });
    let seconds = evaluate(expr, times)?;
    if !seconds.is_finite() {
        return fail("duration is NaN or infinite");
    }
    if seconds <= 0.0 && !may_be_negative {
        return fail("duration must be greater than 0");
    }
    if seconds.abs() > MAX_SECONDS {
        return fail("duration is out of range");
    }
    Ok(((seconds * 1000.0) as i64).saturating_mul(1_000_000))
}

/// Longer durations do not fit 64 bits of nanoseconds.
pub(crate) const MAX_SECONDS: f64 = (1u64 << 63) as f64 / 1e9;

fn evaluate(expr: &DurationExpr, times: QueryTimes) -> Result<f64, DurationError> {
    let operand = |d: &Duration| match d {
        Duration::Number(n) => Ok(n.value),
        Duration::Expr(e) => evaluate(e, times),
    };
    let fail = |message| Err(DurationError { span: expr.span, message });
    Ok(match &expr.kind {
        DurationKind::Step => times.step_ms as f64 / 1000.0,
        DurationKind::Range => times.range_ms as f64 / 1000.0,
        DurationKind::MinOf(a, b) => go_min(operand(a)?, operand(b)?),
        DurationKind::MaxOf(a, b) => -go_min(-operand(a)?, -operand(b)?),
        DurationKind::Unary(UnaryOp::Plus, d) => operand(d)?,
        DurationKind::Unary(UnaryOp::Minus, d) => -operand(d)?,
        DurationKind::Binary(op, a, b) => {
            let (a, b) = (operand(a)?, operand(b)?);
            match op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div if b == 0.0 => return fail("division by zero"),
                BinaryOp::Div => a / b,
                BinaryOp::Mod if b == 0.0 => return fail("modulo by zero"),
                BinaryOp::Mod => a % b,
                BinaryOp::Pow => a.powf(b),
                _ => return fail("unexpected duration expression operator"),
            }
        }
    })
}

/// The lesser one; NaN when one of them is, unlike `f64::min`.
fn go_min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Options, parse_expr};

    fn check(query: &str, expect: Result<i64, &str>) {
        let mut expr = parse_expr(query, &Options::default()).unwrap();
        let got = resolve(&mut expr, QueryTimes { step_ms: 5_000, range_ms: 60_000 });
        let got = got.map_err(|e| e.to_string()).map(|()| match &expr {
            Expr::Vector(v) => v.offset_ms(),
            Expr::Matrix(m) => m.range_ms(),
            Expr::Subquery(s) => s.step_ms(),
            other => panic!("{other:?}"),
        });
        assert_eq!(got, expect.map_err(str::to_owned), "{query}");
    }

    #[test]
    fn values_come_from_the_query() {
        check("x[5m + 30s]", Ok(330_000));
        check("x[2 * step()]", Ok(10_000));
        check("x[range() / 4]", Ok(15_000));
        check("x[max_of(step(), 3s)]", Ok(5_000));
        check("x[min_of(step(), 3s)]", Ok(3_000));
        check("x[2 ^ 3]", Ok(8_000));
        check("x offset -step()", Ok(-5_000));
        check("x offset -(1m % 7)", Ok(-4_000));
        check("x[10m:step() * 2]", Ok(10_000));
        check("x[5m - 5m]", Err("2:9: duration must be greater than 0"));
        check("x[1 / (step() - 5)]", Err("2:17: division by zero"));
        check("x[(1 - 2) ^ 0.5]", Err("3:15: duration is NaN or infinite"));
        check("x[10 ^ 12 ]", Err("2:9: duration is out of range"));
    }
}
