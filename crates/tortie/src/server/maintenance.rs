//! The background round of the database: once a minute, on a thread of its own.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tortie_tsdb::db::{Db, Maintained};

/// Time between rounds.
const EVERY: Duration = Duration::from_secs(60);

/// The thread; ended by [`Maintenance::stop`].
pub(crate) struct Maintenance {
    ended: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Maintenance {
    /// Starts the rounds; the first comes after a minute.
    pub(crate) fn start(db: Arc<Db>) -> std::io::Result<Maintenance> {
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = Arc::clone(&ended);
        let thread = std::thread::Builder::new().name("maintenance".into()).spawn(move || {
            while !wait(&seen) {
                round(&db);
            }
        })?;
        Ok(Maintenance { ended, thread: Some(thread) })
    }

    /// Ends the thread; a round that runs is waited for.
    pub(crate) fn stop(mut self) {
        *self.ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.1.notify_all();
        if let Some(t) = self.thread.take() {
            // A panic in it was logged where it happened.
            let _ = t.join();
        }
    }
}

/// Waits for the next round; `true` when there is none.
fn wait(ended: &(Mutex<bool>, Condvar)) -> bool {
    let guard = ended.0.lock().unwrap_or_else(PoisonError::into_inner);
    let (guard, _) =
        ended.1.wait_timeout_while(guard, EVERY, |e| !*e).unwrap_or_else(PoisonError::into_inner);
    *guard
}

/// One round; a panic in it is caught, so that the next one comes.
pub(crate) fn round(db: &Db) {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| db.maintain())) {
        Ok(done) => log(&done),
        Err(_) => tracing::error!(component = "tsdb", "BUG: panic in the background round of the database"),
    }
}

fn log(done: &Maintained) {
    for b in &done.from_head {
        tracing::info!(component = "tsdb", block = %b.ulid, mint = b.min_time, maxt = b.max_time, "write block");
    }
    for b in &done.merged {
        tracing::info!(component = "tsdb", block = %b.ulid, mint = b.min_time, maxt = b.max_time, "compact blocks");
    }
    if done.expired > 0 {
        tracing::info!(component = "tsdb", blocks = done.expired, "blocks went because of the retention");
    }
    for e in &done.errors {
        tracing::error!(
            component = "tsdb",
            err = e.as_str(),
            "background round failed and will be tried again"
        );
    }
}
