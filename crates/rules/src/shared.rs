//! Selections that several rules of a group read, made once a tick.
//!
//! A selector is shared when the same matchers and offset stand in more than one place of the group and it cannot read
//! what the group writes. Its series are looked up once; when more than one range is read over them, the widest is
//! decoded once and the others are cut from it, as long as memory allows. Everything else goes to storage as if this
//! were not there.

use crate::dependencies::{ALERTS, ALERTS_FOR_STATE};
use crate::spec::RuleSpec;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tortie_model::labels::METRIC_NAME;
use tortie_model::storage::{Newest, Querier, Queryable, SelectHints, SeriesSet, StorageError};
use tortie_model::{Columns, Labels, Matcher};
use tortie_promql::ast::{Expr, VectorSelector};
use tortie_promql::eval::Budget;

/// Most bytes of decoded samples that a tick keeps when queries have no budget.
const MOST_WITHOUT_BUDGET: u64 = 64 << 20;

/// The shared selectors of a group.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    selectors: Vec<Selector>,
}

#[derive(Debug)]
struct Selector {
    matchers: Vec<Matcher>,
    offset_ms: i64,
    /// Whether it is read at an instant somewhere.
    instant: bool,
    /// Widest range read over it, milliseconds.
    widest_ms: i64,
    /// Number of ranges read over it.
    ranges: usize,
    uses: usize,
}

impl Shared {
    pub(crate) fn new(rules: &[RuleSpec]) -> Shared {
        let mut selectors = Vec::new();
        for rule in rules {
            collect(&rule.expr, &mut selectors);
        }
        selectors.retain(|s| s.uses > 1 && !s.may_read(rules));
        Shared { selectors }
    }

    /// Opens storage for the shared selections of a tick whose queries look at `at_ms`; nothing when there are none or
    /// storage cannot be opened, which the rules then say themselves.
    pub(crate) fn open<'s>(
        &'s self,
        store: &'s dyn Queryable,
        at_ms: i64,
        lookback_ms: i64,
    ) -> Option<Opened<'s>> {
        let spans: Vec<(i64, i64)> = self.selectors.iter().map(|s| s.span(at_ms, lookback_ms)).collect();
        let mint = spans.iter().map(|s| s.0).min()?;
        let maxt = spans.iter().map(|s| s.1).max()?;
        let querier = store.querier(mint, maxt).ok()?;
        Some(Opened { shared: self, querier, spans })
    }
}

impl Selector {
    /// Whether it may read what one of the rules writes; a selector without a name may.
    fn may_read(&self, rules: &[RuleSpec]) -> bool {
        let Some(name) = self.matchers.iter().find(|m| m.name == METRIC_NAME) else { return true };
        let written = rules.iter().map(|r| if r.is_alert() { ALERTS } else { &r.name });
        name.matches(ALERTS_FOR_STATE) || written.into_iter().any(|w| name.matches(w))
    }

    /// First and last millisecond that is read.
    fn span(&self, at_ms: i64, lookback_ms: i64) -> (i64, i64) {
        let back = self.widest_ms.max(if self.instant { lookback_ms } else { 0 });
        let last = at_ms - self.offset_ms;
        (last - back + 1, last)
    }
}

/// Counts the selectors that stand outside subqueries and look at the time of the query.
fn collect(expr: &Expr, found: &mut Vec<Selector>) {
    match expr {
        Expr::Vector(s) => note(s, 0, found),
        Expr::Matrix(m) if m.range_expr.is_none() => note(&m.selector, m.range_ms(), found),
        Expr::Matrix(_) | Expr::Subquery(_) => {}
        other => other.children().into_iter().for_each(|c| collect(c, found)),
    }
}

fn note(s: &VectorSelector, range_ms: i64, found: &mut Vec<Selector>) {
    if s.at.is_some() || s.offset_expr.is_some() || s.anchored || s.smoothed || s.may_match_all {
        return;
    }
    let offset_ms = s.offset_ms();
    let at = found.iter().position(|f| f.offset_ms == offset_ms && f.matchers == s.matchers);
    let (instant, ranges) = (range_ms == 0, usize::from(range_ms > 0));
    match at.and_then(|i| found.get_mut(i)) {
        Some(f) => {
            f.instant |= instant;
            f.widest_ms = f.widest_ms.max(range_ms);
            f.ranges += ranges;
            f.uses += 1;
        }
        None => found.push(Selector {
            matchers: s.matchers.clone(),
            offset_ms,
            instant,
            widest_ms: range_ms,
            ranges,
            uses: 1,
        }),
    }
}

/// Storage opened for the shared selections of one tick.
pub(crate) struct Opened<'s> {
    shared: &'s Shared,
    querier: Box<dyn Querier + 's>,
    spans: Vec<(i64, i64)>,
}

impl Opened<'_> {
    /// Places for what is selected, one a shared selector.
    pub(crate) fn places(&self) -> Vec<Kept<'_>> {
        let all = self.shared.selectors.iter().zip(&self.spans);
        all.map(|(selector, &(mint, maxt))| Kept {
            selector,
            querier: &*self.querier,
            mint,
            maxt,
            loaded: OnceLock::new(),
        })
        .collect()
    }
}

/// One shared selection of a tick.
pub(crate) struct Kept<'q> {
    selector: &'q Selector,
    querier: &'q dyn Querier,
    mint: i64,
    maxt: i64,
    loaded: OnceLock<Option<Loaded<'q>>>,
}

struct Loaded<'q> {
    set: Box<dyn SeriesSet + 'q>,
    /// Decoded series; empty when only one range is read.
    columns: Vec<OnceLock<Option<Columns>>>,
}

