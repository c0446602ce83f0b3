//! Why an expression is empty: which matcher kills it, which metric is not there, which operands do not meet.
//!
//! Judging is pure, so questions are asked ahead: the same search runs over the answers that are there and notes those that
//! are missing ([`wanted`]); the collector asks them and comes again, a few rounds in all. A cap bounds the questions.

use crate::component::Component;
use crate::doctor::questions;
use crate::facts::queries::{Life, conditions, life, metric};
use crate::facts::{Facts, queries, variables};
use crate::snapshot::Sample;
use std::cell::RefCell;
use std::collections::BTreeSet;
use tortie_model::matcher::Matcher;
use tortie_promql::Expr;
use tortie_promql::ast::{BinaryOp, ValueType, VectorSelector};

/// Most instant queries that one Prometheus is asked in all rounds.
pub const BUDGET: usize = 200;

/// Most matchers of one selector that are looked at.
const MOST_MATCHERS: usize = 12;

/// What an empty expression suffers from.
#[derive(Debug, Clone, PartialEq)]
pub enum Diagnosis {
    /// It has data.
    Data,
    /// Answers are missing.
    Unasked,
    /// Prometheus refuses it.
    Error(String),
    /// The metric of this selector is not there; whether it was within the last week, when that was asked.
    NoMetric {
        /// Its name.
        name: String,
        /// Whether it was there within seven days.
        seen: Option<bool>,
    },
    /// Each of these matchers alone kills the selector.
    Killers {
        /// The selector.
        selector: String,
        /// The matchers, each with the values that the label has otherwise.
        killers: Vec<Killer>,
    },
    /// No series has all of these; each alone there are some.
    Conflict {
        /// The selector.
        selector: String,
        /// The smallest set that has nothing, as PromQL.
        matchers: Vec<String>,
    },
    /// A range holds no two samples.
    Range {
        /// The function over it.
        function: &'static str,
        /// The range, milliseconds.
        range_ms: i64,
    },
    /// The operands have data and no pair.
    Pairing {
        /// The operator.
        op: &'static str,
        /// Labels that only one side has, or that differ in value: `job (a / b)`.
        differ: Vec<String>,
    },
    /// The first part that is empty although all below it has data.
    Empty {
        /// That part.
        part: String,
    },
    /// It looks further back than there are samples.
    Young {
        /// How old the samples have to be, milliseconds.
        needs_ms: i64,
    },
}

/// A matcher that kills a selector.
#[derive(Debug, Clone, PartialEq)]
pub struct Killer {
    /// The matcher.
    pub matcher: Matcher,
    /// Values of its label in what is left without it, most frequent first.
    pub values: Vec<String>,
}

/// Answers to questions, and those still wanted.
pub struct Oracle<'f, 'a> {
    facts: &'f Facts<'a>,
    wanted: RefCell<Vec<String>>,
}

impl<'f, 'a> Oracle<'f, 'a> {
    /// One over the answers of a snapshot.
    pub fn new(facts: &'f Facts<'a>) -> Oracle<'f, 'a> {
        Oracle { facts, wanted: RefCell::new(Vec::new()) }
    }

    /// The answer to a query; none notes it as wanted.
    pub fn ask(&self, query: &str) -> Option<Result<Vec<Sample>, String>> {
        let answer = self.facts.answer(query);
        if answer.is_none() {
            let mut wanted = self.wanted.borrow_mut();
            if !wanted.iter().any(|w| w == query) {
                wanted.push(query.to_owned());
            }
        }
        answer
    }

    /// Whether an expression has data.
    fn has(&self, expr: &str) -> Option<Result<bool, String>> {
        self.ask(&format!("count({expr})")).map(|r| r.map(|s| !s.is_empty()))
    }

    fn alive(&self, selector: &VectorSelector) -> Option<bool> {
        match self.has(&text(selector))? {
            Ok(alive) => Some(alive),
            // A selector that Prometheus refuses is judged by the whole expression's error.
            Err(_) => Some(true),
        }
    }
}

