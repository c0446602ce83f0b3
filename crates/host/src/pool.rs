//! The CPU pool: plain threads at lower priority for queries, compaction and big bodies.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads that run jobs in order of arrival. The queue is bounded.
#[derive(Clone)]
pub struct CpuPool {
    queue: mpsc::SyncSender<Job>,
}

impl CpuPool {
    /// Starts `threads` threads at nice 5; at most `queue` jobs wait.
    pub fn start(threads: usize, queue: usize) -> CpuPool {
        let (tx, rx) = mpsc::sync_channel::<Job>(queue);
        let rx = Arc::new(Mutex::new(rx));
        for i in 0..threads.max(1) {
            let rx = Arc::clone(&rx);
            let spawned = std::thread::Builder::new().name(format!("cpu-{i}")).spawn(move || worker(&rx));
            if let Err(e) = spawned {
                // With no thread at all nothing would ever answer; one is enough to go on.
                assert!(i > 0, "cannot start a single worker thread: {e}");
            }
        }
        CpuPool { queue: tx }
    }

    /// Runs `job` on the pool, or gives it back when the queue is full.
    ///
    /// # Errors
    /// The job itself, when as many wait as the queue holds.
    pub fn run<F: FnOnce() + Send + 'static>(&self, job: F) -> Result<(), QueueFull> {
        self.queue.try_send(Box::new(job)).map_err(|_| QueueFull)
    }
}

/// The pool's queue is full.
#[derive(Debug, thiserror::Error)]
#[error("the queue of the CPU pool is full")]
pub struct QueueFull;

fn worker(rx: &Mutex<mpsc::Receiver<Job>>) {
    // Lower priority keeps scrapes on time; failing to get it changes nothing but that.
    let _ = rustix::process::nice(5);
    loop {
        let job = rx.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panicking job must not take the thread with it; its caller sees the answer's channel close.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panicking_job_leaves_the_pool_working() {
        let pool = CpuPool::start(1, 8);
        pool.run(|| panic!("on purpose")).unwrap();
        let (tx, rx) = mpsc::channel();
        pool.run(move || tx.send(42).unwrap()).unwrap();
        assert_eq!(rx.recv().unwrap(), 42);
    }
}