impl<'q> Kept<'q> {
    fn fits(&self, hints: &SelectHints, matchers: &[Matcher]) -> bool {
        hints.limit == 0
            && hints.mint >= self.mint
            && hints.maxt <= self.maxt
            && self.selector.matchers == matchers
    }

    fn loaded(&self) -> Option<&Loaded<'q>> {
        self.loaded
            .get_or_init(|| {
                let hints = SelectHints { mint: self.mint, maxt: self.maxt, ..SelectHints::default() };
                let set = self.querier.select(&hints, &self.selector.matchers).ok()?;
                let n = if self.selector.ranges > 1 { set.len() } else { 0 };
                let columns = std::iter::repeat_with(OnceLock::new).take(n).collect();
                Some(Loaded { set, columns })
            })
            .as_ref()
    }
}

/// Storage as the queries of one tick see it.
pub(crate) struct View<'x, 'q> {
    store: &'x dyn Queryable,
    kept: &'x [Kept<'q>],
    memory: Memory,
}

/// Bytes of decoded samples; they go back at the end of the tick.
struct Memory {
    budget: Option<Arc<Budget>>,
    used: AtomicU64,
}

impl Memory {
    fn reserve(&self, bytes: u64) -> bool {
        let fine = match &self.budget {
            Some(b) => b.try_reserve(bytes),
            None => self.used.load(Ordering::Relaxed).saturating_add(bytes) <= MOST_WITHOUT_BUDGET,
        };
        if fine {
            self.used.fetch_add(bytes, Ordering::Relaxed);
        }
        fine
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(b) = &self.budget {
            b.release(self.used.load(Ordering::Relaxed));
        }
    }
}

impl<'x, 'q> View<'x, 'q> {
    pub(crate) fn new(
        store: &'x dyn Queryable,
        kept: &'x [Kept<'q>],
        budget: Option<Arc<Budget>>,
    ) -> View<'x, 'q> {
        View { store, kept, memory: Memory { budget, used: AtomicU64::new(0) } }
    }
}

impl Queryable for View<'_, '_> {
    fn querier<'b>(&'b self, mint: i64, maxt: i64) -> Result<Box<dyn Querier + 'b>, StorageError> {
        Ok(Box::new(OneQuery { view: self, mint, maxt, direct: OnceLock::new() }))
    }
}

/// One query: storage itself is opened when something is read that is not shared.
struct OneQuery<'b, 'x, 'q> {
    view: &'b View<'x, 'q>,
    mint: i64,
    maxt: i64,
    direct: OnceLock<Result<Box<dyn Querier + 'b>, StorageError>>,
}

impl OneQuery<'_, '_, '_> {
    fn direct(&self) -> Result<&dyn Querier, StorageError> {
        match self.direct.get_or_init(|| self.view.store.querier(self.mint, self.maxt)) {
            Ok(q) => Ok(&**q),
            Err(e) => Err(e.clone()),
        }
    }
}

impl Querier for OneQuery<'_, '_, '_> {
    fn select<'c>(
        &'c self,
        hints: &SelectHints,
        matchers: &[Matcher],
    ) -> Result<Box<dyn SeriesSet + 'c>, StorageError> {
        for kept in self.view.kept.iter().filter(|k| k.fits(hints, matchers)) {
            if let Some(loaded) = kept.loaded() {
                let (mint, maxt) = (kept.mint, kept.maxt);
                return Ok(Box::new(Found { loaded, mint, maxt, memory: &self.view.memory }));
            }
        }
        self.direct()?.select(hints, matchers)
    }

    fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        limit: usize,
    ) -> Result<Vec<String>, StorageError> {
        self.direct()?.label_values(name, matchers, limit)
    }

    fn label_names(&self, matchers: &[Matcher], limit: usize) -> Result<Vec<String>, StorageError> {
        self.direct()?.label_names(matchers, limit)
    }
}

/// A shared selection as one query sees it.
struct Found<'c, 'q> {
    loaded: &'c Loaded<'q>,
    mint: i64,
    maxt: i64,
    memory: &'c Memory,
}

impl Found<'_, '_> {
    /// Series `i` over the widest range, decoded once; `None` when it is not kept.
    fn columns(&self, i: usize) -> Option<&Columns> {
        self.loaded
            .columns
            .get(i)?
            .get_or_init(|| {
                let mut c = Columns::default();
                self.loaded.set.read(i, self.mint, self.maxt, &mut c).ok()?;
                let plain = c.histograms.is_empty();
                (plain && self.memory.reserve(16 * c.t.len() as u64)).then_some(c)
            })
            .as_ref()
    }
}

impl SeriesSet for Found<'_, '_> {
    fn len(&self) -> usize {
        self.loaded.set.len()
    }

    fn labels(&self, i: usize) -> Labels {
        self.loaded.set.labels(i)
    }

    fn read(&self, i: usize, mint: i64, maxt: i64, out: &mut Columns) -> Result<(), StorageError> {
        let Some(c) = self.columns(i) else { return self.loaded.set.read(i, mint, maxt, out) };
        out.clear();
        let (from, to) = (c.t.partition_point(|t| *t < mint), c.t.partition_point(|t| *t <= maxt));
        let range = from..to.max(from);
        out.t.extend_from_slice(c.t.get(range.clone()).unwrap_or(&[]));
        out.v.extend_from_slice(c.v.get(range.clone()).unwrap_or(&[]));
        out.st.extend_from_slice(c.st.get(range).unwrap_or(&[]));
        Ok(())
    }

    fn newest(
        &self,
        i: usize,
        after: i64,
        at: i64,
        scratch: &mut Columns,
    ) -> Result<Option<Newest>, StorageError> {
        self.loaded.set.newest(i, after, at, scratch)
    }
}