/// The queries still needed, most useful first, as many as the budget leaves. Empty when all is answered or nobody can be
/// asked; the collector asks every reachable Prometheus each of them, puts the answers into [`crate::snapshot::Collector::answers`], and
/// comes again until nothing is wanted.
pub fn wanted(facts: &Facts<'_>) -> Vec<String> {
    let Some(asked) = facts.reachable().map(|c| c.answers.len()).max() else { return Vec::new() };
    let oracle = Oracle::new(facts);
    for query in questions::standing(facts) {
        let _ = oracle.ask(&query);
    }
    for board in facts.boards() {
        for query in board.queries.iter().filter(|q| q.component.is_none_or(|c| facts.some_samples(c))) {
            if let Ok(expr) = &query.expr {
                let _ = diagnose(&oracle, &queries::relaxed(expr));
            }
        }
        for variable in board.variables.iter().filter(|v| v.kind == "query") {
            if let Some(expr) = variable_expr(facts, board, &variable.query) {
                let _ = diagnose(&oracle, &expr);
            }
        }
    }
    for rule in facts.rules().iter().filter(|r| r.components.iter().all(|c| facts.some_samples(*c))) {
        if let Ok(expr) = &rule.expr
            && !queries::asks_for_absence(expr)
        {
            let _ = diagnose(&oracle, &queries::relaxed(expr));
        }
    }
    let mut wanted = oracle.wanted.into_inner();
    wanted.truncate(BUDGET.saturating_sub(asked));
    wanted
}

/// The selection behind a query variable, with other variables put in; none when it reads no series of a component that
/// answers.
pub(crate) fn variable_expr(
    facts: &Facts<'_>,
    board: &crate::facts::panels::Board,
    query: &str,
) -> Option<Expr> {
    let selection = variables::selection(query)?;
    let text = variables::expand(&selection, &board.variables, 30.0);
    let expr = queries::without_wildcards(queries::parse(&text).ok()?);
    let components: BTreeSet<Component> = queries::components(&expr);
    (!components.is_empty() && components.iter().all(|c| facts.some_samples(*c)))
        .then(|| queries::relaxed(&expr))
}

/// Looks for the cause. `expr` is relaxed already ([`queries::relaxed`]).
pub fn diagnose(oracle: &Oracle<'_, '_>, expr: &Expr) -> Diagnosis {
    if !matches!(expr.value_type(), ValueType::Vector) {
        return Diagnosis::Data;
    }
    match oracle.has(&expr.to_string()) {
        None => return Diagnosis::Unasked,
        Some(Err(e)) => return Diagnosis::Error(e),
        Some(Ok(true)) => return Diagnosis::Data,
        Some(Ok(false)) => {}
    }
    match life(expr, &mut |s| oracle.alive(s)) {
        Life::Unknown => Diagnosis::Unasked,
        Life::Dead(selector) => of_selector(oracle, selector),
        Life::Alive => {
            let found = of_tree(oracle, expr).unwrap_or_else(|| Diagnosis::Empty { part: expr.to_string() });
            match young(oracle, expr) {
                Some(why) if !matches!(found, Diagnosis::Unasked | Diagnosis::Error(_)) => why,
                _ => found,
            }
        }
    }
}

/// That an expression looks further back than anything is stored; that it is not known yet. None when there is enough.
fn young(oracle: &Oracle<'_, '_>, expr: &Expr) -> Option<Diagnosis> {
    let needs_ms = queries::needs_back(expr);
    if needs_ms <= 0 {
        return None;
    }
    match oracle.has(&format!("up offset {}", tortie_model::duration::format(needs_ms))) {
        None => Some(Diagnosis::Unasked),
        Some(Ok(false)) => Some(Diagnosis::Young { needs_ms }),
        Some(_) => None,
    }
}

/// Why a selector has nothing.
fn of_selector(oracle: &Oracle<'_, '_>, selector: &VectorSelector) -> Diagnosis {
    let matchers: Vec<&Matcher> = conditions(selector).into_iter().take(MOST_MATCHERS).collect();
    if let Some(name) = metric(selector) {
        let there = if matchers.is_empty() { Some(Ok(false)) } else { oracle.has(&with(selector, &[])) };
        match there {
            None => return Diagnosis::Unasked,
            Some(Err(e)) => return Diagnosis::Error(e),
            Some(Ok(false)) => return not_there(oracle, name),
            Some(Ok(true)) => {}
        }
    }
    let mut killers = Vec::new();
    let mut unasked = false;
    for (i, matcher) in matchers.iter().enumerate() {
        let rest: Vec<&Matcher> =
            matchers.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, m)| *m).collect();
        if rest.is_empty() && metric(selector).is_none() {
            continue;
        }
        match oracle.ask(&format!("topk(10, count by ({}) ({}))", matcher.name, with(selector, &rest))) {
            None => unasked = true,
            Some(Err(_)) => {}
            Some(Ok(samples)) if samples.is_empty() => {}
            Some(Ok(mut samples)) => {
                samples.sort_by(|a, b| b.value.total_cmp(&a.value));
                let value = |s: &Sample| s.labels.get(&matcher.name).cloned().unwrap_or_default();
                let mut values: Vec<String> = Vec::new();
                for v in samples.iter().map(value) {
                    if !values.contains(&v) {
                        values.push(v);
                    }
                }
                killers.push(Killer { matcher: (*matcher).clone(), values });
            }
        }
    }
    if unasked {
        return Diagnosis::Unasked;
    }
    if killers.is_empty() {
        return conflict(oracle, selector, &matchers);
    }
    Diagnosis::Killers { selector: text(selector), killers }
}

