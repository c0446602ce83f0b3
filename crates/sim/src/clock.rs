//! The fleet's time: that of the machine, or one that is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tortie_host::Clock;

/// A clock that follows another one until it is set.
pub struct SimClock {
    base: Arc<dyn Clock>,
    fixed: AtomicI64,
}

/// Means that the clock follows its base.
const FOLLOW: i64 = i64::MIN;

impl SimClock {
    /// A clock that follows `base`.
    pub fn new(base: Arc<dyn Clock>) -> SimClock {
        SimClock { base, fixed: AtomicI64::new(FOLLOW) }
    }

    /// Stops the clock at `ms` since the Unix epoch.
    pub fn set(&self, ms: i64) {
        self.fixed.store(ms, Ordering::SeqCst);
    }

    /// Follows the base again.
    pub fn follow(&self) {
        self.fixed.store(FOLLOW, Ordering::SeqCst);
    }

    /// Whether it follows its base.
    pub fn follows(&self) -> bool {
        self.fixed.load(Ordering::SeqCst) == FOLLOW
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        match self.fixed.load(Ordering::SeqCst) {
            FOLLOW => self.base.now_ms(),
            ms => ms,
        }
    }

    fn monotonic_ns(&self) -> u64 {
        self.base.monotonic_ns()
    }
}
