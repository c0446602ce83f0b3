//! The loop of one Alertmanager: batches out of its queue, again after failures.

use crate::alert::Alert;
use crate::body;
use crate::metrics::Counters;
use crate::post::{Answer, Post};
use crate::queue::Queue;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tortie_host::Clock;

/// First and longest wait after a failure. Short, because alerts are urgent and a request a second costs nothing.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_millis(900);
/// Longest wait that a `Retry-After` may ask for.
const LONGEST_RETRY_AFTER: u64 = 300;

/// What the loop of an Alertmanager and its queue need.
pub struct Sender {
    /// Where alerts go.
    pub url: String,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) work: Notify,
    pub(crate) counters: Counters,
    /// Why the last request failed, none when it did not.
    pub(crate) last_error: Mutex<Option<String>>,
    timeout: Duration,
    batch: usize,
    post: Arc<dyn Post>,
    clock: Arc<dyn Clock>,
    refill: Refill,
    keeping: Keeping,
}

/// Puts what found no room before into the queue of a sender.
pub(crate) type Refill = Box<dyn Fn(&Arc<Sender>) -> BoxFuture<'static, ()> + Send + Sync>;

/// Keeps on disk what queues say is to be kept.
pub(crate) struct Keeping {
    /// Ends when it is kept, or when that takes too long.
    pub(crate) now: Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
    /// Asks for it, without waiting.
    pub(crate) soon: Arc<Notify>,
}

/// What became of a batch.
enum Outcome {
    Delivered,
    /// Sending it again changes nothing.
    Refused(String),
    /// To be sent again, after this time when the other side said so.
    Later(String, Option<Duration>),
}

impl Sender {
    pub(crate) fn new(
        url: String,
        capacity: usize,
        batch: usize,
        timeout: Duration,
        post: Arc<dyn Post>,
        clock: Arc<dyn Clock>,
        (refill, keeping): (Refill, Keeping),
    ) -> Sender {
        Sender {
            url,
            queue: Mutex::new(Queue::new(capacity)),
            work: Notify::new(),
            counters: Counters::default(),
            last_error: Mutex::default(),
            timeout,
            batch: batch.max(1),
            post,
            clock,
            refill,
            keeping,
        }
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes alerts in and wakes the loop.
    pub(crate) fn add(&self, alerts: &[Arc<Alert>]) {
        let mut queue = self.queue();
        for alert in alerts {
            queue.push(Arc::clone(alert));
        }
        drop(queue);
        self.work.notify_one();
    }

    /// Sends until `stop` says so; what waits then stays in the queue.
    pub(crate) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut wait = FIRST_WAIT;
        while !*stop.borrow_and_update() {
            self.queue().expire(self.clock.now_ms());
            if self.queue().lacks() {
                (self.refill)(&self).await;
            }
            if self.queue().is_empty() {
                tokio::select! {
                    () = self.work.notified() => {}
                    () = tokio::time::sleep(self.until_expiry()) => {}
                    _ = stop.changed() => {}
                }
                continue;
            }
            // Killed after an alert was told of and before that was kept, nobody would say that it is over.
            if self.queue().is_unkept() {
                (self.keeping.now)().await;
            }
            let sent = tokio::select! {
                sent = self.send_batch() => sent,
                // The batch is back in the queue: see `send_batch`.
                _ = stop.changed() => return,
            };
            match sent {
                None => {
                    wait = FIRST_WAIT;
                    if self.queue().is_empty() {
                        self.keeping.soon.notify_one();
                    }
                }
                Some(asked) => {
                    let pause = asked.unwrap_or(wait);
                    wait = (wait * 2).min(LONGEST_WAIT);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        _ = stop.changed() => {}
                    }
                }
            }
        }
    }

    /// Sends all that waits, without waiting after failures; stops at the first one.
    pub(crate) async fn drain(&self) {
        while !self.queue().is_empty() {
            if self.send_batch().await.is_some() {
                return;
            }
        }
    }

    fn until_expiry(&self) -> Duration {
        const LONGEST: i64 = 10_000;
        let next = self.queue().next_expiry_ms();
        let ms = next.map_or(LONGEST, |at| (at - self.clock.now_ms()).clamp(1, LONGEST));
        Duration::from_millis(ms as u64)
    }

    /// Sends one batch. Nothing when that is settled; else how long to wait, if the other side said so.
    async fn send_batch(&self) -> Option<Option<Duration>> {
        // When this future is dropped the alerts go back.
        let mut batch = Batch { sender: self, alerts: self.queue().take(self.batch) };
        let begin = self.clock.monotonic_ns();
        let body = Bytes::from(body::write(&batch.alerts));
        let answer = self.post.post(&self.url, body, self.timeout).await;
        let alerts = std::mem::take(&mut batch.alerts);
        let outcome = judge(answer);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = match &outcome {
            Outcome::Delivered => None,
            Outcome::Refused(e) | Outcome::Later(e, _) => Some(e.clone()),
        };
        match outcome {
            Outcome::Delivered => {
                let now = self.clock.monotonic_ns();
                self.counters.sent(alerts.len(), now, now.saturating_sub(begin));
                self.queue().delivered(&alerts);
                None
            }
            Outcome::Refused(e) => {
                self.log(&e, alerts.len(), "given up");
                self.counters.failed(alerts.len());
                self.queue().refused(&alerts);
                None
            }
            Outcome::Later(e, pause) => {
                self.log(&e, alerts.len(), "kept");
                self.counters.failed(alerts.len());
                self.queue().put_back(alerts);
                Some(pause)
            }
        }
    }

    fn log(&self, err: &str, count: usize, alerts: &str) {
        tracing::error!(
            component = "notifier",
            alertmanager = self.url,
            count,
            alerts,
            err,
            "Error sending alerts"
        );
    }
}

/// Alerts on their way.
struct Batch<'a> {
    sender: &'a Sender,
    alerts: Vec<Arc<Alert>>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if !self.alerts.is_empty() {
            self.sender.queue().put_back(std::mem::take(&mut self.alerts));
        }
    }
}

fn judge(answer: Result<Answer, String>) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(e) => return Outcome::Later(e, None),
    };
    let words = || {
        let body = answer.body.trim();
        let colon = if body.is_empty() { "" } else { ": " };
        format!("bad response status {}{colon}{body}", answer.status_text)
    };
    match answer.status {
        200..=299 => Outcome::Delivered,
        429 => {
            let pause = answer.retry_after_s.map(|s| Duration::from_secs(s.min(LONGEST_RETRY_AFTER)));
            Outcome::Later(words(), pause)
        }
        408 | 500..=599 => Outcome::Later(words(), None),
        _ => Outcome::Refused(words()),
    }
}
