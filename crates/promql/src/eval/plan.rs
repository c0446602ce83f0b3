//! From the parsed tree to the tree that is evaluated.
//!
//! Parentheses and plus signs go, `start()`, `end()`, `range()` and `step()` become numbers, `@` becomes a time, and
//! parts that give the same at every step are wrapped so that they are evaluated once.

use super::error::EvalError;
use crate::ast::{self, AggregateOp, At, BinaryOp, Expr, UnaryOp, ValueType, VectorMatching};
use crate::functions::Function;
use crate::span::Span;
use tortie_model::Matcher;

/// Deeper trees are refused: each level costs stack.
const MAX_DEPTH: usize = 2_000;

/// Part of a plan.
pub(crate) struct Node {
    pub kind: Kind,
    pub span: Span,
    pub ty: ValueType,
}

/// What a node does.
pub(crate) enum Kind {
    Number(f64),
    Str(String),
    Vector(Selector),
    Matrix(Selector, i64),
    Subquery(Box<Subquery>),
    Call(Call),
    Aggregate(Box<Aggregate>),
    Binary(Box<Binary>),
    Neg(Box<Node>),
    /// The same at every step: evaluated at the first one.
    Invariant(Box<Node>),
}

/// A selection of series; times in milliseconds.
pub(crate) struct Selector {
    pub matchers: Vec<Matcher>,
    pub offset: i64,
    pub at: Option<i64>,
    pub anchored: bool,
    pub smoothed: bool,
    /// Only counts and sums of histograms are asked for: as in Prometheus, resets are then found while reading.
    pub counts_only: bool,
}

impl Selector {
    /// The time that is looked at when the evaluation stands at `t`.
    pub(crate) fn reference(&self, t: i64) -> i64 {
        self.at.unwrap_or(t) - self.offset
    }
}

/// A subquery; times in milliseconds, `step` 0 is the default.
pub(crate) struct Subquery {
    pub expr: Node,
    pub range: i64,
    pub step: i64,
    pub offset: i64,
    pub at: Option<i64>,
}

/// A function call.
pub(crate) struct Call {
    pub func: &'static Function,
    pub args: Vec<Node>,
}

/// An aggregation.
pub(crate) struct Aggregate {
    pub op: AggregateOp,
    pub expr: Node,
    pub param: Option<Node>,
    /// Labels of `by` or `without`, sorted; with `without` the name, type and unit labels too.
    pub grouping: Vec<String>,
    pub without: bool,
}

/// An operator between two operands.
pub(crate) struct Binary {
    pub op: BinaryOp,
    pub lhs: Node,
    pub rhs: Node,
    pub matching: Option<VectorMatching>,
    pub return_bool: bool,
}

/// Labels that describe a metric and go with its name.
pub(crate) const RESERVED: [&str; 3] = ["__name__", "__type__", "__unit__"];

/// Functions whose answer depends on the step even when their arguments do not.
const STEP_DEPENDENT: [&str; 15] = [
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "end",
    "hour",
    "minute",
    "month",
    "predict_linear",
    "range",
    "start",
    "step",
    "time",
    "timestamp",
    "year",
];

/// First and last instant of the query and the lookback, milliseconds; `step` is 0 for an instant query.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub start: i64,
    pub end: i64,
    pub step: i64,
    pub lookback: i64,
}

/// A plan and what it will read.
pub(crate) struct Plan {
    pub root: Node,
    /// Earliest and latest time that any selector reads, inclusive.
    pub mint: i64,
    pub maxt: i64,
    /// Levels of the tree.
    pub depth: usize,
}

/// Makes the plan of `expr`, whose durations are resolved.
pub(crate) fn compile(expr: &Expr, times: Times) -> Result<Plan, EvalError> {
    let mut c = Compiler { times, mint: i64::MAX, maxt: i64::MIN, depth: 0, deepest: 0 };
    let (root, _, wrap) = c.node(expr, Outer::default())?;
    let root = if wrap { invariant(root) } else { root };
    if c.maxt == i64::MIN {
        (c.mint, c.maxt) = (0, 0);
    }
    Ok(Plan { root, mint: c.mint, maxt: c.maxt, depth: c.deepest })
}

fn invariant(node: Node) -> Node {
    Node { span: node.span, ty: node.ty, kind: Kind::Invariant(Box::new(node)) }
}

/// The text, if its bytes are no UTF-8: no label may be called so.
fn not_utf8(expr: &Expr) -> Option<&ast::Str> {
    match expr.unparen() {
        Expr::Str(s) if s.bytes.is_some() => Some(s),
        _ => None,
    }
}

/// The subqueries around a node.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outer {
    offset: i64,
    range: i64,
    at: Option<i64>,
    /// Something around asks for counts and sums of histograms only.
    counts_only: bool,
    /// Something around needs whole histograms.
    whole: bool,
}

