//! One data directory, two programs: each opens what the other wrote, after a clean stop and after `kill -9`.

use crate::ask;
use crate::process::{Running, SOON, Server, fixtures, folder, peer, replay, serve};
use std::path::Path;
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

const SELECTOR: &str = "{__name__=~\".+\"}";

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Writes with `writer` until there are some scrapes.
fn written(writer: Server, dir: &Path, config: &str) -> Running {
    let server = serve(writer, dir, config, &[]);
    let began = Instant::now();
    while ask::instant(server.port, "min(count_over_time(up[5m]))", now())[0]["value"][1]
        .as_str()
        .and_then(|v| v.parse::<u32>().ok())
        .unwrap_or(0)
        < 5
    {
        assert!(began.elapsed() < SOON, "{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    server
}

const EMPTY: &str = "global: {}\n";

fn config(targets: &[(String, String)]) -> String {
    let list: Vec<String> = targets.iter().map(|(_, a)| format!("\"{a}\"")).collect();
    format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n- job_name: calico\n  static_configs: [{{targets: [{}]}}]\n",
        list.join(", ")
    )
}

fn no_complaints(log: &str) {
    let bad: Vec<&str> =
        log.lines().filter(|l| l.contains("level=WARN") || l.contains("level=ERROR")).collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn prometheus_opens_what_tortie_wrote_and_answers_the_same() {
    for clean in [true, false] {
        let folders = [folder(), folder()];
        let dir = folders[0].path();
        let (_replay, targets) = replay(folders[1].path(), &fixtures().join("calico/iptables"), &[]);
        let tortie = written(Server::Tortie, dir, &config(&targets));
        let at = now();
        let mut before = ask::raw(tortie.port, SELECTOR, "10m", at);
        if clean {
            assert!(tortie.terminate().success());
        } else {
            tortie.kill();
            // What kill -9 leaves: the lock file, which Prometheus replaces with a warning of its own.
            std::fs::remove_file(dir.join("data/lock")).unwrap();
        }
        let prometheus = serve(Server::Prometheus, dir, EMPTY, &[]);
        let mut after = ask::raw(prometheus.port, SELECTOR, "10m", at);
        if !clean {
            // Scrapes between the answer and the kill are in the directory only.
            before.retain(|k, _| after.contains_key(k));
        }
        after.retain(|k, _| before.contains_key(k));
        assert!(before.len() > 700);
        assert_eq!(before, after);
        no_complaints(&prometheus.log());
        assert!(prometheus.terminate().success());
        let analyzed =
            Command::new(peer("promtool")).args(["tsdb", "list", "data"]).current_dir(dir).output().unwrap();
        assert!(analyzed.status.success(), "{}", String::from_utf8_lossy(&analyzed.stderr));
        println!("clean={clean}: {} series the same in Prometheus", before.len());
    }
}

#[test]
fn tortie_opens_what_prometheus_wrote_and_answers_the_same() {
    for clean in [true, false] {
        let folders = [folder(), folder()];
        let dir = folders[0].path();
        let (_replay, targets) = replay(folders[1].path(), &fixtures().join("calico/nftables"), &[]);
        let prometheus = written(Server::Prometheus, dir, &config(&targets));
        let at = now();
        let before = ask::raw(prometheus.port, SELECTOR, "10m", at);
        if clean {
            assert!(prometheus.terminate().success());
        } else {
            prometheus.kill();
        }
        let tortie = serve(Server::Tortie, dir, EMPTY, &[]);
        let mut after = ask::raw(tortie.port, SELECTOR, "10m", at);
        after.retain(|k, _| before.contains_key(k));
        assert!(before.len() > 700);
        assert_eq!(before, after);
        no_complaints(&tortie.log());
        assert!(tortie.terminate().success());
        println!("clean={clean}: {} series the same in tortie", before.len());
    }
}

#[test]
fn a_killed_tortie_goes_on_where_it_was() {
    let folders = [folder(), folder()];
    let dir = folders[0].path();
    let (_replay, targets) = replay(folders[1].path(), &fixtures().join("calico/iptables"), &[]);
    let tortie = written(Server::Tortie, dir, &config(&targets));
    let at = now();
    let before = ask::raw(tortie.port, SELECTOR, "10m", at);
    tortie.kill();
    let tortie = serve(Server::Tortie, dir, EMPTY, &[]);
    let after = ask::raw(tortie.port, SELECTOR, "10m", at);
    for (labels, samples) in &before {
        assert_eq!(after.get(labels), Some(samples), "{labels}");
    }
}
