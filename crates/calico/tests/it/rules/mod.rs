//! A healthy day is silent, and each fault of the simulated processes fires its alerts and no others.

mod client;
mod firing;
mod history;
mod units;

use firing::firing;
use history::History;
use tortie_sim::{Fault, Release};

const MINUTE: i64 = 60_000;
/// 2026-01-05 00:00 UTC, a Monday.
const MIDNIGHT: i64 = 1_767_571_200_000;

#[test]
fn a_healthy_day_fires_nothing_but_the_watchdog() {
    let mut history = History::start((3, 30), MIDNIGHT);
    history.go_on(24 * 60);
    assert!(history.samples() > 200_000, "{} samples", history.samples());
    assert_eq!(firing(&history), ["Watchdog"]);
}

/// Half an hour of health, half an hour of a fault.
#[track_caller]
fn check(release: Release, fault: Fault, expect: &[&str]) {
    let mut history = History::start(release, MIDNIGHT + 120 * MINUTE);
    history.go_on(30);
    history.inject(fault);
    history.go_on(30);
    assert_eq!(firing(&history), expect, "{fault:?} in {release:?}");
}

#[test]
fn a_felix_that_is_gone() {
    check((3, 30), Fault::FelixDown, &["CalicoFelixDown", "Watchdog"]);
}

#[test]
fn an_answer_that_cannot_be_read() {
    check((3, 30), Fault::FelixGarbage, &["CalicoFelixDown", "Watchdog"]);
    check((3, 30), Fault::FelixHalfBody, &["CalicoFelixDown", "Watchdog"]);
}

#[test]
fn typha_without_metrics() {
    check((3, 30), Fault::TyphaMetricsOff, &["CalicoTyphaAbsent", "CalicoTyphaDown", "Watchdog"]);
}

/// From 3.33 on what answers in the place of Felix has `felix_*` too, at zero: none of it may be taken for Felix.
#[test]
fn typha_in_the_place_of_felix() {
    let expect = ["CalicoFelixWrongProcess", "CalicoTyphaDown", "Watchdog"];
    check((3, 30), Fault::TyphaOnFelixPort, &expect);
    check((3, 33), Fault::TyphaOnFelixPort, &expect);
}

#[test]
fn kube_controllers_that_answers_too_late() {
    check((3, 30), Fault::KubeControllersSlow, &["CalicoKubeControllersDown", "Watchdog"]);
}
