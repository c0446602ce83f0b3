//! Waiting for something to become true, with a bound.

use std::time::{Duration, Instant};

use anyhow::bail;

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(50);

/// Waits until `ready` answers with a value, at most `bound`; `what` names it in the error, which ends with the last
/// reason that `ready` gave.
///
/// # Errors
/// When the bound is over.
pub fn until<T>(
    what: &str,
    bound: Duration,
    mut ready: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begin = Instant::now();
    loop {
        let last = match ready() {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(e) => Some(e),
        };
        if begin.elapsed() > bound {
            match last {
                Some(e) => bail!("{what}: not within {bound:?}: {e:#}"),
                None => bail!("{what}: not within {bound:?}"),
            }
        }
        std::thread::sleep(EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_reason_is_told() {
        let e = until::<()>("cat", Duration::ZERO, || anyhow::bail!("asleep")).unwrap_err();
        assert_eq!(e.to_string(), "cat: not within 0ns: asleep");
        let mut n = 0;
        let third = until("dog", Duration::from_secs(5), || {
            n += 1;
            Ok((n == 3).then_some(n))
        });
        assert_eq!(third.unwrap(), 3);
    }
}
