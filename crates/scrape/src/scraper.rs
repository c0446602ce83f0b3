//! One scrape of one target: fetch, read, commit, report.

mod settle;

use crate::body::{Table, Template};
use crate::http::{self, Ask, Kept};
use crate::ingest::{self, Context, Outcome, Refused, RefusedKind};
use crate::pool_config::PoolConfig;
use crate::report::{ExtraReport, Report, ReportSlots};
use crate::scratch::{Lease, Scratch};
use crate::shared::Shared;
use crate::target::{LastScrape, Target};
use crate::words;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tortie_client::Transport;
use tortie_tsdb::append::{Batch, Slot};
use tortie_wire::content_type::{Verdict, accept_header, judge};

/// Bodies from this size on are read on the CPU pool, so that they do not hold up other scrapes.
const BIG_BODY: usize = 64 * 1024;

/// State of a target between scrapes.
pub(crate) struct Scraper {
    target: Arc<Target>,
    kept: Kept,
    table: Table,
    reports: ReportSlots,
    /// Configuration under which the labels of the table were made.
    mapped: Arc<PoolConfig>,
    /// Accept header of that configuration's formats.
    accept: Arc<str>,
    /// Why the target does not get that configuration's credentials, if it does not.
    withheld: Option<String>,
    relabel_all: bool,
    scraped: bool,
}

/// What came over the wire.
struct Fetched {
    error: Option<String>,
    body_bytes: i64,
    /// Whether the body does not say that it is metrics.
    unnamed: bool,
}

impl Scraper {
    pub(crate) fn new(target: Arc<Target>, config: Arc<PoolConfig>, shared: &Shared) -> Scraper {
        Scraper {
            target,
            kept: Kept::default(),
            table: Table::new(shared.templates.intern(Template::empty())),
            reports: ReportSlots::default(),
            accept: accept_header(&config.protocols, &config.escaping).into(),
            mapped: config,
            withheld: None,
            relabel_all: false,
            scraped: false,
        }
    }

    /// Takes over a changed configuration; what was learned of the body stays when its labels do.
    fn configure(&mut self, config: &Arc<PoolConfig>) {
        if Arc::ptr_eq(&self.mapped, config) {
            return;
        }
        self.relabel_all |= !self.mapped.maps_as(config);
        if self.mapped.http != config.http {
            // It may have been opened with another certificate, or past a proxy.
            self.kept = Kept::default();
        }
        self.accept = accept_header(&config.protocols, &config.escaping).into();
        self.mapped = Arc::clone(config);
    }

    /// The lines of the last body.
    pub(crate) fn template(&self) -> Arc<Template> {
        Arc::clone(&self.table.template)
    }