impl Outer {
    /// What the arguments of a call stand in.
    fn within_call(self, name: &str) -> Outer {
        match name {
            "histogram_count" | "histogram_sum" | "histogram_avg" | "timestamp" | "start_timestamp"
            | "absent" => Outer { counts_only: true, ..self },
            "histogram_quantile"
            | "histogram_quantiles"
            | "histogram_fraction"
            | "histogram_stddev"
            | "histogram_stdvar"
            | "changes" => Outer { whole: true, ..self },
            _ => self,
        }
    }
}

struct Compiler {
    times: Times,
    mint: i64,
    maxt: i64,
    depth: usize,
    deepest: usize,
}

/// A node, whether it is the same at every step, and whether wrapping it pays.
type Compiled = (Node, bool, bool);

impl Compiler {
    fn node(&mut self, expr: &Expr, outer: Outer) -> Result<Compiled, EvalError> {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > MAX_DEPTH {
            return Err(EvalError::exec(format!("the expression nests deeper than {MAX_DEPTH} levels")));
        }
        let done = self.inner(expr, outer);
        self.depth -= 1;
        done
    }

    fn inner(&mut self, expr: &Expr, outer: Outer) -> Result<Compiled, EvalError> {
        let span = expr.span();
        let ty = expr.value_type();
        let make = |kind| Node { kind, span, ty };
        match expr {
            Expr::Number(n) => Ok((make(Kind::Number(n.value)), true, false)),
            Expr::Str(s) => Ok((make(Kind::Str(s.value.clone())), true, false)),
            Expr::Paren(p) => self.node(&p.expr, outer),
            Expr::Unary(u) => {
                let (inner, inv, wrap) = self.node(&u.expr, outer)?;
                match u.op {
                    UnaryOp::Plus => Ok((inner, inv, wrap)),
                    UnaryOp::Minus => Ok((make(Kind::Neg(Box::new(inner))), inv, wrap || inv)),
                }
            }
            Expr::Vector(v) => {
                let s = self.selector(v, outer);
                self.reads(&s, 0, outer);
                let fixed = s.at.is_some();
                Ok((make(Kind::Vector(s)), fixed, fixed))
            }
            Expr::Matrix(m) => {
                let s = self.selector(&m.selector, outer);
                self.reads(&s, m.range_ms(), outer);
                let fixed = s.at.is_some();
                Ok((make(Kind::Matrix(s, m.range_ms())), fixed, false))
            }
            Expr::Subquery(q) => {
                let at = self.at(q.at);
                let (offset, range) = (q.offset_ms(), q.range_ms());
                let inner_outer = match at {
                    Some(_) => Outer { offset, range, at, whole: true, ..outer },
                    None => Outer {
                        offset: outer.offset + offset,
                        range: outer.range + range,
                        whole: true,
                        ..outer
                    },
                };
                let (inner, inv, _) = self.node(&q.expr, inner_outer)?;
                let expr = if inv { invariant(inner) } else { inner };
                let kind = Kind::Subquery(Box::new(Subquery { expr, range, step: q.step_ms(), offset, at }));
                Ok((make(kind), at.is_some(), false))
            }
            Expr::Call(c) => self.call(c, outer, span, ty),
            Expr::Aggregate(a) => {
                if let (AggregateOp::CountValues, Some(label)) = (a.op, a.param.as_ref().and_then(not_utf8)) {
                    return Err(EvalError::exec(format!("invalid label name {}", label.quoted())));
                }
                let outer = Outer { whole: outer.whole || a.op == AggregateOp::CountValues, ..outer };
                let (inner, inv, wrap) = self.node(a.expr.unparen(), outer)?;
                let param = match &a.param {
                    None => None,
                    Some(p) => {
                        let (node, inv, wrap) = self.node(p.unparen(), outer)?;
                        Some(if inv && wrap { invariant(node) } else { node })
                    }
                };
                let mut grouping: Vec<String> = a.grouping.clone();
                if a.without {
                    grouping.extend(RESERVED.map(str::to_owned));
                }
                grouping.sort();
                grouping.dedup();
                let kind = Aggregate { op: a.op, expr: inner, param, grouping, without: a.without };
                Ok((make(Kind::Aggregate(Box::new(kind))), inv, wrap))
            }
            Expr::Binary(b) => {
                let buckets =
                    matches!(b.op, BinaryOp::TrimUpper | BinaryOp::TrimLower | BinaryOp::Eq | BinaryOp::Ne);
                let outer = Outer { whole: outer.whole || buckets, ..outer };
                let (lhs, linv, lwrap) = self.node(&b.lhs, outer)?;
                let (rhs, rinv, rwrap) = self.node(&b.rhs, outer)?;
                let both = linv && rinv;
                let wrap = |node, wrap: bool| if wrap && !both { invariant(node) } else { node };
                let (lhs, rhs) = (wrap(lhs, lwrap), wrap(rhs, rwrap));
                let kind =
                    Binary { op: b.op, lhs, rhs, matching: b.matching.clone(), return_bool: b.return_bool };
                Ok((make(Kind::Binary(Box::new(kind))), both, both))
            }
        }
    }

