//! Two servers that begin with the same tick of each group, though they did not start at one moment.

use super::restarted::alerts;
use crate::ask;
use crate::process::Running;
use std::time::Duration;

/// Both load their configuration at one moment.
pub(super) fn reload(servers: &[Running; 2]) {
    std::thread::scope(|s| {
        for server in servers {
            s.spawn(|| assert_eq!(ask::post(server.port, "/-/reload", &[]).unwrap().status, 200));
        }
    });
}

/// Lets both begin with the rules that `configure(true)` writes into their configuration, until alerts that are there from the
/// start on are there since the same tick: a tick may fall between the two reloads. `interval` is that of the groups; at
/// least one alert must not hang on samples.
pub(super) fn begin(servers: &[Running; 2], interval: Duration, configure: impl Fn(bool)) {
    let mut seen = Vec::new();
    for _ in 0..3 {
        for with_rules in [false, true] {
            configure(with_rules);
            reload(servers);
        }
        std::thread::sleep(interval + Duration::from_secs(1));
        let [a, b] = [&servers[0], &servers[1]].map(alerts);
        if !a.is_empty() && a == b {
            return;
        }
        seen.push((a, b));
    }
    panic!("they do not begin together: {seen:#?}");
}