/// A metric that nobody has: whether it was there lately is asked only of names that Calico knows.
fn not_there(oracle: &Oracle<'_, '_>, name: &str) -> Diagnosis {
    let seen = match crate::catalogue::find(name) {
        Some(m) if m.in_version(oracle.facts.install.version) && m.mode == crate::catalogue::Mode::Always => {
            match oracle.has(&format!("last_over_time({name}[7d])")) {
                None => return Diagnosis::Unasked,
                Some(answer) => answer.ok(),
            }
        }
        _ => None,
    };
    Diagnosis::NoMetric { name: name.to_owned(), seen }
}

/// The smallest set of matchers that has nothing together, found by adding one at a time (QuickXplain in its plain form).
fn conflict(oracle: &Oracle<'_, '_>, selector: &VectorSelector, matchers: &[&Matcher]) -> Diagnosis {
    let mut core: Vec<&Matcher> = Vec::new();
    loop {
        if !core.is_empty() {
            match oracle.has(&with(selector, &core)) {
                None => return Diagnosis::Unasked,
                Some(Ok(true)) => {}
                Some(_) => break,
            }
        }
        let mut tried = core.clone();
        let mut next = None;
        for matcher in matchers.iter().filter(|m| !core.contains(m)) {
            tried.push(matcher);
            match oracle.has(&with(selector, &tried)) {
                None => return Diagnosis::Unasked,
                Some(Ok(true)) => {}
                Some(_) => {
                    next = Some(*matcher);
                    break;
                }
            }
        }
        let Some(next) = next else { break };
        core.push(next);
    }
    let matchers = core.iter().map(|m| written(m)).collect();
    Diagnosis::Conflict { selector: text(selector), matchers }
}

/// The first empty part, from the leaves up; all selectors have data.
fn of_tree(oracle: &Oracle<'_, '_>, expr: &Expr) -> Option<Diagnosis> {
    for child in expr.children() {
        if let Some(found) = of_tree(oracle, child) {
            return Some(found);
        }
    }
    let leaf = matches!(expr, Expr::Vector(_) | Expr::Paren(_));
    if leaf || expr.value_type() != ValueType::Vector || expr.selectors().is_empty() {
        return None;
    }
    match oracle.has(&expr.to_string()) {
        None => return Some(Diagnosis::Unasked),
        Some(Err(e)) => return Some(Diagnosis::Error(e)),
        Some(Ok(true)) => return None,
        Some(Ok(false)) => {}
    }
    if let Expr::Call(call) = expr
        && let Some(Expr::Matrix(m)) =
            call.args.iter().map(Expr::unparen).find(|a| matches!(a, Expr::Matrix(_)))
    {
        return Some(Diagnosis::Range { function: call.func.name, range_ms: m.range_ms() });
    }
    if let Expr::Binary(b) = expr
        && b.matching.is_some()
        && !matches!(b.op, BinaryOp::Or)
    {
        let one = |side: &Expr| oracle.ask(&format!("topk(1, {side})"));
        return Some(match (one(&b.lhs), one(&b.rhs)) {
            (Some(Ok(l)), Some(Ok(r))) => {
                Diagnosis::Pairing { op: b.op.as_str(), differ: differences(&l, &r) }
            }
            (None, _) | (_, None) => Diagnosis::Unasked,
            _ => Diagnosis::Empty { part: expr.to_string() },
        });
    }
    Some(Diagnosis::Empty { part: expr.to_string() })
}

/// Labels in which the two sides differ.
fn differences(left: &[Sample], right: &[Sample]) -> Vec<String> {
    let (Some(l), Some(r)) = (left.first(), right.first()) else { return Vec::new() };
    let keys: BTreeSet<&String> =
        l.labels.keys().chain(r.labels.keys()).filter(|k| *k != "__name__").collect();
    keys.into_iter()
        .filter(|k| l.labels.get(*k) != r.labels.get(*k))
        .map(|k| {
            let side = |s: &Sample| s.labels.get(k).cloned().unwrap_or_else(|| "none".to_owned());
            format!("{k} ({} / {})", side(l), side(r))
        })
        .collect()
}

/// A selector as text.
fn text(selector: &VectorSelector) -> String {
    Expr::Vector(Box::new(selector.clone())).to_string()
}

/// The selector with its name and these matchers alone.
fn with(selector: &VectorSelector, matchers: &[&Matcher]) -> String {
    let mut out = selector.clone();
    let names = selector.matchers.iter().filter(|m| m.name == "__name__").cloned();
    // The name's matcher stands last, as the parser puts it.
    out.matchers = matchers.iter().map(|m| (*m).clone()).chain(names).collect();
    text(&out)
}

