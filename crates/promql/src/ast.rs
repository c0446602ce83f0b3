//! The tree of a query. Every node knows its place in the text.
//!
//! Durations are whole nanoseconds, as Prometheus keeps them; evaluation works in milliseconds, for which the `*_ms`
//! accessors truncate the way Prometheus does. A duration that was written as an expression is in the `*_expr` field
//! next to it and the number is 0 until [`crate::durations::resolve`] has replaced it.

use crate::functions::Function;
pub use crate::op::{AggregateOp, BinaryOp, UnaryOp};
pub use crate::span::Span;
use tortie_model::Matcher;

/// What an expression evaluates to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number.
    Scalar,
    /// Samples of many series at one instant.
    Vector,
    /// Samples of many series over a range.
    Matrix,
    /// A text.
    String,
}

impl ValueType {
    /// The name in the API: `scalar`, `vector`, `matrix`, `string`.
    pub fn as_str(self) -> &'static str {
        match self {
            ValueType::Scalar => "scalar",
            ValueType::Vector => "vector",
            ValueType::Matrix => "matrix",
            ValueType::String => "string",
        }
    }

    /// The name in the manual and in error messages: `instant vector`, `range vector`, ...
    pub fn documented(self) -> &'static str {
        match self {
            ValueType::Vector => "instant vector",
            ValueType::Matrix => "range vector",
            other => other.as_str(),
        }
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `1`, `0x1f`, `Inf`, `5m`
    Number(Number),
    /// `"text"`
    Str(Str),
    /// `up{job="felix"} offset 5m`
    Vector(Box<VectorSelector>),
    /// `up[5m]`
    Matrix(Box<MatrixSelector>),
    /// `rate(x[5m])[1h:1m]`
    Subquery(Box<Subquery>),
    /// `rate(...)`
    Call(Box<Call>),
    /// `sum by (node) (...)`
    Aggregate(Box<Aggregate>),
    /// `a / on (x) b`
    Binary(Box<Binary>),
    /// `-x`
    Unary(Box<Unary>),
    /// `(x)`
    Paren(Box<Paren>),
}

/// A number.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Its value; a duration's value is in seconds.
    pub value: f64,
    /// Whether it was written as a duration and is printed as one.
    pub is_duration: bool,
    /// Its place, a folded sign included.
    pub span: Span,
}

/// A text.
#[derive(Debug, Clone, PartialEq)]
pub struct Str {
    /// The text with its escapes resolved; U+FFFD stands where they make no UTF-8.
    pub value: String,
    /// The exact bytes, where they are no UTF-8.
    pub bytes: Option<Vec<u8>>,
    /// Its place, quotes included.
    pub span: Span,
}

/// The `@` modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// `@ 1700000000`, in milliseconds since the epoch.
    Timestamp(i64),
    /// `@ start()`
    Start,
    /// `@ end()`
    End,
}

/// A selection of series, read at an instant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VectorSelector {
    /// The metric name that stands before the braces, or empty.
    pub name: String,
    /// All matchers in the order of the text, then the one that `name` stands for.
    pub matchers: Vec<Matcher>,
    /// The offset in nanoseconds; positive looks back.
    pub offset_ns: i64,
    /// The offset, where it was written as an expression.
    pub offset_expr: Option<Box<DurationExpr>>,
    /// The `@` modifier.
    pub at: Option<At>,
    /// `anchored`: range functions get a sample at each border of the range.
    pub anchored: bool,
    /// `smoothed`: values at the borders are interpolated.
    pub smoothed: bool,
    /// Set on the second argument of `info`, which may match everything.
    pub may_match_all: bool,
    /// Its place, modifiers included.
    pub span: Span,
}

/// A selection of series, read over a range.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixSelector {
    /// Which series; it carries offset, `@`, `anchored` and `smoothed`.
    pub selector: VectorSelector,
    /// The range in nanoseconds.
    pub range_ns: i64,
    /// The range, where it was written as an expression.
    pub range_expr: Option<Box<DurationExpr>>,
    /// Its place, modifiers included.
    pub span: Span,
}