    /// Bytes that the target's table takes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.table.heap_bytes()
    }

    /// Whether there was a scrape at all: without one there is nothing to mark stale.
    pub(crate) fn has_scraped(&self) -> bool {
        self.scraped
    }

    /// Scrapes once and stores the samples with timestamp `at_ms`. With `forced` nothing is fetched: the scrape fails
    /// for that reason.
    pub(crate) async fn scrape(
        &mut self,
        shared: &Shared,
        (config, transport): (&Arc<PoolConfig>, &Transport),
        at_ms: i64,
        forced: Option<String>,
    ) {
        self.configure(config);
        self.withheld = self.target.withheld(config);
        self.scraped = true;
        let started = shared.clock.monotonic_ns();
        let mut memory = shared.scratches.lease();
        let fetched = match forced {
            Some(reason) => Fetched { error: Some(reason), body_bytes: 0, unnamed: false },
            None => self.fetch(shared, transport, &mut memory).await,
        };
        let mut outcome = match fetched.error {
            Some(reason) => {
                Outcome { error: Some(Refused { reason, kind: RefusedKind::Body }), ..Outcome::default() }
            }
            // An empty body is an empty scrape that succeeded, as in Prometheus.
            None if fetched.body_bytes == 0 => Outcome::default(),
            None => self.read(shared, memory.scratch(), at_ms).await,
        };
        if let Some(refused) = outcome.error.as_mut().filter(|_| self.mapped.foreign) {
            words::veil(&mut refused.reason, fetched.unnamed);
        }
        let empty = fetched.body_bytes <= 0;
        let seconds = shared.clock.monotonic_ns().saturating_sub(started) as f64 / 1e9;
        self.store(shared, memory.scratch(), outcome, empty, at_ms, seconds, fetched.body_bytes);
    }

    async fn fetch(&mut self, shared: &Shared, transport: &Transport, memory: &mut Lease<'_>) -> Fetched {
        let config = &self.mapped;
        let ask = Ask {
            url: &self.target.url,
            accept: &self.accept,
            user_agent: &shared.options.user_agent,
            compress: config.enable_compression,
            timeout_ms: self.target.timeout_ms,
            transport,
            trusted: self.withheld.is_none(),
            limit: config.body_size_limit,
        };
        let content_type = match http::fetch(&mut self.kept, &ask, memory).await {
            Ok(content_type) => content_type,
            Err(failure) => {
                shared.stats.body_size_limit.add(u64::from(failure.too_big));
                tracing::debug!(component = "scrape manager", scrape_pool = %self.target.pool, target = %self.target.url.as_str(), err = %failure, "Scrape failed");
                return Fetched {
                    body_bytes: if failure.too_big { -1 } else { 0 },
                    error: Some(failure.reason),
                    unnamed: false,
                };
            }
        };
        let scratch = memory.scratch();
        let body_bytes = scratch.buffers.body().len() as i64;
        if body_bytes == 0 {
            return Fetched { error: None, body_bytes, unnamed: false };
        }
        if !content_type.is_empty() && content_type == scratch.text_type {
            return Fetched { error: None, body_bytes, unnamed: false };
        }
        match judge(&content_type, config.fallback_protocol) {
            Verdict::Text => {
                scratch.text_type = content_type;
                Fetched { error: None, body_bytes, unnamed: false }
            }
            Verdict::Fallback(reason) => {
                tracing::debug!(component = "scrape manager", scrape_pool = %self.target.pool, target = %self.target.url.as_str(), content_type, err = reason, "Invalid content type on scrape, using fallback setting.");
                Fetched { error: None, body_bytes, unnamed: true }
            }
            Verdict::Refused(reason) => {
                tracing::error!(component = "scrape manager", scrape_pool = %self.target.pool, target = %self.target.url.as_str(), content_type, err = reason, "Failed to determine correct type of scrape target.");
                Fetched { error: Some(reason), body_bytes, unnamed: false }
            }
        }
    }

    /// Reads the body here, or on the CPU pool when it is big.
    async fn read(&mut self, shared: &Shared, scratch: &mut Box<Scratch>, at_ms: i64) -> Outcome {
        let job = ReadJob {
            config: Arc::clone(&self.mapped),
            target: Arc::clone(&self.target),
            at_ms,
            now_ms: shared.clock.now_ms(),
            relabel_all: self.relabel_all,
        };
        if scratch.buffers.body().len() < BIG_BODY {
            return job.run(&self.table, scratch, shared);
        }
        let template = self.template();
        let table = std::mem::replace(&mut self.table, Table::new(template));
        let moved = std::mem::take(scratch);
        let slot = Arc::new(std::sync::Mutex::new(Some((job, table, moved))));
        let (done, wait) = tokio::sync::oneshot::channel();
        let theirs = Arc::clone(&slot);
        let queued = shared.cpu.run(move || {
            let Some((job, table, mut scratch)) = take(&theirs) else { return };
            let outcome = job.run_caught(&table, &mut scratch);
            let _ = done.send((outcome, table, scratch));
        });
        if queued.is_ok()
            && let Ok((outcome, table, moved)) = wait.await
        {
            self.table = table;
            *scratch = moved;
            return caught(outcome, shared);
        }
        // The pool is full: better read here than not at all.
        let Some((job, table, moved)) = take(&slot) else {
            return bug("the reading of a body was lost", shared);
        };
        self.table = table;
        *scratch = moved;
        job.run(&self.table, scratch, shared)
    }

    #[allow(clippy::too_many_arguments)] // one call, and each is a plain fact of the scrape
    fn store(
        &mut self,
        shared: &Shared,
        scratch: &mut Scratch,
        outcome: Outcome,
        empty: bool,
        at_ms: i64,
        seconds: f64,
        body_bytes: i64,
    ) {
        let work = &mut scratch.work;
        let failed = outcome.error.is_some();
        if failed || empty {
            work.batch.clear();
            work.new_lines.clear();
            ingest::mark_all_stale(&self.table, at_ms, &mut work.batch);
        }
        let body_rows = (work.batch.slots.len(), work.batch.new.len());
        let report = Report {
            up: !failed,
            seconds,
            scraped: outcome.total,
            post_relabel: outcome.added,
            series_added: outcome.series_added,
            extra: self.mapped.extra_scrape_metrics.then(|| ExtraReport {
                timeout_seconds: self.target.timeout_ms as f64 / 1000.0,
                sample_limit: self.mapped.sample_limit,
                body_bytes,
            }),
        };
        self.reports.push(&report, &self.target.public, at_ms, &mut work.batch);
        let mut last = LastScrape {
            remarks: self.target.remarks(&self.mapped, self.withheld.is_some()),
            at_ms,
            seconds,
            error: outcome.error.as_ref().map(|r| r.reason.clone()).unwrap_or_default(),
            warning: String::new(),
            samples: outcome.total,
            series_added: outcome.series_added,
            body_bytes: body_bytes.max(0) as u64,
        };
        count(shared, &outcome);
        match shared.sink.commit(&work.batch) {
            Ok(committed) => {
                shared.stats.samples.add(work.batch.len() as u64 - committed.refused.len() as u64);
                last.warning = self.settle(shared, work, outcome, empty, &committed, body_rows, at_ms);
            }
            Err(e) => {
                shared.stats.failed_commits.add(1);
                tracing::error!(component = "scrape manager", scrape_pool = %self.target.pool, target = %self.target.url.as_str(), err = %e, "Scrape commit failed");
                last.warning = format!("samples were not stored: {e}");
            }
        }
        if let Some(hosts) = &self.withheld
            && last.warning.is_empty()
        {
            last.warning.clone_from(hosts);
        }
        self.target.report(last);
    }

    /// Marks everything stale and gives all slots up: the target is gone for good.
    pub(crate) fn end(&mut self, shared: &Shared, stale_at_ms: Option<i64>) {
        if let Some(t) = stale_at_ms {
            let mut batch = Batch::default();
            ingest::mark_all_stale(&self.table, t, &mut batch);
            self.reports.push_stale(t, &mut batch);
            // Rows that are refused belong to a target that came back: it has newer samples.
            if let Err(e) = shared.sink.commit(&batch) {
                tracing::warn!(component = "scrape manager", scrape_pool = %self.target.pool, target = %self.target.url.as_str(), err = %e, "Stale commit failed");
            }
        }
        let slots: Vec<Slot> = self.table.slots().chain(self.reports.known()).collect();
        shared.sink.release(&slots);
        self.table = Table::new(shared.templates.intern(Template::empty()));
        self.reports = ReportSlots::default();
    }
}

