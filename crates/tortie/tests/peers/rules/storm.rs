//! Many alerts at once, and a restart in the middle of them: how much memory they take, whether evaluation waits, how soon a
//! server that comes back knows them again.

use super::fleet;
use super::same::{copy, now};
use super::usage::{Usage, metric};
use crate::ask;
use crate::process::{Running, SOON, Server, folder, serve};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tortie_model::Labels;

/// Time between evaluations and samples, seconds.
const INTERVAL: i64 = 5;
/// Length of a phase of the storm, seconds.
const PHASE: i64 = 45;

/// An Alertmanager that counts the alerts that come and keeps none.
pub(super) struct Sink {
    pub(super) address: String,
    alerts: Arc<AtomicUsize>,
}

impl Sink {
    pub(super) fn start() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let alerts: Arc<AtomicUsize> = Arc::default();
        let count = Arc::clone(&alerts);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let count = Arc::clone(&count);
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while let Some(n) = request(&mut reader) {
                        count.fetch_add(n, Ordering::Relaxed);
                        if (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Sink { address, alerts }
    }
}

/// Reads one request; how many alerts it has.
fn request(reader: &mut impl BufRead) -> Option<usize> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = n.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(String::from_utf8(body).ok()?.matches("\"startsAt\"").count())
}

fn labels(n: usize) -> Vec<Labels> {
    (0..n)
        .map(|i| {
            let pod = format!("calico-node-{i:06}");
            let node = format!("node-{:05}.example", i / 10);
            Labels::from_pairs([
                ("__name__", "storm"),
                ("job", "calico-node"),
                ("namespace", "calico-system"),
                ("node", &node),
                ("pod", &pod),
            ])
        })
        .collect()
}

fn config(sink: &Sink) -> String {
    format!(
        "global: {{evaluation_interval: {INTERVAL}s}}\nrule_files: [rules.yml]\nalerting: {{alertmanagers: [{{static_configs: [{{targets: ['{}']}}]}}]}}\n",
        sink.address
    )
}

const RULES: &str = r#"
groups:
- name: storm
  rules:
  - alert: Storm
    expr: storm > 0
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.pod }} on {{ $labels.node }} is at {{ $value }}", description: "Something is wrong with {{ $labels.pod }} of {{ $labels.namespace }}: {{ $value | humanize }}."}
- name: beside
  rules:
  - record: beside
    expr: sum(storm)
"#;

/// A line about a server in a phase.
fn report(phase: &str, server: Server, running: &Running, sink: &Sink) -> (f64, f64) {
    let text = ask::get(running.port, "/metrics").unwrap().body;
    let of = |name: &str| metric(&text, name);
    let usage = Usage::of(running.id());
    let slowest = text
        .lines()
        .filter(|l| l.starts_with("prometheus_rule_group_last_duration_seconds{"))
        .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok())
        .fold(0.0, f64::max);
    let missed = of("prometheus_rule_group_iterations_missed_total");
    println!(
        "{server:?}, {phase}: {} MiB anonymous (at most {} MiB resident; {:.0} MiB of the head as it says), {:.1} CPU s so far, slowest group {slowest:.2} s, {missed} iterations missed, \
         {} alerts came, {} waited, {} dropped",
        usage.anonymous_mib,
        usage.most_mib,
        of("tortie_tsdb_head_memory_bytes") / 1_048_576.0,
        usage.cpu_s,
        sink.alerts.load(Ordering::Relaxed),
        of("prometheus_notifications_queue_length"),
        of("prometheus_notifications_dropped_total"),
    );
    (missed, slowest)
}

#[test]
#[ignore = "a campaign: make campaign NAME=rules"]
fn ten_thousand_firing_alerts_and_a_storm_of_a_hundred_thousand() {
    let all = labels(100_000);
    // Where only ours is looked at, `TORTIE_RULES_ALONE` leaves the other out.
    let alone = std::env::var_os("TORTIE_RULES_ALONE").is_some();
    let servers = [Server::Prometheus, Server::Tortie].into_iter().skip(usize::from(alone));
    for server in servers {
        let dir = folder();
        std::fs::write(dir.path().join("rules.yml"), RULES).unwrap();
        let first = now() + 30;
        // Quiet, then ten thousand, then all, then quiet again.
        let phase = |t: i64| (t / 1000 - first) / PHASE;
        let times = (first..first + 5 * PHASE).step_by(INTERVAL as usize).map(|t| t * 1000);
        fleet::store(&dir.path().join("data"), &all, times, |i, t| match phase(t) {
            1 if i < 10_000 => 1.0,
            2 => 2.0,
            _ => 0.0,
        });
        let sink = Sink::start();
        let running = serve(server, dir.path(), &config(&sink), &[]);
        let mut worst = (0.0, 0.0_f64);
        for (i, name) in ["quiet", "10,000 alerts", "100,000 alerts", "all over"].iter().enumerate() {
            while now() < first + PHASE * (i as i64 + 1) - 3 {
                std::thread::sleep(Duration::from_millis(200));
            }
            let (missed, slowest) = report(name, server, &running, &sink);
            worst = (missed, worst.1.max(slowest));
        }
        if server == Server::Tortie {
            assert_eq!(worst.0, 0.0, "iterations were missed");
        }
    }
}

fn firing(port: u16) -> usize {
    let answer = ask::get(port, "/api/v1/rules?type=alert&rule_name[]=Storm");
    let Some(answer) = answer.filter(|a| a.status == 200) else { return 0 };
    answer.body.matches("\"state\":\"firing\",\"activeAt\"").count()
}

#[test]
#[ignore = "a campaign: make campaign NAME=rules"]
fn a_restart_with_ten_thousand_active_alerts() {
    let all = labels(10_000);
    let begin = now();
    let dir = folder();
    let data = dir.path().join("made");
    fleet::store(&data, &all, (begin - 60..begin + 600).step_by(5).map(|t| t * 1000), |_, _| 1.0);
    for server in [Server::Prometheus, Server::Tortie] {
        let dir = folder();
        copy(&data, &dir.path().join("data"));
        let rules = RULES.replace("    labels: {sev", "    for: 10s\n    labels: {sev");
        std::fs::write(dir.path().join("rules.yml"), rules).unwrap();
        let sink = Sink::start();
        let config = config(&sink).replace(&format!("{INTERVAL}s"), "1s");
        let flags = ["--rules.alert.for-grace-period=1s"];
        let running = serve(server, dir.path(), &config, &flags);
        let wait = |running: &Running, n: usize| {
            let began = Instant::now();
            while firing(running.port) < n {
                assert!(began.elapsed() < SOON, "{} fire", firing(running.port));
                std::thread::sleep(Duration::from_millis(100));
            }
        };
        wait(&running, 10_000);
        // Their series are stored a few times more.
        std::thread::sleep(Duration::from_secs(3));
        running.terminate();
        let began = Instant::now();
        let running = serve(server, dir.path(), &config, &flags);
        let ready = began.elapsed();
        wait(&running, 10_000);
        let again = began.elapsed();
        let text = ask::get(running.port, "/metrics").unwrap().body;
        let restore = metric(&text, "prometheus_rule_group_last_restore_duration_seconds");
        println!(
            "{server:?}: ready {:.2} s after the start, 10,000 alerts fire again after {:.2} s (two ticks of 1 s come first), taking up their state took {restore:.3} s",
            ready.as_secs_f64(),
            again.as_secs_f64()
        );
        if server == Server::Tortie {
            assert!(ready.as_secs_f64() < 1.0 && restore < 1.0, "too slow");
        }
    }
}
