//! One unit test: input series and rules in steps, then expressions.

use super::dump::matrix_text;
use super::store::TestStore;
use super::texts::{Shown, alerts_diff, alerts_text, histogram_text, samples_text};
use super::{Options, evaluation_interval_of, interval_of};
use crate::load::Load;
use crate::storage::Sample;
use crate::values;
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_config::rules::unit::{AlertTest, ExprTest, UnitFile, UnitTest};
use tortie_host::{Clock, SystemClock};
use tortie_model::Labels;
use tortie_model::duration;
use tortie_promql::eval::{Engine, EngineOptions, QueryContext, SampleValue, Value};
use tortie_promql::parse::parse_metric;
use tortie_promql::parse_expr;
use tortie_rules::notify::Nobody;
use tortie_rules::{AlertState, Environment, GoTemplates, Group, GroupSpec, Settings};

/// Most samples of one query in memory, as in promtool.
const MAX_SAMPLES: u64 = 10_000;

/// A test that runs.
struct Running<'a> {
    file: &'a UnitFile,
    test: &'a UnitTest,
    options: &'a Options,
    groups: Vec<Group>,
    env: Environment,
    store: Arc<TestStore>,
    engine: Engine,
    /// Samples of the input that were not appended yet, ascending in time, by series.
    input: Vec<(Labels, std::vec::IntoIter<Sample>, Option<Sample>)>,
}

/// Runs a test; says what is not as it should be.
pub(super) fn run(
    file: &UnitFile,
    test: &UnitTest,
    groups: Vec<GroupSpec>,
    options: &Options,
    debug: &mut Vec<String>,
) -> Vec<String> {
    let input = match input(file, test) {
        Ok(i) => i,
        Err(e) => return vec![e],
    };
    if let Some(a) = test.alerts.iter().find(|a| a.alertname.is_empty()) {
        let at = duration::format(a.eval_time_ms);
        let group =
            if test.name.is_empty() { String::new() } else { format!(" (in TestGroup {})", test.name) };
        return vec![format!(
            "an item under alert_rule_test misses required attribute alertname at eval_time {at}{group}"
        )];
    }
    let store = Arc::new(TestStore::default());
    let engine_options = EngineOptions {
        max_samples: MAX_SAMPLES,
        subquery_step_ms: evaluation_interval_of(file),
        delayed_name_removal: options.delayed_name_removal,
        ..EngineOptions::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let rule_options = tortie_rules::Options {
        external_url: test.external_url.clone(),
        language: options.language,
        ..tortie_rules::Options::default()
    };
    let env = Environment::new(
        Arc::clone(&store) as _,
        Arc::new(GoTemplates::default()),
        Arc::new(Nobody),
        clock,
        engine_options.clone(),
        rule_options,
    );
    env.set(Settings {
        external_labels: labels_of(&test.external_labels),
        query_offset_ms: 0,
        evaluation_interval_ms: evaluation_interval_of(file),
    });
    let groups = groups.into_iter().map(|g| Group::new(g, false)).collect();
    let engine = Engine::new(engine_options);
    Running { file, test, options, groups, env, store, engine, input }.steps(debug)
}

fn labels_of(pairs: &[(String, String)]) -> Labels {
    Labels::from_pairs(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())))
}

type Input = Vec<(Labels, std::vec::IntoIter<Sample>, Option<Sample>)>;

/// The series of a test with their samples in time.
fn input(file: &UnitFile, test: &UnitTest) -> Result<Input, String> {
    let mut load = Load::default();
    let step = interval_of(file, test);
    for (series, described) in &test.input_series {
        let (labels, points) = values::series(&format!("{series} {described}"))?;
        let mut samples = crate::load::samples(&points, None, step);
        samples.iter_mut().for_each(|s| s.t += test.start_ms);
        load.set(labels, samples);
    }
    Ok(load.series.into_iter().map(|(labels, samples)| (labels, samples.into_iter(), None)).collect())
}

