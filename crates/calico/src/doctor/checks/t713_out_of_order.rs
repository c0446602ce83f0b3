//! # Prometheus refuses no samples
//!
//! **Looks at** Prometheus' own counters of samples that it refused within 15 minutes: out of order, or a second value for one
//! instant.
//!
//! **Why it breaks silently.** The scrape counts as good and `up` stays 1; only the refused samples are missing. The counters
//! are Prometheus' own and do not say which job it was, so this is only worth knowing unless a Calico target shows the cause
//! (T709, T712).
//!
//! **How to mend.** Two targets with the same labels, two Prometheus that write into one, or a clock that jumped.

use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::questions;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T713",
    slug: "out-of-order",
    title: "Prometheus refuses no samples",
    station: Station::Fresh,
    level: Level::Warn,
    needs: &["T710"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if let Some(judged) = unasked(facts, Entity::cluster()) {
        return vec![judged];
    }
    let count = |reason: &str| -> f64 {
        let answer = facts.answer(&questions::refused(reason)).and_then(Result::ok).unwrap_or_default();
        answer.iter().map(|s| s.value).sum()
    };
    let (late, twice) = (count("out_of_order"), count("duplicate_timestamp"));
    if late < 1.0 && twice < 1.0 {
        return vec![Judged::pass(Entity::cluster())];
    }
    let all = (late + twice).round() as usize;
    let mut finding = Finding::new(format!("Prometheus refused {} in 15 minutes", counted(all, "sample")))
        .confidence(Confidence::Observed)
        .row("out of order", format!("{late:.0}"), "")
        .row("second value for one instant", format!("{twice:.0}"), "");
    finding.cause.path = "refused samples".to_owned();
    let fix = Fix::Outside("look for two targets with the same labels, or two senders of one series; Prometheus' log names the series".to_owned());
    vec![Judged::info(Entity::cluster(), finding.fix(fix))]
}

#[cfg(test)]
mod tests {
    use crate::doctor::questions;
    use crate::testing::{findings, running, with_answer};
    use tortie_sim::installs::Options;

    #[test]
    fn refused_samples_are_worth_knowing() {
        let snap = running(&Options::default(), |_| {});
        let none = with_answer(snap.clone(), &questions::refused("duplicate_timestamp"), &[("{}", 0.0)]);
        assert_eq!(findings("T713", &none), Vec::<String>::new());
        let some = with_answer(snap, &questions::refused("duplicate_timestamp"), &[("{}", 41.0)]);
        assert_eq!(findings("T713", &some), ["info cluster: Prometheus refused 41 samples in 15 minutes"]);
    }
}
