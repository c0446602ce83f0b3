//! The life of alerts.

use crate::rig::{Rig, alert, error_of, group, spec};
use std::sync::Arc;
use tortie_rules::AlertState;
use tortie_rules::Group;

fn states(group: &Group) -> Vec<&'static str> {
    group.rules[0].active_alerts().iter().map(|a| a.state.as_str()).collect()
}

#[test]
fn an_alert_waits_fires_and_is_resolved() {
    let rig = Rig::new();
    let g = group(vec![alert("Down", "up == 0", 120, 0)]);
    assert_eq!(g.rules[0].standing().state, AlertState::Unknown);
    for t in [0, 60, 120] {
        rig.put("up", &[("job", "a")], t, 0.0);
    }
    rig.evaluate(&g, 0);
    assert_eq!(states(&g), ["pending"]);
    assert!(rig.heard.take().is_empty());
    assert_eq!(
        rig.ask("ALERTS", 0),
        [r#"{"__name__": "ALERTS", "alertname": "Down", "alertstate": "pending", "job": "a"} 1"#]
    );
    rig.evaluate(&g, 60);
    rig.evaluate(&g, 120);
    assert_eq!(states(&g), ["firing"]);
    assert_eq!(rig.heard.take(), [r#"firing {"alertname": "Down", "job": "a"} 120..360"#]);
    assert_eq!(
        rig.ask("ALERTS", 120),
        [r#"{"__name__": "ALERTS", "alertname": "Down", "alertstate": "firing", "job": "a"} 1"#]
    );
    assert_eq!(
        rig.ask("ALERTS_FOR_STATE", 120),
        [r#"{"__name__": "ALERTS_FOR_STATE", "alertname": "Down", "job": "a"} 0"#]
    );
    rig.put("up", &[("job", "a")], 180, 1.0);
    rig.evaluate(&g, 180);
    assert!(states(&g).is_empty());
    assert_eq!(g.rules[0].standing().state, AlertState::Inactive);
    assert_eq!(rig.heard.take(), [r#"resolved {"alertname": "Down", "job": "a"} 120..180"#]);
    assert!(rig.ask("{__name__=~\"ALERTS.*\"}", 180).is_empty());
}

#[test]
fn resolved_alerts_are_repeated_for_a_quarter_of_an_hour() {
    let rig = Rig::new();
    let g = group(vec![alert("Down", "up == 0", 0, 0)]);
    rig.put("up", &[], 0, 0.0);
    rig.put("up", &[], 60, 1.0);
    rig.evaluate(&g, 0);
    rig.evaluate(&g, 60);
    rig.heard.take();
    let mut told = 0;
    for minute in 2..40 {
        rig.put("up", &[], minute * 60, 1.0);
        rig.evaluate(&g, minute * 60);
        told += rig.heard.take().len();
    }
    // A notice every second minute, as the delay must be over; the alert goes after minute 16.
    assert_eq!(told, 7);
    assert_eq!(g.rules[0].alerts_held(), 0);
}

#[test]
fn firing_alerts_are_repeated_after_the_delay() {
    let rig = Rig::new();
    let g = group(vec![alert("Down", "up == 0", 0, 0)]);
    let mut told = Vec::new();
    for t in (0..=300).step_by(30) {
        rig.put("up", &[], t, 0.0);
        rig.evaluate(&g, t);
        told.extend(rig.heard.take().iter().map(|_| t));
    }
    assert_eq!(told, [0, 90, 180, 270]);
}

#[test]
fn a12_a_notice_holds_for_four_times_the_longer_of_interval_and_delay() {
    let check = |interval_s: i64, delay_s: i64, expect: i64| {
        let options = tortie_rules::Options { resend_delay_ms: delay_s * 1000, ..Default::default() };
        let rig = Rig::with(Default::default(), options);
        let spec = tortie_rules::GroupSpec {
            interval_ms: interval_s * 1000,
            ..spec(vec![alert("On", "vector(1)", 0, 0)])
        };
        rig.evaluate(&Group::new(spec, false), 1000);
        let heard = rig.heard.0.lock().unwrap();
        assert_eq!((heard[0].ends_at_ms / 1000, heard[0].starts_at_ms / 1000), (1000 + expect, 1000));
    };
    check(15, 60, 240);
    check(300, 60, 1200);
    check(1, 1, 4);
}

#[test]
fn an_alert_fires_on_without_its_series_for_a_while() {
    let rig = Rig::new();
    let g = group(vec![alert("Down", "up == 0", 0, 120)]);
    let up = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    let mut seen = Vec::new();
    for (i, v) in up.into_iter().enumerate() {
        let t = i as i64 * 60;
        rig.put("up", &[], t, v);
        rig.evaluate(&g, t);
        seen.push(states(&g).len());
    }
    assert_eq!(seen, [1, 1, 1, 1, 1, 1, 0]);
}

#[test]
fn pending_alerts_go_without_a_word() {
    let rig = Rig::new();
    let g = group(vec![alert("Down", "up == 0", 300, 60)]);
    rig.put("up", &[], 0, 0.0);
    rig.evaluate(&g, 0);
    rig.put("up", &[], 60, 1.0);
    rig.evaluate(&g, 60);
    assert_eq!(g.rules[0].alerts_held(), 0);
    assert!(rig.heard.take().is_empty());
}

#[test]
fn labels_and_annotations_are_templates_and_errors_stand_in_them() {
    let rig = Rig::new();
    let mut rule = alert("Down", "up == 0", 0, 0);
    rule.labels = vec![
        ("bad".to_owned(), "{{ nonsense }}".to_owned()),
        ("who".to_owned(), "{{ $labels.job }}-{{ $value }}".to_owned()),
    ];
    let g = group(vec![rule]);
    rig.put("up", &[("job", "a")], 0, 0.0);
    rig.evaluate(&g, 0);
    let [a] = g.rules[0].active_alerts().try_into().unwrap_or_else(|_| panic!("one alert"));
    assert_eq!(a.labels.get("who"), Some("a-0"));
    assert_eq!(
        a.labels.get("bad"),
        Some(
            "<error expanding template: error parsing template __alert_Down: template: __alert_Down:1: function \"nonsense\" not defined>"
        )
    );
    assert_eq!(*a.annotations, [("summary".to_owned(), "a is 0".to_owned())]);
    assert_eq!(a.state, AlertState::Firing);
}

#[test]
fn templates_may_ask() {
    let rig = Rig::new();
    let mut rule = alert("Down", "up == 0", 0, 0);
    rule.labels =
        vec![("sum".to_owned(), "{{ with query \"sum(x)\" }}{{ . | first | value }}{{ end }}".to_owned())];
    let g = group(vec![rule]);
    rig.put("up", &[], 0, 0.0);
    rig.put("x", &[("i", "1")], 0, 3.0);
    rig.put("x", &[("i", "2")], 0, 4.0);
    rig.evaluate(&g, 0);
    assert_eq!(g.rules[0].active_alerts()[0].labels.get("sum"), Some("7"));
}

#[test]
fn alerts_of_the_same_labels_are_an_error() {
    let rig = Rig::new();
    let mut rule = alert("Down", "up == 0", 0, 0);
    rule.labels = vec![("job".to_owned(), "x".to_owned())];
    let g = group(vec![rule]);
    rig.put("up", &[("job", "a")], 0, 0.0);
    rig.put("up", &[("job", "b")], 0, 0.0);
    rig.evaluate(&g, 0);
    assert_eq!(
        error_of(&g, 0).as_deref(),
        Some("vector contains metrics with the same labelset after applying alert labels")
    );
}

#[test]
fn a_panic_is_an_error_of_its_rule_alone() {
    struct Panics;
    impl tortie_rules::Notify for Panics {
        fn notify(&self, _: Vec<tortie_rules::Notice>) {
            panic!("on purpose");
        }
    }
    let rig = Rig::new();
    let env = tortie_rules::Environment::new(
        Arc::clone(&rig.store) as _,
        Arc::new(tortie_rules::GoTemplates::default()),
        Arc::new(Panics),
        Arc::new(tortie_host::ManualClock::at(0)),
        Default::default(),
        Default::default(),
    );
    let g = group(vec![alert("Down", "up == 0", 0, 0), crate::rig::record("r", "up")]);
    rig.put("up", &[], 0, 0.0);
    g.evaluate(&env, 0);
    assert!(error_of(&g, 0).is_some_and(|e| e.starts_with("BUG:")));
    assert_eq!(env.counters.panics(), 1);
    assert_eq!(rig.ask("r", 0).len(), 1);
    assert!(error_of(&g, 1).is_none());
}

#[test]
fn a_series_that_one_alert_leaves_and_another_begins_goes_on() {
    let rig = Rig::new();
    // Their own label is lost in `ALERTS`, where they share a series.
    let g = group(vec![alert("Of", "x > 0", 60, 0)]);
    let shown = |t: i64| rig.ask("ALERTS", t).len();
    rig.put("x", &[("alertstate", "a")], 0, 1.0);
    rig.evaluate(&g, 0);
    rig.put("x", &[("alertstate", "a")], 60, 1.0);
    rig.put("x", &[("alertstate", "b")], 60, 1.0);
    rig.evaluate(&g, 60);
    assert_eq!((shown(0), shown(60)), (1, 2), "the second is pending, the first fires");
    rig.put("x", &[("alertstate", "a")], 120, 1.0);
    rig.put("x", &[("alertstate", "b")], 120, 1.0);
    rig.evaluate(&g, 120);
    assert_eq!(rig.ask("ALERTS{alertstate=\"pending\"}", 120), Vec::<String>::new());
    assert_eq!(
        rig.ask("ALERTS", 120),
        [r#"{"__name__": "ALERTS", "alertname": "Of", "alertstate": "firing"} 1"#]
    );
}

#[test]
fn series_of_alerts_follow_their_states_over_an_evaluation_that_a_limit_refuses() {
    let rig = Rig::new();
    let spec = tortie_rules::GroupSpec { limit: 2, ..spec(vec![alert("Down", "up == 0", 60, 0)]) };
    let g = Group::new(spec, false);
    let mut seen = Vec::new();
    // How many are down; three are one too many.
    for (i, down) in [2, 2, 3, 2, 2, 1, 0].into_iter().enumerate() {
        let t = i as i64 * 60;
        for job in 0..3 {
            rig.put("up", &[("job", &format!("j{job}"))], t, if job < down { 0.0 } else { 1.0 });
        }
        rig.evaluate(&g, t);
        seen.push((
            rig.ask("count by (alertstate) (ALERTS) or vector(0)", t).join(" "),
            error_of(&g, 0).is_some(),
        ));
    }
    let pending = r#"{"alertstate": "pending"} 2 {} 0"#.to_owned();
    let firing = |n: usize| format!(r#"{{"alertstate": "firing"}} {n} {{}} 0"#);
    let expect = [
        (pending.clone(), false),
        (firing(2), false),
        // Refused whole: what was written last stands.
        (firing(2), true),
        // They begin anew.
        (pending, false),
        (firing(2), false),
        (firing(1), false),
        ("{} 0".to_owned(), false),
    ];
    assert_eq!(seen, expect);
    assert!(rig.ask("{__name__=~\"ALERTS.*\"}", 360).is_empty());
}
