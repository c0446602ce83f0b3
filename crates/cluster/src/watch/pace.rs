//! How often a watch may ask.

use std::time::Duration;
use tortie_host::Rng;

/// Least time between the beginnings of two lists of a watch.
pub const BETWEEN_LISTS: Duration = Duration::from_secs(5);
/// Least time between the beginnings of two watches.
pub const BETWEEN_WATCHES: Duration = Duration::from_secs(1);
/// Longest pause after failures, so that a server that is back, a right that was given, a kind that was made are seen within
/// ten seconds.
pub const MOST: Duration = Duration::from_secs(8);
/// Longest pause that a server may ask for.
pub const MOST_ASKED: Duration = Duration::from_secs(60);
/// A server that has sent nothing for so long is not there any more: bookmarks come about every minute.
pub const SILENCE: Duration = Duration::from_secs(150);
/// A watch ends by itself after a time from this to twice this.
pub const WATCH: Duration = Duration::from_secs(300);
/// A watch that ended by itself begins with a list when the last one is older: what was lost on the way comes back.
pub const LIST_AGAIN: Duration = Duration::from_secs(3600);

/// Growing pauses.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    failures: u32,
    rng: Rng,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Backoff {
        Backoff { failures: 0, rng: Rng::new(seed) }
    }

    /// All went well.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The pause after a failure: doubled each time from a second up to [`MOST`], up to a quarter shorter by chance so that
    /// watches that failed together do not come back together, and never shorter than the server asked.
    pub(crate) fn pause(&mut self, asked: Option<Duration>) -> Duration {
        let whole = Duration::from_secs(1 << self.failures.min(6)).min(MOST);
        self.failures = self.failures.saturating_add(1);
        let pause = whole.mul_f64(1.0 - self.rng.unit() / 4.0);
        asked.map_or(pause, |a| pause.max(a.min(MOST_ASKED)))
    }

    /// A time from `least` to twice that.
    pub(crate) fn up_to_twice(&mut self, least: Duration) -> Duration {
        least.mul_f64(1.0 + self.rng.unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let mut b = Backoff::new(7);
        let mut before = Duration::ZERO;
        for i in 0..100 {
            let pause = b.pause(None);
            let whole = Duration::from_secs(1 << i.min(3));
            assert!(pause <= whole && pause >= whole.mul_f64(0.75), "{i}: {pause:?}");
            assert!(i > 3 || pause > before);
            before = pause;
        }
        b.reset();
        assert!(b.pause(None) <= Duration::from_secs(1));
        assert_eq!(b.pause(Some(Duration::from_secs(20))), Duration::from_secs(20));
        assert_eq!(b.pause(Some(Duration::from_secs(3600))), MOST_ASKED);
    }
}
