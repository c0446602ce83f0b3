//! Arithmetic and comparison between two vectors: each series of the many side with those of its signature.

use super::super::error::EvalError;
use super::super::plan::Binary;
use super::super::run::Evaluator;
use super::super::step_columns::{Cell, Grid, Steps, for_each_bit};
use super::matching::{Signatures, any, group};
use super::{Kept, apply, changes_schema, float_op, without_reserved};
use crate::ast::{BinaryOp, Cardinality, VectorMatching};
use crate::span::Span;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use tortie_model::Labels;

/// Both sides, the many side first.
struct Sides<'a> {
    many: &'a Steps,
    one: &'a Steps,
    /// The many side is the right one.
    swapped: bool,
    fill_many: Option<f64>,
    fill_one: Option<f64>,
}

/// Where a result goes and which labels it has.
struct Target {
    row: usize,
}

/// What is known of the results while they come.
struct Results<'a> {
    b: &'a Binary,
    matching: &'a VectorMatching,
    drop_now: bool,
    out: Steps,
    /// Output rows by labels: results of equal labels share one.
    rows: HashMap<Labels, usize, RandomState>,
    /// Per signature: steps at which it matched (one-to-one).
    matched: Vec<Vec<u64>>,
    /// Per signature and labels: steps at which they matched (many-to-one).
    inserted: HashMap<(u32, Labels), Vec<u64>, RandomState>,
}

