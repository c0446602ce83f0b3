//! `info`: labels of info metrics (`target_info` and the like) added to series of the same `instance` and `job`.

use super::super::error::EvalError;
use super::super::plan::{Call, Kind, Node, RESERVED, Selector};
use super::super::run::{Evaluator, same_labelset};
use super::super::samples::Samples;
use super::super::select::{Found, walk};
use super::super::step_columns::{Grid, Steps};
use super::arg;
use crate::ast::ValueType;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tortie_model::labels::METRIC_NAME;
use tortie_model::{Columns, Labels, LabelsBuilder, MatchOp, Matcher};

const TARGET_INFO: &str = "target_info";
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// A time to look at: fixed or not, less an offset.
pub(crate) type Reference = (Option<i64>, i64);

/// The one time, relative to the step, at which all selectors of `node` look; `None` when there is no such.
pub(crate) fn reference(node: &Node) -> Option<Reference> {
    let mut w = Walk { first: None, uniform: true, free: false };
    w.visit(node, &mut Vec::new());
    w.first.filter(|_| w.uniform && !w.free)
}

struct Walk {
    first: Option<Reference>,
    uniform: bool,
    /// Some vector comes from no selector.
    free: bool,
}

impl Walk {
    fn visit(&mut self, node: &Node, outer: &mut Vec<Reference>) -> bool {
        if !matches!(node.ty, ValueType::Vector | ValueType::Matrix) {
            return false;
        }
        let found = match &node.kind {
            Kind::Vector(s) | Kind::Matrix(s, _) => {
                self.selector(s, outer);
                return true;
            }
            Kind::Invariant(n) => return self.visit(n, outer),
            Kind::Neg(n) => self.visit(n, outer),
            Kind::Subquery(q) => {
                outer.push((q.at, q.offset));
                let found = self.visit(&q.expr, outer);
                outer.pop();
                found
            }
            Kind::Call(c) if c.func.name == "info" => {
                return c.args.first().is_some_and(|a| self.visit(a, outer));
            }
            Kind::Call(c) => {
                let mut found = false;
                for a in &c.args {
                    found |= self.visit(a, outer);
                }
                found
            }
            Kind::Aggregate(a) => {
                let inner = self.visit(&a.expr, outer);
                a.param.as_ref().is_some_and(|p| self.visit(p, outer)) || inner
            }
            Kind::Binary(b) => {
                let left = self.visit(&b.lhs, outer);
                self.visit(&b.rhs, outer) || left
            }
            Kind::Number(_) | Kind::Str(_) => false,
        };
        if !found {
            self.free = true;
        }
        found
    }

    fn selector(&mut self, s: &Selector, outer: &[Reference]) {
        let (mut at, mut offset) = (s.at, s.offset);
        for (sub_at, sub_offset) in outer.iter().rev() {
            if at.is_some() {
                break;
            }
            offset += sub_offset;
            at = *sub_at;
        }
        match self.first {
            None => self.first = Some((at, offset)),
            Some((first_at, first_offset)) => {
                self.uniform &= match (first_at, at) {
                    (None, None) => first_offset == offset,
                    (Some(a), Some(b)) => a - first_offset == b - offset,
                    _ => false,
                };
            }
        }
    }
}

/// The matchers that a series' name must satisfy to be an info metric.
fn name_matchers(given: &[Matcher]) -> Result<Vec<Matcher>, EvalError> {
    if given.iter().any(|m| matches!(m.op, MatchOp::Equal | MatchOp::Regex)) {
        return Ok(given.to_vec());
    }
    if given.is_empty() {
        return Ok(vec![Matcher::equal(METRIC_NAME, TARGET_INFO)]);
    }
    let mut all = vec![matcher(MatchOp::Regex, METRIC_NAME, ".+_info")?];
    all.extend_from_slice(given);
    Ok(all)
}

fn matcher(op: MatchOp, name: &str, value: &str) -> Result<Matcher, EvalError> {
    Matcher::new(op, name, value).map_err(|e| EvalError::exec(e.to_string()))
}

