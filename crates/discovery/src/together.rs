//! Changes that come close together are taken together: after the first one for a bounded time, and then they are handed over
//! whether more come or not.

use futures_util::FutureExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Waits for changes on behalf of one that hands them over.
pub(crate) struct Together {
    wake: Arc<Notify>,
    bound: Duration,
    /// Before this nothing is handed over.
    rested: Instant,
}

impl Together {
    /// `wake` is notified with each change; the first one waits `bound` for others.
    pub(crate) fn new(wake: &Arc<Notify>, bound: Duration) -> Together {
        Together { wake: Arc::clone(wake), bound, rested: Instant::now() }
    }

    /// Waits for a change.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Called after [`Together::woken`]: waits for others, at most as long as the bound, or until the last work is rested from.
    /// What has changed until this returns is to be handed over now; what comes later wakes again.
    pub(crate) async fn gathered(&self) {
        sleep_until((Instant::now() + self.bound).max(self.rested)).await;
        // Those that came meanwhile need not wake once more.
        let _ = self.wake.notified().now_or_never();
    }

    /// Nothing is handed over until `rest` is over, so that a storm of changes leaves time for the rest of the process.
    pub(crate) fn rest(&mut self, rest: Duration) {
        self.rested = Instant::now() + rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use tokio::time::sleep;

    const BOUND: Duration = Duration::from_millis(250);

    /// When, and for how long each change had waited.
    type HandOver = (Instant, Vec<(u32, Duration)>);

    /// One that hands over changes as they are told to it, and notes when and which.
    #[derive(Clone)]
    struct Hands {
        wake: Arc<Notify>,
        waiting: Arc<Mutex<Vec<(u32, Instant)>>>,
        over: Arc<Mutex<Vec<HandOver>>>,
    }

    impl Hands {
        fn start(work: Duration, rest: u32) -> Hands {
            let hands =
                Hands { wake: Arc::new(Notify::new()), waiting: Arc::default(), over: Arc::default() };
            let this = hands.clone();
            tokio::spawn(async move {
                let mut together = Together::new(&this.wake, BOUND);
                loop {
                    together.woken().await;
                    together.gathered().await;
                    let now = Instant::now();
                    let taken = std::mem::take(&mut *this.waiting.lock().unwrap());
                    let taken = taken.into_iter().map(|(n, at)| (n, now - at)).collect();
                    this.over.lock().unwrap().push((now, taken));
                    sleep(work).await;
                    together.rest(work * rest);
                }
            });
            hands
        }

        fn change(&self, n: u32) {
            self.waiting.lock().unwrap().push((n, Instant::now()));
            self.wake.notify_one();
        }

        fn over(&self) -> Vec<HandOver> {
            self.over.lock().unwrap().clone()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_hand_over() {
        let hands = Hands::start(Duration::ZERO, 0);
        for n in 0..25 {
            hands.change(n);
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_secs(60)).await;
        let over = hands.over();
        assert_eq!(over.len(), 1, "{over:?}");
        assert_eq!(over[0].1.iter().map(|c| c.0).collect::<Vec<_>>(), (0..25).collect::<Vec<_>>());
        assert_eq!(over[0].1[0].1, BOUND, "the first has waited as long as it may");
    }

    #[tokio::test(start_paused = true)]
    async fn one_change_alone_waits_no_longer() {
        let hands = Hands::start(Duration::ZERO, 0);
        for n in 0..3 {
            hands.change(n);
            sleep(Duration::from_secs(7)).await;
        }
        let over = hands.over();
        assert!(over.len() == 3 && over.iter().all(|(_, c)| c.len() == 1 && c[0].1 == BOUND), "{over:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_stream_is_handed_over_within_the_bound() {
        let hands = Hands::start(Duration::ZERO, 0);
        for n in 0..2000 {
            hands.change(n);
            sleep(Duration::from_millis(3)).await;
        }
        sleep(BOUND).await;
        let over = hands.over();
        let all: Vec<u32> = over.iter().flat_map(|o| o.1.iter().map(|c| c.0)).collect();
        assert_eq!(all, (0..2000).collect::<Vec<_>>(), "each once, in their order");
        let waited = over.iter().flat_map(|o| &o.1).map(|c| c.1).max().unwrap();
        assert_eq!(waited, BOUND);
        // 6 s and the last bound.
        assert!((23..=25).contains(&over.len()), "{}", over.len());
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_rested_from() {
        let hands = Hands::start(Duration::from_millis(300), 4);
        for n in 0..1000 {
            hands.change(n);
            sleep(Duration::from_millis(10)).await;
        }
        let times: Vec<Instant> = hands.over().iter().map(|o| o.0).collect();
        assert!(
            times.len() > 5 && times.windows(2).all(|w| w[1] - w[0] == Duration::from_millis(1500)),
            "{times:?}"
        );
    }
}