    fn call(
        &mut self,
        c: &ast::Call,
        outer: Outer,
        span: Span,
        ty: ValueType,
    ) -> Result<Compiled, EvalError> {
        let name = c.func.name;
        if let Some(v) = self.folded(name) {
            return Ok((Node { kind: Kind::Number(v), span, ty }, true, false));
        }
        if let (true, Some(label)) = (name.starts_with("label_"), c.args.get(1).and_then(not_utf8)) {
            let label = &label.value;
            return Err(EvalError::exec(format!("invalid destination label name in {name}(): {label}")));
        }
        let outer = outer.within_call(name);
        let mut inv = !STEP_DEPENDENT.contains(&name);
        let mut fixed_timestamp = name == "timestamp";
        let mut args = Vec::with_capacity(c.args.len());
        let mut wraps = Vec::with_capacity(c.args.len());
        for (i, arg) in c.args.iter().enumerate() {
            let before = (self.mint, self.maxt);
            let (node, arg_inv, wrap) = self.node(arg.unparen(), outer)?;
            let only_syntax = name == "info" && i == 1;
            if only_syntax {
                (self.mint, self.maxt) = before;
            } else {
                inv &= arg_inv;
                fixed_timestamp &= arg_inv && matches!(node.kind, Kind::Vector(_));
            }
            wraps.push(wrap && !only_syntax);
            args.push(node);
        }
        if name == "info"
            && let Some(first) = args.first()
        {
            let reference = super::functions::info::reference(first);
            let (at, offset) = reference.unwrap_or((None, 0));
            self.reads(
                &Selector {
                    matchers: Vec::new(),
                    offset,
                    at,
                    anchored: false,
                    smoothed: false,
                    counts_only: false,
                },
                0,
                outer,
            );
            inv &= reference.is_some();
        }
        let make = |args| Node { kind: Kind::Call(Call { func: c.func, args }), span, ty };
        if inv || fixed_timestamp {
            return Ok((make(args), true, true));
        }
        let args = args.into_iter().zip(wraps).map(|(a, w)| if w { invariant(a) } else { a }).collect();
        Ok((make(args), false, false))
    }

    /// The value of a function that only depends on the query's times, in seconds.
    fn folded(&self, name: &str) -> Option<f64> {
        let t = &self.times;
        match name {
            "start" => Some(t.start as f64 / 1000.0),
            "end" => Some(t.end as f64 / 1000.0),
            "range" => Some(seconds(t.end - t.start)),
            "step" if t.start == t.end => Some(0.0),
            "step" => Some(seconds(t.step)),
            _ => None,
        }
    }

    fn at(&self, at: Option<At>) -> Option<i64> {
        at.map(|at| match at {
            At::Timestamp(t) => t,
            At::Start => self.times.start,
            At::End => self.times.end,
        })
    }

    fn selector(&self, v: &ast::VectorSelector, outer: Outer) -> Selector {
        Selector {
            matchers: v.matchers.clone(),
            offset: v.offset_ms(),
            at: self.at(v.at),
            anchored: v.anchored,
            smoothed: v.smoothed,
            counts_only: outer.counts_only && !outer.whole,
        }
    }

    /// Widens the query's time range by what a selector reads; `range` 0 is an instant selector.
    fn reads(&mut self, s: &Selector, range: i64, outer: Outer) {
        let Times { lookback, .. } = self.times;
        let (mut start, mut end) = match outer.at {
            Some(at) => (at, at),
            None => (self.times.start, self.times.end),
        };
        match s.at {
            Some(at) => (start, end) = (at, at),
            None => {
                start -= outer.offset + outer.range;
                end -= outer.offset;
            }
        }
        start -= match range {
            0 => lookback - 1,
            _ if s.anchored || s.smoothed => lookback + range - 1,
            _ => range - 1,
        };
        if s.smoothed {
            end += lookback;
        }
        self.mint = self.mint.min(start - s.offset);
        self.maxt = self.maxt.max(end - s.offset);
    }
}

/// Milliseconds as Go's `time.Duration.Seconds` gives them.
pub(crate) fn seconds(ms: i64) -> f64 {
    let (whole, rest) = (ms / 1000, ms % 1000);
    whole as f64 + (rest * 1_000_000) as f64 / 1e9
}