fn quote_regex(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Matchers for the `instance` and `job` of the base series, one set for each way of having them.
fn identifying(base: &Steps, ignored: &[bool]) -> Result<Vec<[Matcher; 2]>, EvalError> {
    // Key: (has instance, has job), in the order in which sets are read.
    let mut groups: BTreeMap<(bool, bool), [BTreeSet<&str>; 2]> = BTreeMap::new();
    for (labels, ignored) in base.labels.iter().zip(ignored) {
        let [instance, job] = IDENTIFYING.map(|n| labels.value(n));
        if *ignored || (instance.is_empty() && job.is_empty()) {
            continue;
        }
        let group = groups.entry((!instance.is_empty(), !job.is_empty())).or_default();
        for (set, value) in group.iter_mut().zip([instance, job]) {
            if !value.is_empty() {
                set.insert(value);
            }
        }
    }
    let one = |name: &str, values: &BTreeSet<&str>| {
        if values.is_empty() {
            return Ok(Matcher::equal(name, ""));
        }
        let pattern = values.iter().map(|v| quote_regex(v)).collect::<Vec<_>>().join("|");
        matcher(MatchOp::Regex, name, &pattern)
    };
    groups.values().map(|[i, j]| Ok([one(IDENTIFYING[0], i)?, one(IDENTIFYING[1], j)?])).collect()
}

/// Name, instance and job.
type Key = (String, String, String);

fn key(name: &str, labels: &Labels) -> Key {
    (name.to_owned(), labels.value(IDENTIFYING[0]).to_owned(), labels.value(IDENTIFYING[1]).to_owned())
}

/// An info series with the times of its samples at each step.
struct InfoSeries {
    labels: Labels,
    times: Vec<Option<i64>>,
}

impl Evaluator<'_> {
    pub(crate) fn info(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let first = arg(c, 0)?;
        let (at, offset) = reference(first).unwrap_or((None, 0));
        let base = self.eval_vector(first, grid)?;
        let given: &[Matcher] = match c.args.get(1).map(|a| &a.kind) {
            Some(Kind::Vector(s)) => &s.matchers,
            _ => &[],
        };
        let (names, data): (Vec<Matcher>, Vec<Matcher>) =
            given.iter().cloned().partition(|m| m.name == METRIC_NAME);
        let names = name_matchers(&names)?;
        let ignored: Vec<bool> =
            base.labels.iter().map(|l| names.iter().all(|m| m.matches(l.metric_name()))).collect();
        let mut series = Vec::new();
        for set in identifying(&base, &ignored)? {
            let matchers = set.into_iter().chain(data.iter().cloned()).chain(names.iter().cloned()).collect();
            let selector =
                Selector { matchers, offset, at, anchored: false, smoothed: false, counts_only: false };
            self.info_series(&selector, grid, &mut series)?;
        }
        self.combine(&base, &ignored, &series, &data, grid)
    }

    fn info_series(&mut self, s: &Selector, grid: Grid, out: &mut Vec<InfoSeries>) -> Result<(), EvalError> {
        let (mint, maxt) = (s.reference(grid.start) - self.lookback + 1, s.reference(grid.end()));
        let set = self.open(s, mint, maxt, grid.interval)?;
        let mut scratch = Columns::default();
        let mut samples = Samples::default();
        for i in 0..set.len() {
            set.read(i, mint, maxt, &mut scratch)?;
            samples.take(&mut scratch);
            let mut times = vec![None; grid.n];
            let mut histogram = false;
            walk(
                &samples,
                grid,
                self.lookback,
                |t| s.reference(t),
                |step, found| match found {
                    Found::Float(i) => times[step] = Some(samples.t[i]),
                    Found::Histogram(_) => histogram = true,
                },
            );
            let labels = set.labels(i);
            if histogram {
                let text = super::super::binary::text(&labels);
                return Err(EvalError::exec(format!(
                    "this should be an info metric, with float samples: {text}"
                )));
            }
            self.count(times.iter().flatten().count() as u64)?;
            if times.iter().any(Option::is_some) {
                out.push(InfoSeries { labels, times });
            }
        }
        Ok(())
    }

    fn combine(
        &mut self,
        base: &Steps,
        ignored: &[bool],
        series: &[InfoSeries],
        data: &[Matcher],
        grid: Grid,
    ) -> Result<Steps, EvalError> {
        let names: BTreeSet<&str> = series.iter().map(|s| s.labels.metric_name()).collect();
        let keys: Vec<Key> = series.iter().map(|s| key(s.labels.metric_name(), &s.labels)).collect();
        let without_info = data.iter().all(Matcher::matches_empty);
        let mut out = Steps::new(grid.n);
        let mut rows: HashMap<Labels, usize, RandomState> = HashMap::default();
        let mut newest: HashMap<&Key, usize, RandomState> = HashMap::default();
        for step in 0..grid.n {
            if (0..base.len()).all(|i| base.row(i).cell(step).is_none()) {
                continue;
            }
            newest.clear();
            for (i, s) in series.iter().enumerate() {
                let (Some(t), Some(k)) = (s.times[step], keys.get(i)) else { continue };
                let Some(&other) = newest.get(k) else {
                    newest.insert(k, i);
                    continue;
                };
                let existing = series[other].times[step].unwrap_or(i64::MIN);
                if existing == t {
                    let (a, b) = (
                        super::super::binary::text(&series[other].labels),
                        super::super::binary::text(&s.labels),
                    );
                    return Err(EvalError::exec(format!(
                        "found duplicate series for info metric: existing {a} @ {existing}, new {b} @ {t}"
                    )));
                }
                if existing < t {
                    newest.insert(k, i);
                }
            }
            for i in 0..base.len() {
                let Some(cell) = base.row(i).cell(step) else { continue };
                let labels = if ignored.get(i).copied().unwrap_or(false) {
                    base.labels[i].clone()
                } else {
                    let found = names
                        .iter()
                        .filter_map(|n| newest.get(&key(n, &base.labels[i])).map(|i| &series[*i].labels));
                    match enrich(&base.labels[i], found, data)? {
                        Some(labels) => labels,
                        None if without_info => base.labels[i].clone(),
                        None => continue,
                    }
                };
                let row = *rows.entry(labels).or_insert_with_key(|l| out.push(l.clone(), base.drop_name[i]));
                if out.row(row).cell(step).is_some() {
                    return Err(same_labelset());
                }
                out.set(row, step, cell);
            }
        }
        Ok(out)
    }
}

/// The labels of a base series with those of its info series; `None` when it has none.
fn enrich<'a>(
    base: &Labels,
    infos: impl Iterator<Item = &'a Labels>,
    data: &[Matcher],
) -> Result<Option<Labels>, EvalError> {
    let mut added = LabelsBuilder::new();
    let mut any = false;
    for info in infos {
        any = true;
        for (name, value) in info {
            if RESERVED.contains(&name) || (!data.is_empty() && !data.iter().any(|m| m.name == name)) {
                continue;
            }
            let before = added.get(name);
            if !before.is_empty() && before != value {
                return Err(EvalError::exec(format!("conflicting label: {name}")));
            }
            if base.get(name).is_none() {
                added.set(name, value);
            }
        }
    }
    if !any {
        return Ok(None);
    }
    let mut b = base.builder();
    for (name, value) in added.iter() {
        b.set(name, value);
    }
    Ok(Some(b.labels()))
}
