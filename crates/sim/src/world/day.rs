//! The shape of a day: how much happens in each second.

use super::{Shape, rng};

/// How busy the cluster is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// 1 is the load of the recordings.
    pub activity: f64,
    /// Policies changed per second.
    pub policy_edits: f64,
    /// Pods relabelled per second and node.
    pub labels: f64,
    /// Pods that come or go per second and node.
    pub churn: f64,
    /// Pods that go without their address per second and node.
    pub leaks: f64,
    /// Pods that a node tends to have.
    pub pods: f64,
    /// Policies that a storm has brought.
    pub storm_policies: u32,
    /// Share of the filling pool that is in use.
    pub pool_fill: f64,
}

const DAY: i64 = 86_400;
const HOUR: i64 = 3600;
/// Length of a roll-out, a storm.
const ROLLOUT: i64 = 18 * 60;
const STORM: i64 = 12 * 60;
/// Policies that a storm brings.
const STORM_POLICIES: u32 = 48;

/// Second of the day of something planned for `at`, moved by up to 20 minutes by seed and day.
fn planned(seed: u64, day: i64, what: u64, at: i64) -> i64 {
    at + rng(seed, 100 + what, day).below(2400) as i64 - 1200
}

/// Seconds since something planned began, when it lies within `length`.
fn since(seed: u64, t: i64, what: u64, at: i64, length: i64) -> Option<i64> {
    let begin = planned(seed, t.div_euclid(DAY), what, at);
    let passed = t.rem_euclid(DAY) - begin;
    (0..length).contains(&passed).then_some(passed)
}

/// The load at second `t`.
pub(super) fn load(shape: Shape, seed: u64, t: i64) -> Load {
    if shape == Shape::Recorded {
        return Load {
            activity: 1.0,
            policy_edits: 0.0,
            labels: 0.0,
            churn: 0.0,
            leaks: 0.0,
            pods: 13.0,
            storm_policies: 0,
            pool_fill: 0.0,
        };
    }
    let curve = curve(t.rem_euclid(DAY) as f64 / HOUR as f64);
    let mut load = Load {
        activity: 0.4 + 0.8 * curve,
        policy_edits: (0.3 + 0.7 * curve) / 40.0,
        labels: (0.2 + 0.8 * curve) / 45.0,
        churn: (0.2 + 0.8 * curve) / 400.0,
        leaks: (0.1 + 0.9 * curve) / 2400.0,
        pods: 9.0 + 9.0 * curve,
        storm_policies: 0,
        pool_fill: pool_fill(t.rem_euclid(DAY) as f64 / HOUR as f64),
    };
    for (what, at) in [(1, 9 * HOUR + HOUR / 2), (2, 13 * HOUR + HOUR / 6), (3, 17 * HOUR + HOUR / 3)] {
        if since(seed, t, what, at, ROLLOUT).is_some() {
            load.churn += 1.0 / 25.0;
            load.labels += 1.0 / 30.0;
            load.activity += 0.5;
        }
    }
    if let Some(passed) = since(seed, t, 4, 11 * HOUR + HOUR / 12, STORM) {
        load.policy_edits += 1.2;
        load.activity += 1.5;
        // The storm's policies are taken back in its last quarter.
        load.storm_policies = if passed < STORM * 3 / 4 { STORM_POLICIES } else { 0 };
    }
    load
}

/// The curve of a working day, 0 at night and 1 in the early afternoon.
fn curve(hour: f64) -> f64 {
    if !(5.0..21.0).contains(&hour) {
        return 0.0;
    }
    let main = (std::f64::consts::PI * (hour - 5.0) / 16.0).sin();
    let lunch = 0.15 * (-((hour - 12.3) * (hour - 12.3)) / 0.4).exp();
    (main.powf(1.2) - lunch).max(0.0)
}

/// The batch pool fills from seven in the morning until seven in the evening; at nine its jobs are cleaned up. It stays below
/// what alerts ask for (0.8): a healthy day is silent.
fn pool_fill(hour: f64) -> f64 {
    match hour {
        h if h < 7.0 => 0.33,
        h if h < 19.0 => 0.33 + 0.45 * (h - 7.0) / 12.0,
        h if h < 21.0 => 0.78,
        h if h < 22.0 => 0.78 - 0.45 * (h - 21.0),
        _ => 0.33,
    }
}

/// The node whose Felix restarts in second `t`: one a day, in the small hours.
pub(super) fn felix_restart(seed: u64, t: i64, nodes: usize) -> Option<usize> {
    since(seed, t, 5, 3 * HOUR + HOUR / 4, 1)?;
    Some(rng(seed, 105, t.div_euclid(DAY)).below(nodes as u64) as usize)
}

/// Seconds since replica `i` of Typha began to restart, up to `length`: one after the other, four minutes apart.
pub(super) fn typha_restart(seed: u64, t: i64, i: usize, length: i64) -> Option<i64> {
    let begin = planned(seed, t.div_euclid(DAY), 6, 15 * HOUR + HOUR * 2 / 3) + 240 * i as i64;
    let passed = t.rem_euclid(DAY) - begin;
    (0..length).contains(&passed).then_some(passed)
}
