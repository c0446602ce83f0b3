//! One `eval` command: the expression as it stands, then in other forms that must answer the same.

use crate::command::{Body, When};
use crate::compare;
use crate::expect::Expectation;
use crate::storage::Memory;
use tortie_promql::ast::{At, Expr};
use tortie_promql::eval::{Answer, Engine, EngineOptions, QueryContext, Sample, Value};
use tortie_promql::parse::{Options, parse_expr};
use tortie_promql::print;

const MINUTE: i64 = 60_000;
/// Most samples of one query in memory, as in Prometheus' own runs.
const MAX_SAMPLES: u64 = 10_000;

/// Evaluates.
pub(crate) struct Runner {
    engine: Engine,
}

impl Runner {
    pub(crate) fn new() -> Runner {
        let options = EngineOptions {
            max_samples: MAX_SAMPLES,
            delayed_name_removal: true,
            use_start_timestamps: true,
            ..EngineOptions::default()
        };
        Runner { engine: Engine::new(options) }
    }

    /// Runs a command; `Err` says what is not as expected.
    pub(crate) fn run(&self, storage: &Memory, body: &Body) -> Result<(), String> {
        let expected = &body.expected;
        match body.when {
            When::Range(from, to, step) => {
                let answer = self.range(storage, &body.expr, from, to, step);
                let Some(answer) = settle(expected, answer)? else { return Ok(()) };
                check_notes(expected, &answer)?;
                compare::value(expected, (from, to, step), &answer.value)
            }
            When::Instant(at) => {
                let at = expected.range_vector.map_or(at, |(_, to, _)| to);
                self.instant_and_range(storage, expected, &body.expr, at)?;
                let Some(pinned) = pinned(&body.expr, at)? else { return Ok(()) };
                let times =
                    if at == 0 { vec![-1000, 0, 1000] } else { vec![-10 * at, 0, at / 5, at, 10 * at] };
                for t in times {
                    self.instant_and_range(storage, expected, &pinned, t)
                        .map_err(|e| format!("as {pinned} at {t}: {e}"))?;
                }
                Ok(())
            }
        }
    }

    /// At an instant, and as the middle step of a range around it.
    fn instant_and_range(
        &self,
        storage: &Memory,
        expected: &Expectation,
        expr: &str,
        at: i64,
    ) -> Result<(), String> {
        let Some(answer) = settle(expected, self.instant(storage, expr, at))? else { return Ok(()) };
        check_notes(expected, &answer)?;
        compare::value(expected, expected.range_vector.unwrap_or((at, at, 1)), &answer.value)?;
        if expected.range_vector.is_some() || expected.string.is_some() || depends_on_range(expr) {
            return Ok(());
        }
        let within = |e: String| format!("as a range query: {e}");
        let range = self.range(storage, expr, at - MINUTE, at + MINUTE, MINUTE).map_err(within)?;
        if expected.ordered {
            return Ok(());
        }
        let Value::Matrix(series) = range.value else {
            return Err(within("the answer is no matrix".to_owned()));
        };
        compare::sorted(&series).map_err(within)?;
        let mut samples = Vec::new();
        for found in &series {
            let here = compare::points(&found.columns).into_iter().find(|(t, _)| *t == at);
            samples.extend(here.map(|(t, v)| Sample { labels: found.labels.clone(), t, v }));
        }
        match (&answer.value, samples.first().map(|s| &s.v)) {
            (Value::Scalar { .. }, Some(tortie_promql::eval::SampleValue::Float(v))) => {
                compare::scalar(expected, *v)
            }
            (Value::Scalar { .. }, _) => Err("no scalar at the middle step".to_owned()),
            _ => compare::vector(expected, &samples),
        }
        .map_err(within)
    }

    fn instant(&self, storage: &Memory, text: &str, at: i64) -> Result<Answer, String> {
        let expr = parse_expr(text, &Options::ALL).map_err(|e| e.to_string())?;
        self.engine.instant(storage, &expr, at, &QueryContext::new(text)).map_err(|e| e.to_string())
    }

    fn range(&self, storage: &Memory, text: &str, from: i64, to: i64, step: i64) -> Result<Answer, String> {
        let expr = parse_expr(text, &Options::ALL).map_err(|e| e.to_string())?;
        self.engine.range(storage, &expr, from, to, step, &QueryContext::new(text)).map_err(|e| e.to_string())
    }
}

/// The answer to compare; `None` when the evaluation failed as it should.
fn settle(expected: &Expectation, answer: Result<Answer, String>) -> Result<Option<Answer>, String> {
    match (answer, expected.fail) {
        (Ok(_), true) => Err("expected an error but got none".to_owned()),
        (Ok(answer), false) => Ok(Some(answer)),
        (Err(error), false) => Err(error),
        (Err(error), true) => match &expected.fail_text {
            Some(text) if !text.matches(&error) => {
                Err(format!("expected error {}, got {error:?}", text.describe()))
            }
            _ => Ok(None),
        },
    }
}

fn check_notes(expected: &Expectation, answer: &Answer) -> Result<(), String> {
    compare::notes("warning", &expected.warn, &answer.warnings)?;
    compare::notes("info", &expected.info, &answer.infos)
}

/// Whether the text asks for the query's own times.
fn depends_on_range(expr: &str) -> bool {
    ["start()", "end()", "range()", "step()"].iter().any(|f| expr.contains(f))
}

/// Functions whose answer changes with the evaluation's time though their arguments stay the same.
const CHANGING: [&str; 15] = [
    "days_in_month",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "end",
    "hour",
    "minute",
    "month",
    "year",
    "predict_linear",
    "range",
    "start",
    "step",
    "time",
    "timestamp",
];

/// The expression with all that it selects pinned to `at`; `None` when it would still answer differently at another
/// time.
fn pinned(text: &str, at: i64) -> Result<Option<String>, String> {
    let mut expr = parse_expr(text, &Options::ALL).map_err(|e| e.to_string())?;
    let mut changing = false;
    pin(&mut expr, at, &mut changing);
    Ok((!changing).then(|| print::print(&expr, &Options::ALL)))
}

fn pin(expr: &mut Expr, at: i64, changing: &mut bool) {
    let set = |slot: &mut Option<At>| {
        if !matches!(slot, Some(At::Timestamp(_))) {
            *slot = Some(At::Timestamp(at));
        }
    };
    match expr {
        Expr::Number(_) | Expr::Str(_) => {}
        Expr::Vector(e) => set(&mut e.at),
        Expr::Matrix(e) => set(&mut e.selector.at),
        // What is inside runs at the times of the subquery, which are pinned.
        Expr::Subquery(e) => set(&mut e.at),
        Expr::Call(e) => {
            *changing |= CHANGING.contains(&e.func.name);
            e.args.iter_mut().for_each(|a| pin(a, at, changing));
        }
        Expr::Aggregate(e) => {
            pin(&mut e.expr, at, changing);
            e.param.iter_mut().for_each(|p| pin(p, at, changing));
        }
        Expr::Binary(e) => {
            pin(&mut e.lhs, at, changing);
            pin(&mut e.rhs, at, changing);
        }
        Expr::Unary(e) => pin(&mut e.expr, at, changing),
        Expr::Paren(e) => pin(&mut e.expr, at, changing),
    }
}
