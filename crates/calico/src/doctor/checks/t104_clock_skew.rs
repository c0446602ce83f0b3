//! # Prometheus' clock agrees with the API server's
//!
//! **Looks at** the time that Prometheus gives, against the `Date` of the API server's answers; where those have none, against
//! the clock of the machine on which the doctor runs.
//!
//! **Why it breaks silently.** Prometheus stamps samples with its own clock. A clock that runs behind makes fresh samples
//! look stale (a query "now" finds nothing after five minutes), one that runs ahead writes into the future; alerts with
//! `for:` fire late or never. Everything is `up`.
//!
//! **How to mend.** When every replica is off by the same, it is the other clock that is wrong: see first whether the API server's
//! (or this machine's) is right. Otherwise let the node that runs Prometheus keep time again (chrony, systemd-timesyncd; a
//! hypervisor that suspends guests). No command in the cluster can.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::snapshot::Collector;

pub(crate) static CHECK: Check = Check {
    id: "T104",
    slug: "clock-skew",
    title: "Prometheus' clock agrees with the API server's",
    station: Station::Fresh,
    level: Level::Warn,
    needs: &["T101"],
    evidence: &[Evidence::Prometheus],
    symptom: false,
    judge,
};

/// Seconds of difference that a network and a second's rounding cannot explain.
const TOLERATED: i64 = 30;

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let judged: Vec<Judged> = facts.snap.collectors.iter().filter_map(|c| of_collector(facts, c)).collect();
    if !judged.is_empty() {
        return judged;
    }
    let reason = "no Prometheus told its time";
    vec![if facts.running() {
        Judged::unknown(Entity::cluster(), reason)
    } else {
        Judged::skipped(Entity::cluster(), reason)
    }]
}

fn of_collector(facts: &Facts<'_>, collector: &Collector) -> Option<Judged> {
    let seconds = collector.clock_ahead? / 1000;
    let mut entity = Entity::cluster();
    if !collector.object.is_empty() {
        entity = Entity::prometheus(collector.object.clone());
    }
    if seconds.abs() < TOLERATED {
        return Some(Judged::pass(entity));
    }
    let other = if facts.snap.machine_ahead.is_some() { "the API server's" } else { "this machine's" };
    let way = if seconds > 0 { "ahead of" } else { "behind" };
    let finding =
        Finding::new(format!("the clock of {} is {} s {way} {other}", collector.replica, seconds.abs()))
            .confidence(Confidence::Observed)
            .row(collector.replica.clone(), skew(seconds), "samples look stale or lie in the future");
    let finding = match facts.snap.machine_ahead.map(|ms| ms / 1000).filter(|s| s.abs() >= TOLERATED) {
        Some(s) => finding.row("this machine", skew(s), ""),
        None => finding,
    };
    let finding = finding.fix(Fix::Outside(format!(
        "look at {other} clock first; if it is right, let the node that runs this replica keep time (chrony or systemd-timesyncd)"
    )));
    Some(Judged::warn(entity.item(collector.replica.clone()), finding))
}

fn skew(seconds: i64) -> String {
    format!("{} s {}", seconds.abs(), if seconds > 0 { "ahead" } else { "behind" })
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, running};
    use tortie_sim::installs::Options;

    fn skewed(ms: i64) -> crate::snapshot::Snapshot {
        let mut snap = running(&Options::default(), |_| {});
        for collector in &mut snap.collectors {
            collector.clock_ahead = Some(ms);
            collector.replica = "pod/prometheus-0".into();
        }
        snap
    }

    #[track_caller]
    fn check(ms: i64, expect: &[&str]) {
        let got: Vec<String> = findings("T104", &skewed(ms))
            .iter()
            .map(|l| l.rsplit(": ").next().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(got, expect, "{ms}");
    }

    #[test]
    fn a_clock_may_differ_a_little() {
        check(900, &[]);
        check(-29_999, &[]);
        check(94_000, &["the clock of pod/prometheus-0 is 94 s ahead of this machine's"]);
        check(-400_000, &["the clock of pod/prometheus-0 is 400 s behind this machine's"]);
    }

    #[test]
    fn the_api_servers_clock_decides_where_it_is_known() {
        let mut snap = skewed(94_000);
        snap.machine_ahead = Some(-3_600_000);
        assert!(findings("T104", &snap)[0].ends_with("is 94 s ahead of the API server's"));
        // A machine that is wrong by itself is nothing that breaks a chain.
        let mut snap = skewed(100);
        snap.machine_ahead = Some(-3_600_000);
        assert_eq!(findings("T104", &snap), [""; 0]);
    }

    #[test]
    fn only_the_node_can_mend_it() {
        assert_eq!(
            mends("T104", &skewed(94_000)),
            [
                "outside: look at this machine's clock first; if it is right, let the node that runs this replica keep time (chrony or systemd-timesyncd)"
            ]
        );
    }
}
