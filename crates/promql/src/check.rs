//! Types: which kinds of values go where. Also settles what only the types tell, such as set operators being
//! many-to-many.

use crate::ast::{Aggregate, AggregateOp, Binary, Call, Cardinality, Expr, ValueType, VectorSelector};
use crate::go_text::quote;
use crate::parse::{ParseError, ParseErrors};
use crate::span::Span;
use tortie_model::labels::METRIC_NAME;

/// Checks the types of all expressions below `expr`.
///
/// # Errors
/// All misfits, in the order of the tree.
pub fn check(query: &str, expr: &mut Expr) -> Result<(), ParseErrors> {
    let mut checker = Checker { query, errors: Vec::new() };
    checker.expr(expr);
    let mut errors = checker.errors.into_iter();
    match errors.next() {
        None => Ok(()),
        Some(first) => Err(ParseErrors { first, rest: errors.collect() }),
    }
}

struct Checker<'a> {
    query: &'a str,
    errors: Vec<ParseError>,
}

impl Checker<'_> {
    fn fail(&mut self, span: Span, message: impl Into<String>) {
        self.errors.push(ParseError::new(self.query, span, message));
    }

    fn expr(&mut self, expr: &mut Expr) -> ValueType {
        let value_type = expr.value_type();
        match expr {
            Expr::Number(_) | Expr::Str(_) => {}
            Expr::Vector(e) => self.selector(e),
            Expr::Matrix(e) => self.selector(&e.selector),
            Expr::Subquery(e) => {
                let inner = self.expr(&mut e.expr);
                if inner != ValueType::Vector {
                    let inner = inner.as_str();
                    self.fail(
                        e.span,
                        format!("subquery is only allowed on instant vector, got {inner} instead"),
                    );
                }
            }
            Expr::Call(e) => self.call(e),
            Expr::Aggregate(e) => self.aggregate(e),
            Expr::Binary(e) => self.binary(e),
            Expr::Unary(e) => {
                let inner = self.expr(&mut e.expr);
                if !is_operand(inner) {
                    let inner = quote(inner.documented());
                    self.fail(
                        e.span,
                        format!(
                            "unary expression only allowed on expressions of type scalar or instant vector, got {inner}"
                        ),
                    );
                }
            }
            Expr::Paren(e) => {
                self.expr(&mut e.expr);
            }
        }
        value_type
    }

    fn expect(&mut self, expr: &mut Expr, want: ValueType, place: &str) {
        let got = self.expr(expr);
        if got != want {
            let (want, got) = (want.documented(), got.documented());
            self.fail(expr.span(), format!("expected type {want} in {place}, got {got}"));
        }
    }

    fn selector(&mut self, selector: &VectorSelector) {
        if selector.name.is_empty() {
            let all = selector.matchers.iter().all(tortie_model::Matcher::matches_empty);
            if all && !selector.may_match_all {
                self.fail(selector.span, "vector selector must contain at least one non-empty matcher");
            }
            return;
        }
        // The last matcher is the one of the name outside the braces.
        let inside = selector.matchers.split_last().map_or(&[][..], |(_, rest)| rest);
        for matcher in inside.iter().filter(|m| m.name == METRIC_NAME) {
            let (outside, inside) = (quote(&selector.name), quote(&matcher.value));
            self.fail(selector.span, format!("metric name must not be set twice: {outside} or {inside}"));
        }
    }

    fn aggregate(&mut self, e: &mut Aggregate) {
        self.expect(&mut e.expr, ValueType::Vector, "aggregation expression");
        let want = if e.op == AggregateOp::CountValues { ValueType::String } else { ValueType::Scalar };
        if let Some(param) = &mut e.param {
            self.expect(param, want, "aggregation parameter");
        }
    }

    fn call(&mut self, e: &mut Call) {
        let func = e.func;
        let name = quote(func.name);
        let (want, got) = (func.args.len(), e.args.len());
        let least = want.saturating_sub(1);
        let most = usize::try_from(func.variadic).map_or(usize::MAX, |v| least + v);
        if func.variadic == 0 {
            if want != got {
                self.fail(e.span, format!("expected {want} argument(s) in call to {name}, got {got}"));
            }
        } else if got < least {
            self.fail(e.span, format!("expected at least {least} argument(s) in call to {name}, got {got}"));
        } else if got > most {
            self.fail(e.span, format!("expected at most {most} argument(s) in call to {name}, got {got}"));
        }
        if func.name == "info" {
            self.info_labels(e);
        }
        for (i, arg) in e.args.iter_mut().enumerate() {
            let want = match (func.args.get(i), func.variadic) {
                (Some(&want), _) => want,
                (None, 0) => break,
                (None, _) => func.args.last().copied().unwrap_or(ValueType::Vector),
            };
            self.expect(arg, want, &format!("call to function {name}"));
        }
    }

    /// The second argument of `info` says which labels are wanted; it is a selector without a name.
    fn info_labels(&mut self, e: &mut Call) {
        let call = e.span;
        let Some(labels) = e.args.get_mut(1) else { return };
        let got = labels.value_type();
        if got != ValueType::Vector {
            let (want, got) = (ValueType::Vector.documented(), got.documented());
            self.fail(call, format!("expected type {want} in call to function \"info\", got {got}"));
        }
        let span = labels.span();
        match labels {
            Expr::Vector(s) if s.name.is_empty() => s.may_match_all = true,
            Expr::Vector(_) => self.fail(span, "expected label selectors only, got vector selector instead"),
            _ => self.fail(span, "expected label selectors only"),
        }
    }

    fn binary(&mut self, e: &mut Binary) {
        let left = self.expr(&mut e.lhs);
        let right = self.expr(&mut e.rhs);
        let operator = self.operator_span(e);
        let both_vectors = left == ValueType::Vector && right == ValueType::Vector;
        if e.return_bool && !e.op.is_comparison() {
            self.fail(operator, "bool modifier can only be used on comparison operators");
        }
        let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
        if e.op.is_comparison() && !e.return_bool && scalars {
            self.fail(operator, "comparisons between scalars must use BOOL modifier");
        }
        let mut matching = e.matching.take().unwrap_or_default();
        if e.op.is_set() && matching.card == Cardinality::OneToOne {
            matching.card = Cardinality::ManyToMany;
        }
        if matching.on {
            for label in matching.labels.iter() {
                for _ in matching.include.iter().filter(|l| *l == label) {
                    let label = quote(label);
                    self.fail(
                        operator,
                        format!("label {label} must not occur in ON and GROUP clause at once"),
                    );
                }
            }
        }
        for (operand, value_type) in [(&e.lhs, left), (&e.rhs, right)] {
            if !is_operand(value_type) {
                self.fail(
                    operand.span(),
                    "binary expression must contain only scalar and instant vector types",
                );
            }
        }
        let span = e.span();
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        let op = quote(e.op.as_str());
        if !both_vectors {
            if !matching.labels.is_empty() {
                self.fail(span, "vector matching only allowed between instant vectors");
            }
            if fills {
                self.fail(span, "filling in missing series only allowed between instant vectors");
            }
        } else if e.op.is_set() {
            if matching.card != Cardinality::ManyToMany {
                self.fail(span, format!("no grouping allowed for {op} operation"));
                self.fail(span, "set operations must always be many-to-many");
            }
            if fills {
                self.fail(span, "filling in missing series not allowed for set operators");
            }
        }
        if (left == ValueType::Scalar || right == ValueType::Scalar) && e.op.is_set() {
            self.fail(span, format!("set operator {op} not allowed in binary scalar expression"));
        }
        e.matching = both_vectors.then_some(matching);
    }

    /// Where the operator stands: behind the left operand and white space.
    fn operator_span(&self, e: &Binary) -> Span {
        let left_end = e.lhs.span().end;
        let right_start = e.rhs.span().start;
        let between = self.query.get(left_end..right_start).unwrap_or("");
        let space = [' ', '\t', '\n', '\r'];
        let start = left_end + between.len() - between.trim_start_matches(space).len();
        Span::new(start, (left_end + between.trim_end_matches(space).len()).max(start))
    }
}

fn is_operand(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::Scalar | ValueType::Vector)
}
