//! What one query brings along: its text, its deadline, its cancel flag and its share of memory.

use super::error::EvalError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tortie_host::clock::Clock;

/// Bytes that all queries of an engine may hold together.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: u64) -> Budget {
        Budget { limit, used: AtomicU64::new(0) }
    }

    /// Bytes reserved at this moment.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes that may be reserved altogether.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Reserves `bytes`, or nothing at all and says `false`.
    pub fn try_reserve(&self, bytes: u64) -> bool {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                let next = used.checked_add(bytes)?;
                (next <= self.limit).then_some(next)
            })
            .is_ok()
    }

    /// Gives `bytes` back.
    pub fn release(&self, bytes: u64) {
        let _ = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(used.saturating_sub(bytes)));
    }
}

/// What one query brings along.
pub struct QueryContext<'a> {
    /// The query's text; positions of annotations are counted in it. Empty: annotations carry no position.
    pub query: &'a str,
    /// Raised by the caller to stop; looked at per batch of series.
    pub cancel: Arc<AtomicBool>,
    /// The clock and the reading of [`Clock::monotonic_ns`] at which the query times out.
    pub deadline: Option<(&'a dyn Clock, u64)>,
    /// Memory shared with other queries; `None` is without bound.
    pub budget: Option<Arc<Budget>>,
    /// Lookback of this query in milliseconds instead of the engine's (`lookback_delta` of the API).
    pub lookback_ms: Option<i64>,
}

impl<'a> QueryContext<'a> {
    /// A context without deadline, cancel flag of its own, or budget.
    pub fn new(query: &'a str) -> QueryContext<'a> {
        QueryContext {
            query,
            cancel: Arc::new(AtomicBool::new(false)),
            deadline: None,
            budget: None,
            lookback_ms: None,
        }
    }

    /// Fails when the query was cancelled or its time is up.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(EvalError::Canceled("expression evaluation"));
        }
        match self.deadline {
            Some((clock, at)) if clock.monotonic_ns() >= at => {
                Err(EvalError::Timeout("expression evaluation"))
            }
            _ => Ok(()),
        }
    }
}

/// Most bytes that a query without a budget may ask for at once.
const MOST_WITHOUT_BUDGET: u64 = 64 << 30;

/// Bytes of one query; they go back to the budget when it ends.
pub(crate) struct Reservation {
    budget: Option<Arc<Budget>>,
    bytes: u64,
}

impl Reservation {
    pub(crate) fn new(budget: Option<Arc<Budget>>) -> Reservation {
        Reservation { budget, bytes: 0 }
    }

    /// Reserves `bytes` more, before they are allocated.
    pub(crate) fn grow(&mut self, bytes: u64) -> Result<(), EvalError> {
        let Some(budget) = &self.budget else {
            // Without a budget an allocation that cannot succeed would still end the process.
            return if bytes > MOST_WITHOUT_BUDGET {
                Err(EvalError::Budget { needed: bytes })
            } else {
                Ok(())
            };
        };
        if !budget.try_reserve(bytes) {
            return Err(EvalError::Budget { needed: bytes });
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Bytes reserved by this query.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives back what is reserved beyond `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: u64) {
        let Some(budget) = &self.budget else { return };
        let surplus = self.bytes.saturating_sub(bytes);
        budget.release(surplus);
        self.bytes -= surplus;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.release(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_refuses_what_does_not_fit_and_gets_it_back() {
        let b = Arc::new(Budget::new(100));
        let mut r = Reservation::new(Some(Arc::clone(&b)));
        assert!(r.grow(60).is_ok());
        assert!(matches!(r.grow(60), Err(EvalError::Budget { needed: 60 })));
        assert_eq!(b.used(), 60);
        r.shrink_to(40);
        assert_eq!(b.used(), 40);
        drop(r);
        assert_eq!(b.used(), 0);
    }
}
