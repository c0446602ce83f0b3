//! The loop of one target: waits for its instants on the grid of the interval and scrapes.

use crate::body::Template;
use crate::pool_config::PoolConfig;
use crate::scraper::Scraper;
use crate::shared::{Options, Shared};
use crate::target::Target;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use tortie_client::Transport;

/// A target, its scraper and what its loop is told.
pub(crate) struct Entry {
    pub(crate) target: Arc<Target>,
    scraper: tokio::sync::Mutex<Scraper>,
    config: RwLock<(Arc<PoolConfig>, Arc<Transport>)>,
    /// Why every scrape fails at once (`target_limit`), if so.
    forced: Mutex<Option<String>>,
    /// The lines of the last body, for metadata.
    template: Mutex<Option<Arc<Template>>>,
    stop: watch::Sender<Stop>,
}

/// What a loop is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Go on.
    No,
    /// The target is gone: mark its series stale when it does not come back.
    Gone,
    /// The server ends: write nothing more.
    Shutdown,
}

impl Entry {
    pub(crate) fn new(
        target: Arc<Target>,
        config: Arc<PoolConfig>,
        transport: Arc<Transport>,
        shared: &Shared,
    ) -> Entry {
        let scraper = Scraper::new(Arc::clone(&target), Arc::clone(&config), shared);
        Entry {
            target,
            scraper: tokio::sync::Mutex::new(scraper),
            config: RwLock::new((config, transport)),
            forced: Mutex::default(),
            template: Mutex::default(),
            stop: watch::Sender::new(Stop::No),
        }
    }

    pub(crate) fn set_config(&self, config: Arc<PoolConfig>, transport: Arc<Transport>) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = (config, transport);
    }

    pub(crate) fn force(&self, reason: Option<String>) {
        *self.forced.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    pub(crate) fn stop(&self, how: Stop) {
        self.stop.send_replace(how);
    }

    /// The lines of the last body.
    pub(crate) fn template(&self) -> Option<Arc<Template>> {
        self.template.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The scraper, when no scrape is running.
    pub(crate) fn try_scraper(&self) -> Option<tokio::sync::MutexGuard<'_, Scraper>> {
        self.scraper.try_lock().ok()
    }

    /// Scrapes now, with timestamp `at_ms`. A panic is caught, logged and counted.
    pub(crate) async fn scrape_at(&self, shared: &Shared, at_ms: i64) {
        let (config, transport) = self.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        let forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut scraper = self.scraper.lock().await;
        let scrape =
            AssertUnwindSafe(scraper.scrape(shared, (&config, &transport), at_ms, forced)).catch_unwind();
        if scrape.await.is_err() {
            shared.stats.panics.add(1);
            tracing::error!(component = "scrape manager", scrape_pool = %self.target.pool, target = %self.target.url.as_str(), "BUG: a scrape panicked");
        }
        *self.template.lock().unwrap_or_else(PoisonError::into_inner) = Some(scraper.template());
    }

    /// Gives everything up at once; used when no loop runs.
    pub(crate) async fn discard(&self, shared: &Shared) {
        self.scraper.lock().await.end(shared, None);
    }
}

/// Runs until told to stop.
pub(crate) async fn run(entry: Arc<Entry>, shared: Arc<Shared>) {
    let mut stop = entry.stop.subscribe();
    let target = Arc::clone(&entry.target);
    let (interval, seed) = (target.interval_ms, shared.options.offset_seed);
    let mut due = target.next_instant(shared.clock.now_ms(), seed);
    loop {
        match wait_until(&shared, start_at(&shared.options, due, interval), &mut stop).await {
            Stop::No => {}
            Stop::Shutdown => return,
            Stop::Gone => return end_of_run(&entry, &shared, due, &mut stop).await,
        }
        let now = shared.clock.now_ms();
        if due - now > interval {
            // The clock was set back.
            due = target.next_instant(now, seed);
            continue;
        }
        // Instants that were missed altogether are skipped, as a ticker does.
        due += (now - due).max(0) / interval * interval;
        let at_ms = on_grid(&shared.options, due, now, interval).unwrap_or_else(|| {
            shared.stats.off_grid.add(1);
            now
        });
        // Boxed: what a scrape needs is on the heap only while it runs, not for every idle target.
        Box::pin(entry.scrape_at(&shared, at_ms)).await;
        due += interval;
    }
}

/// How far from its instant a scrape may start and still get the instant as its timestamp, in milliseconds.
fn tolerance(options: &Options, interval: i64) -> i64 {
    options.timestamp_tolerance_ms.min(interval / 100)
}

/// When the scrape that is due at `due` starts: at the beat before, so that scrapes due within the tolerance start in one
/// turn of the runtime. A turn costs a sleep, a wake-up and the waking of the targets' side however many it sends. Never
/// later than due: all of the tolerance is left for a busy machine.
fn start_at(options: &Options, due: i64, interval: i64) -> i64 {
    let beat = tolerance(options, interval);
    if !options.adjust_timestamps || beat < 2 {
        return due;
    }
    due - due.rem_euclid(beat)
}

