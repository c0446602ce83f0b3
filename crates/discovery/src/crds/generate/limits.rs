//! Limits of a job, and what a Prometheus object enforces.

use super::Maker;
use super::doc::Map;
use crate::crds::bytes;
use crate::crds::types::{Limits, NativeHistograms};

type Limit = (&'static str, &'static str, Option<i64>, Option<i64>);

impl Maker<'_> {
    /// The limits with their names, the version they came with, what `of` says, and what is enforced.
    fn pairs(&self, of: &Limits) -> [Limit; 6] {
        let e = &self.prometheus.spec;
        [
            ("sample_limit", "0.0.0", of.sample_limit, e.enforced_sample_limit),
            ("target_limit", "2.21.0", of.target_limit, e.enforced_target_limit),
            ("label_limit", "2.27.0", of.label_limit, e.enforced_label_limit),
            (
                "label_name_length_limit",
                "2.27.0",
                of.label_name_length_limit,
                e.enforced_label_name_length_limit,
            ),
            (
                "label_value_length_limit",
                "2.27.0",
                of.label_value_length_limit,
                e.enforced_label_value_length_limit,
            ),
            ("keep_dropped_targets", "2.47.0", of.keep_dropped_targets, e.enforced_keep_dropped_targets),
        ]
    }

    /// Limits of a job: the smaller one counts. Since 2.45 the global section holds what is enforced on jobs without.
    pub(super) fn job_limits(&self, out: &mut Map<'_>, of: &Limits) {
        let global = self.version.since("2.45.0");
        for (name, minimum, own, enforced) in self.pairs(of) {
            let (own_set, enforced_set) = (own.unwrap_or(0) != 0, enforced.unwrap_or(0) != 0);
            let value = match (own_set, enforced_set) {
                (_, false) => own,
                (false, true) if global => None,
                (false, true) => enforced,
                (true, true) => own.min(enforced),
            };
            out.since(minimum, name, value);
        }
    }

    /// Limits of the global section.
    pub(super) fn global_limits(&self, out: &mut Map<'_>) {
        let spec = &self.prometheus.spec;
        let enforced = Some(&spec.enforced_body_size_limit).filter(|e| !e.is_empty());
        out.since("2.45.0", "body_size_limit", spec.body_size_limit.as_ref().or(enforced));
        for (name, _, own, enforced) in self.pairs(&spec.limits) {
            let positive = |v: Option<i64>| v.filter(|v| *v > 0);
            let value = match (positive(own), positive(enforced)) {
                (Some(own), Some(enforced)) => Some(own.min(enforced)),
                (own, enforced) => own.or(enforced),
            };
            let minimum = if name == "keep_dropped_targets" { "2.47.0" } else { "2.45.0" };
            out.since(minimum, name, value);
        }
    }

    /// The smaller of a job's and the enforced one.
    pub(super) fn body_size(&self, out: &mut Map<'_>, own: Option<&String>) {
        let enforced = &self.prometheus.spec.enforced_body_size_limit;
        let own = own.filter(|o| !o.is_empty());
        let value = match (own, enforced.is_empty()) {
            (own, true) => own,
            (None, false) => Some(enforced),
            (Some(own), false) => {
                let of = |text: &str| bytes::parse(text).unwrap_or(0);
                Some(if of(own) > of(enforced) { enforced } else { own })
            }
        };
        out.since("2.28.0", "body_size_limit", value);
    }

    pub(super) fn histograms(&self, out: &mut Map<'_>, h: &NativeHistograms) {
        out.since("3.8.0", "scrape_native_histograms", h.scrape_native_histograms);
        out.since("2.45.0", "native_histogram_bucket_limit", h.native_histogram_bucket_limit);
        let factor = h.native_histogram_min_bucket_factor.as_ref().map(bytes::quantity);
        out.since("2.50.0", "native_histogram_min_bucket_factor", factor);
        if self.version.major() == 3 {
            out.maybe("always_scrape_classic_histograms", h.scrape_classic_histograms);
        } else {
            out.since("2.45.0", "scrape_classic_histograms", h.scrape_classic_histograms);
        }
        out.since("3.0.0", "convert_classic_histograms_to_nhcb", h.convert_classic_histograms_to_nhcb);
    }
}
