//! Both servers scrape the recording live: the k-th scrape of each has the same values, one interval apart.

use crate::ask;
use crate::process::{Server, fixtures, folder, replay, serve};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[test]
fn values_are_equal_by_scrape_number() {
    let folders = [folder(), folder(), folder()];
    let (_replay, targets) = replay(folders[2].path(), &fixtures().join("calico/iptables"), &["--copies=2"]);
    let config = |copy: usize| {
        let address = &targets.iter().filter(|(n, _)| n == "felix").nth(copy).unwrap().1;
        format!(
            "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n- job_name: felix\n  static_configs: [{{targets: [\"{address}\"], labels: {{instance: a}}}}]\n"
        )
    };
    let flags = ["--scrape.timestamp-tolerance=10ms"];
    let servers = [
        serve(Server::Prometheus, folders[0].path(), &config(0), &flags),
        serve(Server::Tortie, folders[1].path(), &config(1), &flags),
    ];
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let began = Instant::now();
    for s in &servers {
        loop {
            let n = ask::instant(s.port, "count_over_time(up[5m])", now());
            if n[0]["value"][1].as_str().and_then(|v| v.parse::<u32>().ok()).unwrap_or(0) >= 20 {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(90), "20 scrapes did not happen:\n{}", s.log());
            std::thread::sleep(Duration::from_millis(250));
        }
    }
    let at = now();
    let selector = "{job=\"felix\",__name__!~\"up|scrape_duration_seconds|scrape_series_added\"}";
    let [theirs, ours] = [0, 1].map(|i| ask::raw(servers[i].port, selector, "5m", at));
    assert!(theirs.len() > 270);
    assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
    let values = |s: &[(String, String)]| s.iter().take(18).map(|(_, v)| v.clone()).collect::<Vec<_>>();
    for (labels, samples) in &theirs {
        assert_eq!(values(samples), values(&ours[labels]), "{labels}");
    }
    // Timestamps lie on the grid: within the tolerance scrapes are whole seconds apart.
    let up = ask::raw(servers[1].port, "up", "5m", at);
    let times: Vec<i64> = up
        .values()
        .next()
        .unwrap()
        .iter()
        .map(|(t, _)| (t.parse::<f64>().unwrap() * 1000.0).round() as i64)
        .collect();
    let steps: Vec<i64> = times.windows(2).map(|w| w[1] - w[0]).collect();
    let on_grid = steps.iter().filter(|s| **s == 1000).count();
    println!(
        "{} series equal by scrape number; {on_grid} of {} steps are exactly one interval",
        theirs.len(),
        steps.len()
    );
    assert!(on_grid * 2 > steps.len(), "{steps:?}");
}
