//! The series that a scrape makes of itself: `up` and `scrape_*`.

use tortie_model::Labels;
use tortie_model::labels::METRIC_NAME;
use tortie_model::stale::stale_nan;
use tortie_tsdb::append::{Batch, Slot};

/// Names in the order of their values; the last three only with `extra_scrape_metrics`.
const NAMES: [&str; 8] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "scrape_sample_limit",
    "scrape_body_size_bytes",
];

/// Values of one scrape.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub(crate) up: bool,
    pub(crate) seconds: f64,
    pub(crate) scraped: u64,
    pub(crate) post_relabel: u64,
    pub(crate) series_added: u64,
    pub(crate) extra: Option<ExtraReport>,
}

/// Values of the additional series.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExtraReport {
    pub(crate) timeout_seconds: f64,
    pub(crate) sample_limit: u64,
    /// Uncompressed bytes, 0 for a failed scrape, -1 for a body over the limit.
    pub(crate) body_bytes: i64,
}

/// Slots of a target's report series.
#[derive(Debug, Default)]
pub(crate) struct ReportSlots([Option<Slot>; NAMES.len()]);

impl ReportSlots {
    /// Appends the rows of a report. [`ReportSlots::learn`] must follow the commit.
    pub(crate) fn push(&self, report: &Report, target: &Labels, t: i64, batch: &mut Batch) {
        let values = [
            f64::from(u8::from(report.up)),
            report.seconds,
            report.scraped as f64,
            report.post_relabel as f64,
            report.series_added as f64,
        ];
        let extra =
            report.extra.iter().flat_map(|e| [e.timeout_seconds, e.sample_limit as f64, e.body_bytes as f64]);
        for ((name, slot), v) in NAMES.iter().zip(&self.0).zip(values.into_iter().chain(extra)) {
            match slot {
                Some(slot) => batch.push(*slot, t, v),
                None => batch.push_new(with_name(target, name), t, v),
            }
        }
    }

    /// Takes the slots of the rows that were new, in their order.
    pub(crate) fn learn(&mut self, new: &[Option<Slot>]) {
        let unknown = self.0.iter_mut().filter(|s| s.is_none());
        for (slot, new) in unknown.zip(new) {
            *slot = *new;
        }
    }

    /// Appends stale markers for all that are known.
    pub(crate) fn push_stale(&self, t: i64, batch: &mut Batch) {
        for slot in self.known() {
            batch.push(slot, t, stale_nan());
        }
    }

    /// Slots held.
    pub(crate) fn known(&self) -> impl Iterator<Item = Slot> {
        self.0.iter().flatten().copied()
    }
}

/// Labels of the target with a name; a `__name__` can not be among those of a target, which are public.
fn with_name(target: &Labels, name: &str) -> Labels {
    let mut lb = target.builder();
    lb.set(METRIC_NAME, name);
    lb.labels()
}