/// An instant expression evaluated at many steps: a range vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: Expr,
    /// The range in nanoseconds.
    pub range_ns: i64,
    /// The range, where it was written as an expression.
    pub range_expr: Option<Box<DurationExpr>>,
    /// The step in nanoseconds; 0 is the default evaluation interval.
    pub step_ns: i64,
    /// The step, where it was written as an expression.
    pub step_expr: Option<Box<DurationExpr>>,
    /// The offset in nanoseconds; positive looks back.
    pub offset_ns: i64,
    /// The offset, where it was written as an expression.
    pub offset_expr: Option<Box<DurationExpr>>,
    /// The `@` modifier.
    pub at: Option<At>,
    /// Its place, modifiers included.
    pub span: Span,
}

/// A function call; number and types of the arguments have been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function.
    pub func: &'static Function,
    /// The arguments in order.
    pub args: Vec<Expr>,
    /// Its place, from the name to the closing parenthesis.
    pub span: Span,
}

/// An aggregation.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Which one.
    pub op: AggregateOp,
    /// What is aggregated, an instant vector.
    pub expr: Expr,
    /// The parameter of `topk`, `bottomk`, `limitk`, `limit_ratio`, `quantile` (scalar) and `count_values` (string).
    pub param: Option<Expr>,
    /// The labels of `by` or `without`, in the order of the text.
    pub grouping: Vec<String>,
    /// Whether `grouping` is taken away instead of kept.
    pub without: bool,
    /// Its place, from the operator to the end of the grouping.
    pub span: Span,
}

/// Two operands and an operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// The left operand.
    pub lhs: Expr,
    /// The right operand.
    pub rhs: Expr,
    /// How series find each other; `None` unless both operands are instant vectors.
    pub matching: Option<VectorMatching>,
    /// `bool`: a comparison answers 0 or 1 instead of filtering.
    pub return_bool: bool,
}

/// How many series of one side meet how many of the other.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Cardinality {
    /// At most one on each side.
    #[default]
    OneToOne,
    /// `group_left`
    ManyToOne,
    /// `group_right`
    OneToMany,
    /// The set operators.
    ManyToMany,
}

impl Cardinality {
    /// The name in messages and in the API's tree: `one-to-one`, ...
    pub fn as_str(self) -> &'static str {
        match self {
            Cardinality::OneToOne => "one-to-one",
            Cardinality::ManyToOne => "many-to-one",
            Cardinality::OneToMany => "one-to-many",
            Cardinality::ManyToMany => "many-to-many",
        }
    }
}

/// How the series of two instant vectors find each other.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct VectorMatching {
    /// How many meet how many.
    pub card: Cardinality,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// Whether it was `on`.
    pub on: bool,
    /// The labels of `group_left` or `group_right`, taken over from the one side.
    pub include: Vec<String>,
    /// Value for a left series that is missing (`fill`, `fill_left`).
    pub fill_left: Option<f64>,
    /// Value for a right series that is missing (`fill`, `fill_right`).
    pub fill_right: Option<f64>,
}

/// A sign before an expression that is no number.
#[derive(Debug, Clone, PartialEq)]
pub struct Unary {
    /// `+` or `-`
    pub op: UnaryOp,
    /// The operand: scalar or instant vector.
    pub expr: Expr,
    /// Its place, the sign included.
    pub span: Span,
}

/// An expression in parentheses.
#[derive(Debug, Clone, PartialEq)]
pub struct Paren {
    /// What is inside.
    pub expr: Expr,
    /// Its place, parentheses included.
    pub span: Span,
}

/// A duration that must be computed: `[5m * 2]`, `offset step()`.
#[derive(Debug, Clone, PartialEq)]
pub struct DurationExpr {
    /// What is computed.
    pub kind: DurationKind,
    /// Whether it stands in parentheses.
    pub wrapped: bool,
    /// Its place.
    pub span: Span,
}

/// Part of a duration expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Duration {
    /// A number in seconds.
    Number(Number),
    /// A computation.
    Expr(Box<DurationExpr>),
}

/// A computation over durations, all in seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum DurationKind {
    /// `step()`: the query's step, zero for an instant query.
    Step,
    /// `range()`: from the query's first instant to its last.
    Range,
    /// `min_of(a, b)`
    MinOf(Duration, Duration),
    /// `max_of(a, b)`
    MaxOf(Duration, Duration),
    /// A sign; `+` also carries a number in parentheses.
    Unary(UnaryOp, Duration),
    /// `a + b`, `-`, `*`, `/`, `%`, `^`
    Binary(BinaryOp, Duration, Duration),
}