impl Running<'_> {
    fn steps(mut self, debug: &mut Vec<String>) -> Vec<String> {
        let interval = evaluation_interval_of(self.file);
        let start = self.test.start_ms;
        let last = self.test.alerts.iter().map(|a| a.eval_time_ms);
        let last = last.chain(self.test.expressions.iter().map(|e| e.eval_time_ms)).max().unwrap_or(0);
        let times: BTreeSet<i64> = self.test.alerts.iter().map(|a| a.eval_time_ms).collect();
        let mut times = times.into_iter().peekable();
        let mut errors = Vec::new();
        let mut passed = 0;
        while passed <= last {
            let ts = start + passed;
            let broken = match self.append_until(ts) {
                Ok(()) => self.evaluate(ts),
                Err(e) => {
                    errors.push(e);
                    Vec::new()
                }
            };
            if !broken.is_empty() {
                errors.extend(broken);
                return errors;
            }
            // Alerts between two steps are those of the first.
            while let Some(at) = times.next_if(|at| passed <= *at && *at < passed + interval) {
                for expected in self.test.alerts.iter().filter(|a| a.eval_time_ms == at) {
                    errors.extend(self.check_alerts(expected));
                }
            }
            passed += interval;
        }
        for expected in &self.test.expressions {
            errors.extend(self.check_expression(expected));
        }
        if self.options.debug {
            debug.extend(self.dump(last));
        }
        errors
    }

    /// All samples at the end of a test that took `last` milliseconds.
    fn dump(&self, last: i64) -> Vec<String> {
        // A range of the language is of whole seconds here.
        let length = last.div_euclid(1000).saturating_add(1).saturating_mul(1000);
        let (range, at) = (go_duration(length), self.test.start_ms.saturating_add(length));
        let text = format!("{{__name__=~\".+\"}}[{range}]");
        let failed = |doing: &str, e: String| {
            vec![format!("DEBUG: Failed {doing}, expr: {}, err: {e}", tortie_promql::go_text::quote(&text))]
        };
        let expr = match parse_expr(&text, &self.options.language) {
            Ok(e) => e,
            Err(e) => return failed("querying", e.to_string()),
        };
        match self.engine.instant(&*self.store, &expr, at, &QueryContext::new(&text)) {
            Err(e) => failed("query exec", e.to_string()),
            Ok(answer) => {
                let Value::Matrix(series) = answer.value else { return Vec::new() };
                let title = format!("DEBUG: Dump of all data (input_series and rules) at {range}:");
                vec![title, matrix_text(&series)]
            }
        }
    }

    fn append_until(&mut self, ts: i64) -> Result<(), String> {
        for (labels, rest, waiting) in &mut self.input {
            while let Some(sample) = waiting.take().or_else(|| rest.next()) {
                if sample.t > ts {
                    *waiting = Some(sample);
                    break;
                }
                self.store.append(labels, &[sample])?;
            }
        }
        Ok(())
    }

    /// Evaluates all groups; says which rules failed.
    fn evaluate(&self, ts: i64) -> Vec<String> {
        let mut broken = Vec::new();
        for group in &self.groups {
            group.evaluate(&self.env, ts.saturating_mul(1_000_000));
            for rule in &group.rules {
                if let Some(e) = rule.standing().last_error {
                    let at = go_duration(ts);
                    broken.push(format!("    rule: {}, time: {at}, err: {e}", rule.spec.name));
                }
            }
        }
        broken
    }

    fn check_alerts(&self, expected: &AlertTest) -> Option<String> {
        let rules = self.groups.iter().flat_map(|g| &g.rules);
        let of_name = rules.filter(|r| r.spec.is_alert() && r.spec.name == expected.alertname);
        let mut got: Vec<Shown> = of_name
            .flat_map(|r| r.active_alerts())
            .filter(|a| a.state == AlertState::Firing)
            .map(|a| Shown::new(a.labels.iter(), a.annotations.iter()))
            .collect();
        let name = ("alertname".to_owned(), expected.alertname.clone());
        let mut wanted: Vec<Shown> = expected
            .expected
            .iter()
            .map(|a| {
                let own = a.labels.iter().filter(|(n, _)| n != "alertname").chain([&name]);
                Shown::new(own.map(|(n, v)| (n.as_str(), v.as_str())), a.annotations.iter())
            })
            .collect();
        got.sort();
        wanted.sort();
        if got == wanted {
            return None;
        }
        let title = if self.test.name.is_empty() {
            String::new()
        } else {
            format!("    name: {},\n", self.test.name)
        };
        let (at, indent) = (duration::format(expected.eval_time_ms), "            ");
        let alert = &expected.alertname;
        if self.options.diff {
            let diff = alerts_diff(&wanted, &got, indent)?;
            return Some(format!("{title}    alertname: {alert}, time: {at}, \n        diff: {diff}"));
        }
        let (wanted, got) = (alerts_text(&wanted, indent), alerts_text(&got, indent));
        Some(format!(
            "{title}    alertname: {alert}, time: {at}, \n        exp:{wanted}, \n        got:{got}"
        ))
    }

    fn check_expression(&self, expected: &ExprTest) -> Option<String> {
        let at = duration::format(expected.eval_time_ms);
        let fails = |e: &str| Some(format!("    expr: {:?}, time: {at}, err: {e}", expected.expr));
        let mut got = match self.answer(&expected.expr, self.test.start_ms + expected.eval_time_ms) {
            Ok(samples) => samples,
            Err(e) => return fails(&e),
        };
        let mut wanted = Vec::new();
        for s in &expected.expected {
            match self.expected(&s.labels, s.value, &s.histogram) {
                Ok(sample) => wanted.push(sample),
                Err(e) => return fails(&format!("labels {:?}: {e}", s.labels)),
            }
        }
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        got.sort_by(|a, b| a.0.cmp(&b.0));
        let same = |a: &(Labels, f64, String), b: &(Labels, f64, String)| {
            a.0 == b.0 && a.2 == b.2 && self.same_float(a.1, b.1)
        };
        if wanted.len() == got.len() && wanted.iter().zip(&got).all(|(a, b)| same(a, b)) {
            return None;
        }
        let (wanted, got) = (samples_text(&wanted), samples_text(&got));
        Some(format!("    expr: {:?}, time: {at},\n        exp: {wanted}\n        got: {got}", expected.expr))
    }

    fn answer(&self, text: &str, at_ms: i64) -> Result<Vec<(Labels, f64, String)>, String> {
        let expr = parse_expr(text, &self.options.language).map_err(|e| e.to_string())?;
        let answer = self
            .engine
            .instant(&*self.store, &expr, at_ms, &QueryContext::new(text))
            .map_err(|e| e.to_string())?;
        match answer.value {
            Value::Vector(samples) => Ok(samples
                .into_iter()
                .map(|s| match s.v {
                    SampleValue::Float(v) => (s.labels, v, String::new()),
                    SampleValue::Histogram(h) => (s.labels, 0.0, histogram_text(&h)),
                })
                .collect()),
            Value::Scalar { v, .. } => Ok(vec![(Labels::empty(), v, String::new())]),
            Value::Str { .. } | Value::Matrix(_) => Err("rule result is not a vector or scalar".to_owned()),
        }
    }

    fn expected(&self, labels: &str, value: f64, histogram: &str) -> Result<(Labels, f64, String), String> {
        let labels = parse_metric(labels, &self.options.language).map_err(|e| e.to_string())?;
        if histogram.is_empty() {
            return Ok((labels, value, String::new()));
        }
        let (_, points) = values::series(&format!("{{}} {histogram}"))?;
        match points.as_slice() {
            [values::Point::Histogram(h, _)] => Ok((labels, value, histogram_text(h))),
            [_] => Err(format!("expected histogram, got {histogram}")),
            many => Err(format!("expected 1 value, got {}", many.len())),
        }
    }

    fn same_float(&self, a: f64, b: f64) -> bool {
        a == b || (self.file.fuzzy_compare && (a.next_down() == b || a.next_up() == b))
    }
}

/// A duration as Go prints it: `1h2m3s`, `0s`.
fn go_duration(ms: i64) -> String {
    let (sign, ms) = if ms < 0 { ("-", -ms) } else { ("", ms) };
    let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, (ms % 60_000) as f64 / 1000.0);
    match (h, m) {
        (0, 0) if ms > 0 && ms < 1000 => format!("{sign}{ms}ms"),
        (0, 0) => format!("{sign}{s}s"),
        (0, m) => format!("{sign}{m}m{s}s"),
        (h, m) => format!("{sign}{h}h{m}m{s}s"),
    }
}