/// A matcher as PromQL.
pub(crate) fn written(matcher: &Matcher) -> String {
    format!("{}{}{}", matcher.name, matcher.op.as_str(), tortie_promql::go_text::quote(&matcher.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answered, dashboard, running};
    use tortie_sim::installs::Options;

    /// Series that the fake Prometheus has.
    const SERIES: &[&str] = &[
        r#"felix_host{job="felix", instance="a"}"#,
        r#"felix_resync_state{job="felix", instance="a"}"#,
        r#"felix_log_errors{job="felix", instance="a"}"#,
        r#"typha_cache_size{job="typha", instance="b", syncer="felix"}"#,
        r#"x{a="1", b="2", c="1"}"#,
        r#"x{a="2", b="1", c="1"}"#,
    ];

    #[track_caller]
    fn check(expr: &str, expect: &Diagnosis) {
        let snap = running(&Options::default(), |o| {
            o.add(dashboard("d", &["felix_resync_state", expr]));
        });
        let snap = answered(snap, SERIES, &[]);
        let facts = Facts::of(&snap);
        let oracle = Oracle::new(&facts);
        let parsed = queries::relaxed(&queries::parse(expr).expect(expr));
        assert_eq!(&diagnose(&oracle, &parsed), expect, "{expr}");
        assert_eq!(oracle.wanted.into_inner(), Vec::<String>::new(), "{expr}: all was asked ahead");
    }

    fn killer(name: &str, value: &str, values: &[&str]) -> Killer {
        Killer {
            matcher: Matcher::equal(name, value),
            values: values.iter().map(|v| (*v).to_owned()).collect(),
        }
    }

    #[test]
    fn the_cause_of_an_empty_expression_is_found() {
        check("felix_resync_state > 5", &Diagnosis::Data);
        check("sum(felix_nothing)", &Diagnosis::NoMetric { name: "felix_nothing".into(), seen: None });
        check(
            "felix_logs_dropped{job=\"felix\"}",
            &Diagnosis::NoMetric { name: "felix_logs_dropped".into(), seen: Some(false) },
        );
        check(
            "max by (instance) (typha_cache_size{job=\"typha_metrics\", syncer=\"felix\"})",
            &Diagnosis::Killers {
                selector: "typha_cache_size{job=\"typha_metrics\",syncer=\"felix\"}".into(),
                killers: vec![killer("job", "typha_metrics", &["typha"])],
            },
        );
        check(
            "x{a=\"1\", b=\"1\", c=\"1\"}",
            &Diagnosis::Killers {
                selector: "x{a=\"1\",b=\"1\",c=\"1\"}".into(),
                killers: vec![killer("a", "1", &["2"]), killer("b", "1", &["2"])],
            },
        );
        check(
            "x{a=\"3\", b=\"3\"}",
            &Diagnosis::Conflict { selector: "x{a=\"3\",b=\"3\"}".into(), matchers: vec!["a=\"3\"".into()] },
        );
        check("felix_nothing or felix_host", &Diagnosis::Data);
    }

    #[test]
    fn parts_above_the_selectors_are_found() {
        #[track_caller]
        fn check(expr: &str, empty: &[&str], expect: &Diagnosis) {
            let snap = running(&Options::default(), |o| {
                o.add(dashboard("d", &["felix_resync_state", expr]));
            });
            let snap = answered(snap, SERIES, empty);
            let facts = Facts::of(&snap);
            let parsed = queries::relaxed(&queries::parse(expr).expect(expr));
            assert_eq!(&diagnose(&Oracle::new(&facts), &parsed), expect, "{expr}");
        }
        check(
            "sum(rate(felix_log_errors[30s]))",
            &["sum(rate(felix_log_errors[30s]))", "rate(felix_log_errors[30s])"],
            &Diagnosis::Range { function: "rate", range_ms: 30_000 },
        );
        check(
            "felix_host * typha_cache_size",
            &["felix_host * typha_cache_size"],
            &Diagnosis::Pairing {
                op: "*",
                differ: vec![
                    "instance (a / b)".into(),
                    "job (felix / typha)".into(),
                    "syncer (none / felix)".into(),
                ],
            },
        );
    }

    #[test]
    fn questions_are_bounded() {
        let many: Vec<String> = (0..400).map(|i| format!("felix_nothing_{i}{{job=\"{i}\"}}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let snap = running(&Options::default(), |o| {
            o.add(dashboard("d", &many));
        });
        let snap = answered(snap, SERIES, &[]);
        assert_eq!(snap.collectors[0].answers.len(), BUDGET);
    }
}
