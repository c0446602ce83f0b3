//! The loop of one group: waits for its place on the grid, evaluates, counts what it missed.

use crate::environment::Environment;
use crate::grid::{to_ms, to_ns};
use crate::group::Group;
use crate::restore;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};
use tortie_host::CpuPool;

/// What the manager tells a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Go on.
    Run,
    /// End; somebody takes the state over, or the server ends.
    Stop,
    /// End; the group is gone, its series get stale markers.
    Gone,
}

/// What all loops share.
#[derive(Clone)]
pub(crate) struct Works {
    pub(crate) env: Arc<Environment>,
    pub(crate) pool: CpuPool,
    /// Rules that run beside the first of their batch.
    pub(crate) beside: Arc<Semaphore>,
    /// Turns true when evaluation may begin.
    pub(crate) started: watch::Receiver<bool>,
    /// Turns true when the server ends.
    pub(crate) ended: watch::Receiver<bool>,
}

/// Runs a group until it is told to end.
pub(crate) async fn run(group: Arc<Group>, mut works: Works, mut order: watch::Receiver<Order>) {
    let stopped = tokio::select! {
        r = works.started.wait_for(|s| *s) => r.is_err(),
        _ = order.wait_for(|o| *o != Order::Run) => true,
    };
    if !stopped {
        ticks(&group, &works, &mut order).await;
    }
    if *order.borrow() != Order::Gone {
        return;
    }
    group.give_up_all();
    // A renamed rule may write these series; its loop has then begun.
    let two = Duration::from_millis(group.spec.interval_ms.unsigned_abs().saturating_mul(2));
    let ended = tokio::select! {
        r = works.ended.wait_for(|e| *e) => r.is_ok(),
        () = tokio::time::sleep(two) => false,
    };
    if !ended {
        let (now, env) = (now(&works.env), Arc::clone(&works.env));
        on_pool(&works.pool, move || group.end_gone(&env, now)).await;
    }
}

async fn ticks(group: &Arc<Group>, works: &Works, order: &mut watch::Receiver<Order>) {
    let interval = to_ns(group.spec.interval_ms).max(1);
    let mut at = group.grid_before(now(&works.env)) + interval;
    if !wait_until(at, interval, works, order).await {
        return;
    }
    let mut ticks = 0u64;
    loop {
        evaluate(group, works, at).await;
        ticks += 1;
        // Rules that alerts depend on have been evaluated before their state is restored.
        if ticks == 2 && group.restores.load(Ordering::Relaxed) {
            let (group, env) = (Arc::clone(group), Arc::clone(&works.env));
            on_pool(&works.pool, move || restore::restore(&group, &env, now(&env))).await;
        }
        let Some(next) = next_tick(group, at, interval, works, order).await else { return };
        let missed = (next - at) / interval - 1;
        if missed > 0 {
            group.counts.missed.fetch_add(missed.unsigned_abs(), Ordering::Relaxed);
            group.counts.scheduled.fetch_add(missed.unsigned_abs(), Ordering::Relaxed);
        }
        at = next;
    }
}

/// Waits for the time of the grid after `at`, later ones when that is long over, and an earlier one when the clock went
/// back by more than an interval; `None` when the loop must end.
async fn next_tick(
    group: &Group,
    at: i64,
    interval: i64,
    works: &Works,
    order: &mut watch::Receiver<Order>,
) -> Option<i64> {
    loop {
        if !wait_until(at + interval, interval, works, order).await {
            return None;
        }
        let next = group.grid_before(now(&works.env));
        // The clock may have gone back a little: this time was evaluated already.
        if next != at {
            return Some(next);
        }
    }
}

/// Waits until `at`, at most about an interval; false when the loop must end.
async fn wait_until(at: i64, interval: i64, works: &Works, order: &mut watch::Receiver<Order>) -> bool {
    let longest = Duration::from_nanos(interval.unsigned_abs());
    let began = works.env.clock.monotonic_ns();
    loop {
        if *order.borrow() != Order::Run {
            return false;
        }
        let left = at - now(&works.env);
        let waited = Duration::from_nanos(works.env.clock.monotonic_ns().saturating_sub(began));
        if left <= 0 || waited >= longest {
            return true;
        }
        // One more than what is left: the clock counts whole milliseconds.
        let left =
            Duration::from_nanos(left.unsigned_abs()).min(longest - waited) + Duration::from_micros(500);
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            r = order.changed() => if r.is_err() { return false },
        }
    }
}

async fn evaluate(group: &Arc<Group>, works: &Works, at: i64) {
    match &group.batches {
        Some(batches) if works.env.options.concurrent => in_batches(group, works, batches, at).await,
        _ => {
            let (group, env) = (Arc::clone(group), Arc::clone(&works.env));
            on_pool(&works.pool, move || group.evaluate(&env, at)).await;
        }
    }
}

/// Rules of a batch at the same time, as many as the server allows; the rest one after the other.
async fn in_batches(group: &Arc<Group>, works: &Works, batches: &[Vec<usize>], at: i64) {
    let began = group.begin(&works.env);
    let tick = group.tick(&works.env, at);
    let mut samples = 0;
    for batch in batches {
        let mut beside = FuturesUnordered::new();
        for &i in batch {
            if group.stopping.load(Ordering::Relaxed) {
                break;
            }
            let Some(rule) = group.rules.get(i).cloned() else { continue };
            let (g, env) = (Arc::clone(group), Arc::clone(&works.env));
            let one = move || g.evaluate_rule(&env, &*env.store, &rule, tick);
            match Arc::clone(&works.beside).try_acquire_owned() {
                Ok(permit) if batch.len() > 1 => beside.push(on_pool(&works.pool, move || {
                    let n = one();
                    drop(permit);
                    n
                })),
                _ => samples += on_pool(&works.pool, one).await.unwrap_or(0),
            }
        }
        while let Some(n) = beside.next().await {
            samples += n.unwrap_or(0);
        }
    }
    if group.stopping.load(Ordering::Relaxed) {
        return;
    }
    let (group, env) = (Arc::clone(group), Arc::clone(&works.env));
    on_pool(&works.pool, move || group.finish(&env, at, began, samples)).await;
}

/// Runs `job` on the pool, or beside it when the pool has no room; `None` when it panicked.
async fn on_pool<T: Send + 'static>(pool: &CpuPool, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tx, rx) = oneshot::channel();
    let mut job = Some(job);
    // The job is put aside, so that it is not lost when the queue is full.
    let shared = Arc::new(std::sync::Mutex::new(job.take()));
    let take = |cell: &std::sync::Mutex<Option<_>>| {
        cell.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    };
    let cell = Arc::clone(&shared);
    let queued = pool.run(move || {
        if let Some(job) = take(&cell) {
            // Nobody waits any more when the loop was cut off.
            let _ = tx.send(job());
        }
    });
    if queued.is_ok() {
        return rx.await.ok();
    }
    let job = take(&shared)?;
    tokio::task::spawn_blocking(job).await.ok()
}

/// Wall clock, nanoseconds since the epoch.
fn now(env: &Environment) -> i64 {
    to_ns(env.clock.now_ms())
}

/// When a group comes next after `now_ms`, milliseconds since the epoch.
pub(crate) fn next_ms(group: &Group, now_ms: i64) -> i64 {
    to_ms(group.grid_before(to_ns(now_ms)) + to_ns(group.spec.interval_ms))
}