/// The timestamp of a scrape that was due at `due` and starts at `now`: the instant when it is not too late.
fn on_grid(options: &Options, due: i64, now: i64, interval: i64) -> Option<i64> {
    (options.adjust_timestamps && now - due <= tolerance(options, interval)).then_some(due)
}

/// Sleeps until `start`, or until there is something else to do.
async fn wait_until(shared: &Shared, start: i64, stop: &mut watch::Receiver<Stop>) -> Stop {
    let told = *stop.borrow_and_update();
    if told != Stop::No {
        return told;
    }
    let now = shared.clock.now_ms();
    if start <= now {
        return Stop::No;
    }
    tokio::select! {
        () = tokio::time::sleep_until(shared.beat.instant(start, now)) => Stop::No,
        changed = stop.changed() => match changed {
            Ok(()) => *stop.borrow_and_update(),
            Err(_) => Stop::Shutdown,
        },
    }
}

/// Writes stale markers for a target that is gone, as Prometheus does: at the instant of the scrape that did not come,
/// but only after the one after it, so that a target which came back in another loop has newer samples by then and
/// refuses them.
async fn end_of_run(entry: &Entry, shared: &Shared, due: i64, stop: &mut watch::Receiver<Stop>) {
    let mut scraper = entry.scraper.lock().await;
    if !scraper.has_scraped() {
        return scraper.end(shared, None);
    }
    let interval = entry.target.interval_ms;
    let wait = due + interval + interval / 10 - shared.clock.now_ms();
    let sleep = tokio::time::sleep(Duration::from_millis(wait.max(0) as u64));
    tokio::pin!(sleep);
    loop {
        tokio::select! {
            () = &mut sleep => break,
            changed = stop.changed() => if changed.is_err() || *stop.borrow_and_update() == Stop::Shutdown {
                return;
            },
        }
    }
    scraper.end(shared, Some(due));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Sink;
    use tortie_host::{CpuPool, MemFs, SystemClock};
    use tortie_model::Labels;
    use tortie_tsdb::append::{AppendError, Batch, Committed, Slot};

    struct Nowhere;

    impl Sink for Nowhere {
        fn commit(&self, _: &Batch) -> Result<Committed, AppendError> {
            Err(AppendError::Closed)
        }

        fn release(&self, _: &[Slot]) {}
    }

    #[test]
    fn an_idle_loop_is_small() {
        let shared = Arc::new(Shared::new(
            Arc::new(Nowhere),
            Arc::new(SystemClock::new()),
            Arc::new(MemFs::new()),
            CpuPool::start(1, 1),
            Options::default(),
        ));
        let config = Arc::new(PoolConfig::new("j"));
        let target = Arc::new(Target::new(&config, &Labels::empty(), Labels::empty()));
        let transport = shared.transport(&config).unwrap();
        let entry = Arc::new(Entry::new(target, config, transport, &shared));
        let idle = size_of_val(&run(Arc::clone(&entry), Arc::clone(&shared)));
        let state = size_of::<Entry>() + size_of::<Target>();
        assert!(idle + state <= 2048, "future {idle} bytes, state {state} bytes");
        let running = size_of_val(&entry.scrape_at(&shared, 0));
        assert!(running <= 8192, "a running scrape takes {running} bytes");
    }

    #[track_caller]
    fn check(late: i64, interval: i64, expect: bool) {
        assert_eq!(on_grid(&Options::default(), 1000, 1000 + late, interval), expect.then_some(1000));
    }

    #[test]
    fn late_by_at_most_ten_milliseconds_or_one_percent() {
        check(0, 15_000, true);
        check(10, 15_000, true);
        check(11, 15_000, false);
        check(5, 500, true);
        check(6, 500, false);
        check(1, 50, false);
        check(-10, 15_000, true);
        let never = Options { adjust_timestamps: false, ..Options::default() };
        assert_eq!(on_grid(&never, 1000, 1000, 15_000), None);
        assert_eq!(start_at(&never, 1007, 15_000), 1007);
    }

    #[test]
    fn scrapes_due_within_the_tolerance_start_together() {
        let options = Options::default();
        let starts = |interval| (1000..1020).map(|due| start_at(&options, due, interval)).collect::<Vec<_>>();
        assert_eq!(starts(1000), [[1000; 10], [1010; 10]].concat());
        assert_eq!(starts(1000), starts(60_000), "targets of all intervals beat together");
        assert_eq!(starts(400), (250..255).flat_map(|n| [n * 4; 4]).collect::<Vec<_>>());
        assert_eq!(starts(199), (1000..1020).collect::<Vec<_>>());
        for interval in [1000, 15_000, 400] {
            for due in -50..50 {
                let start = start_at(&options, due, interval);
                assert_eq!(on_grid(&options, due, start, interval), Some(due));
            }
        }
    }
}