impl Evaluator<'_> {
    /// Evaluates an arithmetic or comparison operator between vectors.
    pub(crate) fn vectors(
        &mut self,
        b: &Binary,
        matching: &VectorMatching,
        span: Span,
        l: &Steps,
        r: &Steps,
        grid: Grid,
    ) -> Result<Steps, EvalError> {
        let sigs = Signatures::new(matching, l, r);
        let swapped = matching.card == Cardinality::OneToMany;
        let sides = if swapped {
            Sides { many: r, one: l, swapped, fill_many: matching.fill_right, fill_one: matching.fill_left }
        } else {
            Sides { many: l, one: r, swapped, fill_many: matching.fill_left, fill_one: matching.fill_right }
        };
        let (many_sigs, one_sigs) =
            if swapped { (&sigs.right, &sigs.left) } else { (&sigs.left, &sigs.right) };
        // Steps at which there is something to do: both sides have samples, or what is missing is filled in.
        let (any_many, any_one) = (any(sides.many), any(sides.one));
        let fills = sides.fill_many.is_some() || sides.fill_one.is_some();
        let active: Vec<u64> =
            any_many.iter().zip(&any_one).map(|(m, o)| if fills { m | o } else { m & o }).collect();
        let one_rows = Signatures::rows(one_sigs, sigs.count);
        check_one_side(&sides, matching, &one_rows, &active)?;

        self.reserve_rows(grid.n, sides.many.len())?;
        let one_to_one = matching.card == Cardinality::OneToOne;
        let mut res = Results {
            b,
            matching,
            drop_now: b.return_bool && !self.options.delayed_name_removal,
            out: Steps::with_capacity(grid.n, sides.many.len()),
            rows: HashMap::default(),
            matched: if one_to_one || sides.fill_many.is_some() {
                vec![vec![0; l.words()]; sigs.count]
            } else {
                Vec::new()
            },
            inserted: HashMap::default(),
        };
        for (i, &sig) in many_sigs.iter().enumerate() {
            if i % super::super::select::BATCH == 0 {
                self.ctx.check()?;
            }
            let mut present = vec![0u64; l.words()];
            sides.many.row(i).presence_into(&mut present);
            present.iter_mut().zip(&active).for_each(|(p, a)| *p &= a);
            let mut unmatched = present.clone();
            for &j in one_rows.get(sig as usize).map_or(&[][..], Vec::as_slice) {
                let mut both = vec![0u64; l.words()];
                sides.one.row(j).presence_into(&mut both);
                for (w, word) in both.iter_mut().enumerate() {
                    *word &= present[w];
                    unmatched[w] &= !*word;
                }
                let pair = Pair { many: Some(i), one: Some(j), sig };
                self.pair(&sides, &mut res, &pair, &both, span)?;
            }
            if sides.fill_one.is_some() {
                let pair = Pair { many: Some(i), one: None, sig };
                self.pair(&sides, &mut res, &pair, &unmatched, span)?;
            }
        }
        if sides.fill_many.is_some() {
            for (j, &sig) in one_sigs.iter().enumerate() {
                let mut left = vec![0u64; l.words()];
                sides.one.row(j).presence_into(&mut left);
                if let Some(m) = res.matched.get(sig as usize) {
                    left.iter_mut().zip(m).for_each(|(l, m)| *l &= !*m);
                }
                let pair = Pair { many: None, one: Some(j), sig };
                self.pair(&sides, &mut res, &pair, &left, span)?;
            }
        }
        let mut out = res.out;
        out.retain(|_, r| !r.is_empty());
        Ok(out)
    }

    /// One series of each side (or a filled-in one) at the steps of `bits`.
    fn pair(
        &mut self,
        sides: &Sides<'_>,
        res: &mut Results<'_>,
        pair: &Pair,
        bits: &[u64],
        span: Span,
    ) -> Result<(), EvalError> {
        if bits.iter().all(|w| *w == 0) {
            return Ok(());
        }
        let many_labels = match (pair.many, pair.one) {
            (Some(i), _) => sides.many.labels[i].clone(),
            (None, Some(j)) => group(&sides.one.labels[j], res.matching),
            (None, None) => return Ok(()),
        };
        let one_labels = match (pair.one, pair.many) {
            (Some(j), _) => sides.one.labels[j].clone(),
            (None, Some(i)) => group(&sides.many.labels[i], res.matching),
            (None, None) => return Ok(()),
        };
        let labels = result_labels(&many_labels, &one_labels, res);
        let target = Target { row: res.row(&labels) };
        let return_bool = res.b.return_bool;
        let op = res.b.op;
        let floats_only = [pair.many.map(|i| sides.many.row(i)), pair.one.map(|j| sides.one.row(j))]
            .into_iter()
            .flatten()
            .all(|r| r.histograms.is_none());
        if floats_only && !matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper) {
            res.claim(pair.sig, &labels, bits)?;
            let (mut keeps, mut values) = (bits.to_vec(), Vec::with_capacity(64));
            let many = pair.many.map(|i| sides.many.row(i).floats);
            let one = pair.one.map(|j| sides.one.row(j).floats);
            for_each_bit(bits, |s| {
                let m = many.map_or_else(|| sides.fill_many.unwrap_or(0.0), |f| f[s]);
                let o = one.map_or_else(|| sides.fill_one.unwrap_or(0.0), |f| f[s]);
                let (l, r) = if sides.swapped { (o, m) } else { (m, o) };
                let (v, keep) = float_op(op, l, r);
                if return_bool {
                    values.push(f64::from(u8::from(keep)));
                } else if keep {
                    values.push(v);
                } else {
                    keeps[s >> 6] &= !(1 << (s & 63));
                }
            });
            return res.put(&target, &keeps, &values);
        }
        let mut steps = Vec::new();
        for_each_bit(bits, |s| steps.push(s));
        for s in steps {
            let fill = |f: Option<f64>| Cell::F(f.unwrap_or(0.0));
            let m = pair.many.map_or(Some(fill(sides.fill_many)), |i| sides.many.row(i).cell(s));
            let o = pair.one.map_or(Some(fill(sides.fill_one)), |j| sides.one.row(j).cell(s));
            let (Some(m), Some(o)) = (m, o) else { continue };
            let (l, r) = if sides.swapped { (o, m) } else { (m, o) };
            let (value, keep) = apply(op, l, r, span, &mut self.notes)?;
            let Some(keep) = keep else { continue };
            let mut bit = vec![0u64; bits.len()];
            bit[s >> 6] |= 1 << (s & 63);
            res.claim(pair.sig, &labels, &bit)?;
            let value = if return_bool { Kept::F(f64::from(u8::from(keep))) } else { value };
            if !keep && !return_bool {
                continue;
            }
            if res.out.row(target.row).cell(s).is_some() {
                return Err(super::super::run::same_labelset());
            }
            value.put(&mut res.out, target.row, s);
        }
        Ok(())
    }
}

/// Two rows that meet; a missing one is filled in.
struct Pair {
    many: Option<usize>,
    one: Option<usize>,
    sig: u32,
}

