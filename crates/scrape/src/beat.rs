//! From the time of day to the runtime's timers: loops that start at the same millisecond wake in the same turn.
//!
//! A loop that computes "now plus the rest" by itself gets another fraction of a millisecond than its neighbour, and
//! with it another tick of the timer.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// How far the time of day may fall behind before it is believed, in microseconds: that much less may come of its being
/// cut to milliseconds.
const CUT_US: i64 = 1000;

/// What the time of day was at a moment of the runtime.
#[derive(Debug, Default)]
pub(crate) struct Beat {
    origin: OnceLock<Instant>,
    /// Time of day at the origin, in microseconds; 0 while it is not known. The highest that was seen, since what is
    /// seen is too low by what was cut off.
    offset_us: AtomicI64,
}

impl Beat {
    /// The moment at which it is `at_ms`, when it is `now_ms` now.
    pub(crate) fn instant(&self, at_ms: i64, now_ms: i64) -> Instant {
        self.at(at_ms, now_ms, Instant::now())
    }

    fn at(&self, at_ms: i64, now_ms: i64, now: Instant) -> Instant {
        let origin = *self.origin.get_or_init(|| now);
        let passed = i64::try_from(now.saturating_duration_since(origin).as_micros()).unwrap_or(i64::MAX);
        let measured = now_ms.saturating_mul(1000).saturating_sub(passed);
        let mut offset = self.offset_us.load(Ordering::Relaxed);
        if measured > offset || offset.saturating_sub(measured) >= CUT_US {
            offset = measured;
            self.offset_us.store(offset, Ordering::Relaxed);
        }
        let us = at_ms.saturating_mul(1000).saturating_sub(offset).max(0);
        origin.checked_add(Duration::from_micros(us as u64)).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_of_one_millisecond_wake_at_one_moment() {
        let (beat, start) = (Beat::default(), Instant::now());
        let ask = |at_ms: i64, us: u64| {
            let now_ms = 1_700_000_000_000 + (us / 1000) as i64;
            beat.at(1_700_000_000_000 + at_ms, now_ms, start + Duration::from_micros(us))
        };
        // The first one does not know better than to the millisecond.
        assert_eq!(ask(1000, 999).duration_since(start), Duration::from_micros(1_000_999));
        let exact = start + Duration::from_secs(1);
        assert_eq!(ask(1000, 2000), exact);
        for us in [2001, 2999, 3000, 400_000, 400_999, 999_999] {
            assert_eq!(ask(1000, us), exact, "asked at {us}");
        }
    }

    #[test]
    fn a_clock_that_was_set_is_followed() {
        let (beat, start) = (Beat::default(), Instant::now());
        beat.at(10_000, 9_000, start);
        let hour = Duration::from_secs(3600);
        assert_eq!(beat.at(1_000, 500, start + hour), start + hour + Duration::from_millis(500));
        assert_eq!(beat.at(90_000, 89_000, start + hour), start + hour + Duration::from_secs(1));
    }
}
