//! `rate_limit`: a bucket of so many requests that fills again with time.

use std::sync::{Mutex, PoisonError};

/// A bucket.
pub(super) struct Limiter {
    burst: u64,
    every_ns: u64,
    /// The instant up to which requests are paid for, nanoseconds; `None` before the first.
    paid_ns: Mutex<Option<u64>>,
}

impl Limiter {
    /// Holds `burst` requests; one more comes every `every_ns`.
    pub(super) fn new(burst: u64, every_ns: u64) -> Limiter {
        Limiter { burst, every_ns, paid_ns: Mutex::default() }
    }

    /// Takes one request out, if there is one.
    pub(super) fn allows(&self, now_ns: u64) -> bool {
        let mut paid = self.paid_ns.lock().unwrap_or_else(PoisonError::into_inner);
        let next = paid.unwrap_or(now_ns).max(now_ns).saturating_add(self.every_ns);
        if next - now_ns > self.every_ns.saturating_mul(self.burst) {
            return false;
        }
        *paid = Some(next);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_at_a_time() {
        let l = Limiter::new(2, 100);
        let allowed: Vec<bool> = [0, 0, 0, 99, 100, 100, 1000, 1000, 1000].map(|t| l.allows(t)).to_vec();
        assert_eq!(allowed, [true, true, false, false, true, false, true, true, false]);
        assert!(!Limiter::new(0, 100).allows(5), "without a burst nothing passes, as in the toolkit");
    }
}