impl Duration {
    /// Its place.
    pub fn span(&self) -> Span {
        match self {
            Duration::Number(n) => n.span,
            Duration::Expr(e) => e.span,
        }
    }
}

const NS_PER_MS: i64 = 1_000_000;

impl VectorSelector {
    /// The offset in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ns / NS_PER_MS
    }
}

impl MatrixSelector {
    /// The range in milliseconds.
    pub fn range_ms(&self) -> i64 {
        self.range_ns / NS_PER_MS
    }
}

impl Subquery {
    /// The range in milliseconds.
    pub fn range_ms(&self) -> i64 {
        self.range_ns / NS_PER_MS
    }

    /// The step in milliseconds; 0 is the default evaluation interval.
    pub fn step_ms(&self) -> i64 {
        self.step_ns / NS_PER_MS
    }

    /// The offset in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ns / NS_PER_MS
    }
}

impl Str {
    /// The text in double quotes, other bytes than UTF-8 as `\x..`.
    pub fn quoted(&self) -> String {
        match &self.bytes {
            None => crate::go_text::quote(&self.value),
            Some(bytes) => crate::go_text::quote_bytes(bytes),
        }
    }
}

impl Binary {
    /// Its place, from the left operand to the end of the right one.
    pub fn span(&self) -> Span {
        self.lhs.span().to(self.rhs.span())
    }
}

impl Expr {
    /// Its place in the query.
    pub fn span(&self) -> Span {
        match self {
            Expr::Number(e) => e.span,
            Expr::Str(e) => e.span,
            Expr::Vector(e) => e.span,
            Expr::Matrix(e) => e.span,
            Expr::Subquery(e) => e.span,
            Expr::Call(e) => e.span,
            Expr::Aggregate(e) => e.span,
            Expr::Binary(e) => e.span(),
            Expr::Unary(e) => e.span,
            Expr::Paren(e) => e.span,
        }
    }

    /// What it evaluates to.
    pub fn value_type(&self) -> ValueType {
        match self {
            Expr::Number(_) => ValueType::Scalar,
            Expr::Str(_) => ValueType::String,
            Expr::Vector(_) | Expr::Aggregate(_) => ValueType::Vector,
            Expr::Matrix(_) | Expr::Subquery(_) => ValueType::Matrix,
            Expr::Call(e) => e.func.return_type,
            Expr::Binary(e) => {
                if e.lhs.value_type() == ValueType::Scalar && e.rhs.value_type() == ValueType::Scalar {
                    ValueType::Scalar
                } else {
                    ValueType::Vector
                }
            }
            Expr::Unary(e) => e.expr.value_type(),
            Expr::Paren(e) => e.expr.value_type(),
        }
    }

    /// The expression inside any number of parentheses.
    pub fn unparen(&self) -> &Expr {
        let mut e = self;
        while let Expr::Paren(p) = e {
            e = &p.expr;
        }
        e
    }

    /// Its direct parts, in Prometheus' order: an aggregation's operand comes before its parameter.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Number(_) | Expr::Str(_) | Expr::Vector(_) | Expr::Matrix(_) => Vec::new(),
            Expr::Subquery(e) => vec![&e.expr],
            Expr::Call(e) => e.args.iter().collect(),
            Expr::Aggregate(e) => std::iter::once(&e.expr).chain(&e.param).collect(),
            Expr::Binary(e) => vec![&e.lhs, &e.rhs],
            Expr::Unary(e) => vec![&e.expr],
            Expr::Paren(e) => vec![&e.expr],
        }
    }

    /// Calls `visit` for this expression and all below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        let mut stack = vec![self];
        while let Some(e) = stack.pop() {
            visit(e);
            stack.extend(e.children().into_iter().rev());
        }
    }

    /// All selections of series in the query, those of range vectors included.
    pub fn selectors(&self) -> Vec<&VectorSelector> {
        let mut found = Vec::new();
        self.walk(&mut |e| match e {
            Expr::Vector(v) => found.push(v.as_ref()),
            Expr::Matrix(m) => found.push(&m.selector),
            _ => {}
        });
        found
    }
}
