//! When what a restart must not lose is written to disk: at once after a while without changes, else as often as that takes
//! little of a core's time.

use crate::manager::Manager;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Shortest and longest pause after a write.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Writing takes at most one part in this many of a core's time, unless the pause would be longer than the longest.
const PART: u32 = 20;
/// Longest time between two looks whether something changed that nobody spoke of.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long an alert waits until it is kept that it was told of, and how long a pause is worth waiting for.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
const WORTH_WAITING: Duration = Duration::from_millis(300);

/// Writes for a [`Manager`].
pub(crate) struct Saver {
    /// Something changed.
    pub(crate) soon: Arc<Notify>,
    /// How often somebody began to wait for a write.
    asked: AtomicU64,
    /// Up to which of these it was written.
    written: watch::Sender<u64>,
    /// Before this the next write does not begin, monotonic nanoseconds.
    free_at: AtomicU64,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Default for Saver {
    fn default() -> Saver {
        Saver {
            soon: Arc::default(),
            asked: AtomicU64::new(0),
            written: watch::Sender::new(0),
            free_at: AtomicU64::new(0),
            task: Mutex::default(),
        }
    }
}

impl Saver {
    /// Begins to write what `manager` has to keep. Needs a tokio runtime around it.
    pub(crate) fn start(&self, manager: &Arc<Manager>) {
        let task = tokio::spawn(write_when_changed(Arc::downgrade(manager), Arc::clone(&self.soon)));
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Ends.
    pub(crate) async fn stop(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            // It was cut off or ended in a panic, which it has logged.
            let _ = task.await;
        }
    }
}

/// Waits until what is to be kept now is written. Gives up when that would hold alerts up: they are urgent.
pub(crate) async fn keep_now(manager: Weak<Manager>) {
    let Some(manager) = manager.upgrade().filter(|m| m.keeps()) else { return };
    let saver = &manager.saver;
    let worth = manager.clock().monotonic_ns() + WORTH_WAITING.as_nanos() as u64;
    if saver.free_at.load(Relaxed) > worth {
        return;
    }
    let mine = saver.asked.fetch_add(1, Relaxed) + 1;
    let mut written = saver.written.subscribe();
    saver.soon.notify_one();
    drop(manager);
    // Over or not, the alert goes on.
    let _ = tokio::time::timeout(LONGEST_WAIT, written.wait_for(|n| *n >= mine)).await;
}

async fn write_when_changed(manager: Weak<Manager>, soon: Arc<Notify>) {
    let mut pause = Duration::ZERO;
    loop {
        tokio::time::sleep(pause).await;
        // Something may have changed of which nobody spoke.
        let _ = tokio::time::timeout(LOOK_EVERY, soon.notified()).await;
        let Some(manager) = manager.upgrade() else { return };
        let asked = manager.saver.asked.load(Relaxed);
        let began = manager.clock().monotonic_ns();
        if pause > SHORTEST_PAUSE {
            // It took long the last time.
            manager.saver.free_at.store(began + LONGEST_PAUSE.as_nanos() as u64, Relaxed);
        }
        // A slow disk must hold up nothing else.
        let work = Arc::clone(&manager);
        if let Err(e) = tokio::task::spawn_blocking(move || work.save()).await {
            tracing::error!(component = "notifier", err = %e, "BUG: keeping what was told ended in a panic");
        }
        let now = manager.clock().monotonic_ns();
        pause = (Duration::from_nanos(now.saturating_sub(began)) * PART).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        manager.saver.free_at.store(now + pause.as_nanos() as u64, Relaxed);
        manager.saver.written.send_replace(asked);
    }
}