/// Everything that reading a body needs besides the table.
struct ReadJob {
    config: Arc<PoolConfig>,
    target: Arc<Target>,
    at_ms: i64,
    now_ms: i64,
    relabel_all: bool,
}

impl ReadJob {
    fn run(&self, table: &Table, scratch: &mut Scratch, shared: &Shared) -> Outcome {
        let outcome = self.run_caught(table, scratch);
        caught(outcome, shared)
    }

    /// `None` when reading panicked; table and body are as they were.
    fn run_caught(&self, table: &Table, scratch: &mut Scratch) -> Option<Outcome> {
        let context = Context {
            config: &self.config,
            target: &self.target.public,
            at_ms: self.at_ms,
            now_ms: self.now_ms,
            relabel_all: self.relabel_all,
        };
        let Scratch { buffers, work, .. } = scratch;
        catch_unwind(AssertUnwindSafe(|| ingest::read(buffers.body(), table, &context, work))).ok()
    }
}

fn caught(outcome: Option<Outcome>, shared: &Shared) -> Outcome {
    outcome.unwrap_or_else(|| bug("reading the body panicked", shared))
}

fn bug(what: &str, shared: &Shared) -> Outcome {
    shared.stats.panics.add(1);
    tracing::error!(component = "scrape manager", "BUG: {what}");
    Outcome {
        error: Some(Refused { reason: format!("BUG: {what}"), kind: RefusedKind::Body }),
        ..Outcome::default()
    }
}

fn take<T>(slot: &std::sync::Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}

fn count(shared: &Shared, outcome: &Outcome) {
    let stats = &shared.stats;
    stats.scrapes.add(1);
    match &outcome.error {
        None if outcome.change.is_some() => stats.rebuilt.add(1),
        None if outcome.total > 0 => stats.predicted.add(1),
        None => {}
        Some(r) => match r.kind {
            RefusedKind::SampleLimit => stats.sample_limit.add(1),
            RefusedKind::LabelLimit => stats.label_limits.add(1),
            RefusedKind::Body => {}
        },
    }
}
