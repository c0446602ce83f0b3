//! After a restart alerts go on where storage left them.

use crate::rig::{Rig, alert, spec};
use std::sync::Arc;
use tortie_rules::{Group, Options, restore};

const SECOND: i64 = 1_000_000_000;

/// Alerts of a rule with `for` 20 minutes that was pending since second 0 until `down`; the server comes back at `up`.
fn come_back(down: i64, up: i64, for_s: i64) -> (Rig, Group) {
    let before = Rig::new();
    let rules = || spec(vec![alert("Down", "up == 0", for_s, 0)]);
    let old = Group::new(rules(), false);
    for t in (0..=down).step_by(60) {
        before.put("up", &[("job", "a")], t, 0.0);
        before.evaluate(&old, t);
    }
    let after = Rig::with(Arc::clone(&before.store), Options::default());
    let new = Group::new(rules(), true);
    for t in [up, up + 60] {
        after.put("up", &[("job", "a")], t, 0.0);
        after.evaluate(&new, t);
    }
    restore::restore(&new, &after.env, (up + 60) * SECOND);
    (after, new)
}

fn active_at(group: &Group) -> i64 {
    group.rules[0].active_alerts()[0].active_at / SECOND
}

#[test]
fn series_of_alerts_are_written_only_after_the_restoration() {
    let (rig, g) = come_back(600, 1200, 1200);
    let rows = |t: i64| rig.ask("ALERTS_FOR_STATE", t).len();
    // The last row before the outage is too old by then.
    assert_eq!(rows(1260), 0);
    rig.put("up", &[("job", "a")], 1320, 0.0);
    rig.evaluate(&g, 1320);
    assert_eq!(rows(1320), 1);
}

#[test]
fn the_time_of_the_outage_does_not_count() {
    // 10 of 20 minutes were over: 10 are left, from now on.
    let (_, g) = come_back(600, 1200, 1200);
    assert_eq!(active_at(&g), 660);
}

#[test]
fn what_fired_fires_again() {
    let (rig, g) = come_back(1260, 1800, 1200);
    assert_eq!(active_at(&g), 0);
    rig.put("up", &[("job", "a")], 1920, 0.0);
    rig.evaluate(&g, 1920);
    assert_eq!(rig.heard.take(), [r#"firing {"alertname": "Down", "job": "a"} 1920..2160"#]);
}

#[test]
fn a_short_rest_becomes_the_grace_period() {
    // 4 minutes are left: it waits 10.
    let (_, g) = come_back(960, 1200, 1200);
    assert_eq!(active_at(&g), 1260 + 600 - 1200);
}

#[test]
fn short_waits_and_long_outages_begin_anew() {
    let (_, g) = come_back(60, 1200, 300);
    assert_eq!(active_at(&g), 1200);
    let (_, g) = come_back(600, 6000, 1200);
    assert_eq!(active_at(&g), 6000);
}
