//! The doctor behind the web page: one look at a time at one cluster, the report kept.

mod judged;
mod setup;

use judged::Judged;
use serde_json::{Value, json};
use setup::Writing;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tortie_calico::collect::{Wants, collect};
use tortie_calico::doctor::checks::{ALL, find, page};
use tortie_cluster::client::ConnectOptions;
use tortie_host::Clock;
use tortie_web::sources::{BoxFuture, Doctor, Refused};

/// Longest time of a look: what collecting takes at most, and judging.
const LIMIT: Duration = Duration::from_secs(60);

/// Which cluster is judged, and how.
pub(crate) struct Patient {
    /// How to connect.
    pub(crate) options: ConnectOptions,
    /// What to look at.
    pub(crate) wants: Wants,
    /// What the page says of where the cluster comes from.
    pub(crate) from: String,
    /// Whether `setup` may be made from the page.
    pub(crate) allow_setup: bool,
}

/// The doctor of one cluster.
pub(crate) struct ClusterDoctor(Arc<Inner>);

struct Inner {
    patient: Patient,
    clock: Arc<dyn Clock>,
    runtime: tokio::runtime::Handle,
    running: AtomicBool,
    /// Asked for while one ran: the cluster changed meanwhile.
    again: AtomicBool,
    started_ms: AtomicI64,
    last: Mutex<Option<Judged>>,
    writing: Writing,
}

impl ClusterDoctor {
    /// A doctor that has not looked yet. Must be called within the runtime that it will work on.
    pub(crate) fn new(patient: Patient, clock: Arc<dyn Clock>) -> ClusterDoctor {
        let writing = Writing::new(patient.allow_setup);
        ClusterDoctor(Arc::new(Inner {
            patient,
            clock,
            runtime: tokio::runtime::Handle::current(),
            running: AtomicBool::new(false),
            again: AtomicBool::new(false),
            started_ms: AtomicI64::new(0),
            last: Mutex::new(None),
            writing,
        }))
    }

    /// Looks as soon as it can: after the look that runs, when one does.
    pub(crate) fn look_again(&self) {
        self.0.again.store(true, Ordering::Release);
        Inner::begin(&self.0);
    }
}

/// Ends the state "running", also when the look ends in a panic.
struct Looking(Arc<Inner>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Release);
        if self.0.again.swap(false, Ordering::AcqRel) {
            Inner::begin(&self.0);
        }
    }
}

impl Inner {
    fn begin(this: &Arc<Inner>) {
        if this.running.swap(true, Ordering::AcqRel) {
            return;
        }
        this.again.store(false, Ordering::Release);
        this.started_ms.store(this.clock.now_ms(), Ordering::Release);
        let looking = Looking(Arc::clone(this));
        // On a thread of its own: judging computes for a while, and what collects need not move between threads.
        this.runtime.spawn_blocking(move || {
            let this = &looking.0;
            let start = this.clock.monotonic_ns();
            let judged = catch_unwind(AssertUnwindSafe(|| this.look(start))).unwrap_or_else(|_| {
                tracing::error!(component = "doctor", "BUG: judging ended in a panic");
                let text = "BUG: judging ended in a panic (hint: tortie collect)".to_owned();
                Judged::failed(text, this.clock.now_ms())
            });
            *this.last() = Some(judged);
        });
    }

    fn look(&self, start_ns: u64) -> Judged {
        let looked = self.runtime.block_on(async {
            let collecting =
                collect(&self.patient.options, &self.patient.wants, Vec::new(), self.clock.now_ms());
            tokio::time::timeout(LIMIT, collecting).await
        });
        match looked {
            Ok(snap) => judged::judged(&snap, &*self.clock, start_ns),
            Err(_) => {
                let text = format!("the look was given up after {} s (hint: tortie doctor)", LIMIT.as_secs());
                Judged::failed(text, self.clock.now_ms())
            }
        }
    }

    /// Runs what setup does on a thread of its own.
    async fn apart<F>(self: &Arc<Self>, work: F) -> Result<Value, Refused>
    where
        F: FnOnce(&Inner) -> Result<Value, Refused> + Send + 'static,
    {
        let this = Arc::clone(self);
        let done = self.runtime.spawn_blocking(move || work(&this)).await;
        done.unwrap_or_else(|e| {
            tracing::error!(component = "doctor", err = %e, "BUG: setup ended in a panic");
            Err(Refused::Failed("BUG: setup ended in a panic (hint: tortie setup status)".to_owned()))
        })
    }

    fn last(&self) -> MutexGuard<'_, Option<Judged>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doctor for ClusterDoctor {
    fn state(&self) -> BoxFuture<'_, Value> {
        Box::pin(async move {
            let running = self.0.running.load(Ordering::Acquire);
            let last = self.0.last().clone();
            let now = self.0.clock.now_ms();
            let mut out = json!({
                "state": if running { "running" } else { "idle" },
                "cluster": self.0.patient.from,
                "nowMs": now,
                "startedMs": running.then(|| self.0.started_ms.load(Ordering::Acquire)),
                "setup": self.0.writing.offered(),
            });
            let last = last.unwrap_or_else(Judged::none);
            out["ageMs"] = last.at_ms.map(|at| now - at).into();
            last.into_json(&mut out);
            out
        })
    }

    fn begin(&self) {
        Inner::begin(&self.0);
    }

    fn checks(&self) -> Value {
        ALL.iter().map(|c| json!({"id": c.id, "slug": c.slug, "title": c.title})).collect()
    }

    fn check(&self, name: &str) -> Option<Value> {
        let c = find(name)?;
        Some(json!({
            "id": c.id, "slug": c.slug, "title": c.title, "level": c.level.as_str(), "station": c.station.as_str(),
            "needs": c.needs, "page": page(c),
        }))
    }

    fn plan(&self) -> BoxFuture<'_, Result<Value, Refused>> {
        Box::pin(self.0.apart(|i| i.runtime.block_on(i.writing.plan(&i.patient, &*i.clock))))
    }

    fn apply<'a>(&'a self, token: &'a str, plan: &'a str) -> BoxFuture<'a, Result<Value, Refused>> {
        let (token, plan) = (token.to_owned(), plan.to_owned());
        Box::pin(async move {
            let made = self
                .0
                .apart(move |i| i.runtime.block_on(i.writing.apply(&token, &plan, &i.patient, &*i.clock)));
            let made = made.await;
            self.look_again();
            made
        })
    }
}