impl Results<'_> {
    fn row(&mut self, labels: &Labels) -> usize {
        if let Some(&row) = self.rows.get(labels) {
            return row;
        }
        let row = self.out.push(labels.clone(), self.b.return_bool);
        self.rows.insert(labels.clone(), row);
        row
    }

    /// Takes a signature (and labels) at the steps of `bits`; each may be taken once a step.
    fn claim(&mut self, sig: u32, labels: &Labels, bits: &[u64]) -> Result<(), EvalError> {
        let one_to_one = self.matching.card == Cardinality::OneToOne;
        if let Some(m) = self.matched.get_mut(sig as usize) {
            if one_to_one && m.iter().zip(bits).any(|(m, b)| m & b != 0) {
                let text = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
                return Err(EvalError::exec(text));
            }
            m.iter_mut().zip(bits).for_each(|(m, b)| *m |= b);
        }
        if one_to_one {
            return Ok(());
        }
        let taken = self.inserted.entry((sig, labels.clone())).or_insert_with(|| vec![0; bits.len()]);
        if taken.iter().zip(bits).any(|(t, b)| t & b != 0) {
            return Err(EvalError::exec(
                "multiple matches for labels: grouping labels must ensure unique matches",
            ));
        }
        taken.iter_mut().zip(bits).for_each(|(t, b)| *t |= b);
        Ok(())
    }

    /// Writes `values` at the steps of `bits`.
    fn put(&mut self, target: &Target, bits: &[u64], values: &[f64]) -> Result<(), EvalError> {
        let (present, floats) = self.out.floats_mut(target.row);
        if present.iter().zip(bits).any(|(p, b)| p & b != 0) {
            return Err(super::super::run::same_labelset());
        }
        present.iter_mut().zip(bits).for_each(|(p, b)| *p |= b);
        let mut values = values.iter();
        for_each_bit(bits, |s| {
            if let Some(v) = values.next() {
                floats[s] = *v;
            }
        });
        Ok(())
    }
}

fn result_labels(many: &Labels, one: &Labels, res: &Results<'_>) -> Labels {
    let m = res.matching;
    let base = if res.drop_now || changes_schema(res.b.op) { without_reserved(many) } else { many.clone() };
    if m.card == Cardinality::OneToOne {
        let names: Vec<&str> = m.labels.iter().map(String::as_str).collect();
        return if m.on { base.only(&names) } else { base.without(&names) };
    }
    if m.include.is_empty() {
        return base;
    }
    let mut b = base.builder();
    for name in &m.include {
        b.set(name, one.value(name));
    }
    b.labels()
}

/// Fails when two series of the one side have the same signature at a step at which there is something to match.
fn check_one_side(
    sides: &Sides<'_>,
    m: &VectorMatching,
    one_rows: &[Vec<usize>],
    active: &[u64],
) -> Result<(), EvalError> {
    let words = active.len();
    let mut clash: Option<(usize, usize, usize)> = None;
    for rows in one_rows.iter().filter(|r| r.len() > 1) {
        let mut seen = vec![0u64; words];
        for &j in rows {
            let mut p = vec![0u64; words];
            sides.one.row(j).presence_into(&mut p);
            p.iter_mut().zip(active).for_each(|(p, a)| *p &= a);
            let first = p.iter().zip(&seen).enumerate().find_map(|(w, (p, s))| {
                let both = p & s;
                (both != 0).then(|| w * 64 + both.trailing_zeros() as usize)
            });
            if let Some(step) = first
                && clash.is_none_or(|(s, r, _)| (step, j) < (s, r))
            {
                let other = rows
                    .iter()
                    .copied()
                    .find(|k| *k < j && sides.one.row(*k).cell(step).is_some())
                    .unwrap_or(j);
                clash = Some((step, j, other));
            }
            seen.iter_mut().zip(&p).for_each(|(s, p)| *s |= p);
        }
    }
    let Some((_, a, b)) = clash else { return Ok(()) };
    let side = if m.card == Cardinality::OneToMany { "left" } else { "right" };
    let group = text(&group(&sides.one.labels[a], m));
    let (mut first, mut second) = (text(&sides.one.labels[a]), text(&sides.one.labels[b]));
    if first > second {
        std::mem::swap(&mut first, &mut second);
    }
    Err(EvalError::exec(format!(
        "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{first}, {second}]\
         ;many-to-many matching not allowed: matching labels must be unique on one side"
    )))
}

/// Labels as Go prints them: `{a="b", c="d"}`.
pub(crate) fn text(labels: &Labels) -> String {
    let pair = |(n, v): (&str, &str)| {
        let legacy = n
            .bytes()
            .enumerate()
            .all(|(i, b)| b == b'_' || b.is_ascii_alphabetic() || (i > 0 && b.is_ascii_digit()));
        let name = if legacy { n.to_owned() } else { super::super::annotations::quote(n) };
        format!("{name}={}", super::super::annotations::quote(v))
    };
    format!("{{{}}}", labels.iter().map(pair).collect::<Vec<_>>().join(", "))
}
