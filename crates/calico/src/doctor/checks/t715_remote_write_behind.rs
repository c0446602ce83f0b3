//! # Remote write keeps up
//!
//! **Looks at** how far the queue of each `remoteWrite` is behind the newest sample, and whether samples are given up.
//!
//! **Why it breaks silently.** Dashboards and alerts often read the remote store. Prometheus itself is fine, its targets are
//! up, and the store lags or has holes.
//!
//! **How to mend.** Look at the store's answers in Prometheus' log (429, 5xx, 401), and at `maxShards` of the queue.

use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::questions;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T715",
    slug: "remote-write-behind",
    title: "remote write keeps up",
    station: Station::Fresh,
    level: Level::Warn,
    needs: &["T701"],
    evidence: &[Evidence::Prometheus],
    symptom: false,
    judge,
};

/// Seconds behind from which on it is a lag; Prometheus' own mixin alerts at the same number.
const LATE: f64 = 120.0;

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if !questions::writes_remotely(facts) {
        return vec![Judged::skipped(Entity::cluster(), "no remote write is set up")];
    }
    if let Some(judged) = unasked(facts, Entity::cluster()) {
        return vec![judged];
    }
    let samples = |query: &str| facts.answer(query).and_then(Result::ok);
    let Some(lag) = samples(&questions::remote_lag()) else {
        return vec![Judged::unknown(
            Entity::cluster(),
            "Prometheus did not say how far remote write is behind",
        )];
    };
    let name = |s: &crate::snapshot::Sample| s.labels.get("remote_name").cloned().unwrap_or_default();
    let late: Vec<_> = lag.iter().filter(|s| s.value > LATE).collect();
    let failed = samples(&questions::remote_failed()).unwrap_or_default();
    let failing: Vec<_> = failed.iter().filter(|s| s.value > 0.0).collect();
    let title = match (late.first(), failing.first()) {
        (Some(s), _) => format!("remote write {} is {:.0} s behind", name(s), s.value),
        (None, Some(s)) => format!("remote write {} gives up {:.1} samples a second", name(s), s.value),
        (None, None) => return vec![Judged::pass(Entity::cluster())],
    };
    let mut finding = Finding::new(title).confidence(Confidence::Observed);
    for s in late {
        finding = finding.row(name(s), format!("{:.0} s behind", s.value), "");
    }
    for s in failing {
        finding = finding.row(name(s), format!("{:.1}/s", s.value), "given up");
    }
    finding.cause.path = "remoteWrite".to_owned();
    let fix = Fix::Outside(
        "read Prometheus' log for the remote's answers (401, 429, 5xx) and mend that side first".to_owned(),
    );
    vec![Judged::warn(Entity::cluster(), finding.fix(fix))]
}

#[cfg(test)]
mod tests {
    use crate::doctor::questions;
    use crate::testing::{findings, running, with_answer};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(lag: f64, expect: &[&str]) {
        let snap = running(&Options::default(), |o| {
            set(
                o.get("Prometheus", "prometheus-kube-prometheus-prometheus"),
                "/spec/remoteWrite",
                json!([{"url": "http://x"}]),
            );
        });
        let snap = with_answer(snap, &questions::remote_lag(), &[("{remote_name=\"abc\"}", lag)]);
        assert_eq!(findings("T715", &snap), expect);
    }

    #[test]
    fn a_queue_that_lags_is_a_warning() {
        check(4.0, &[]);
        check(840.0, &["warn cluster: remote write abc is 840 s behind"]);
        assert_eq!(findings("T715", &running(&Options::default(), |_| {})), Vec::<String>::new());
    }
}
