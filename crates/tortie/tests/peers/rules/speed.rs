//! What a tick of many rules costs: the rules that kube-prometheus ships and Calico's own over a million series, beside the
//! real Prometheus over the same stored samples. Results first: every recorded series is compared.

use super::fleet;
use super::same::{close, copy, now, quoted, rule_file};
use super::together;
use super::usage::{Usage, metric};
use crate::ask;
use crate::process::{Running, Server, folder, serve};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};
use tortie_calico::rules::bundled;

/// Time between evaluations while both are measured, seconds: long enough for Prometheus to end each of them.
const INTERVAL: u64 = 60;
/// Time between evaluations that none may miss, seconds.
const SHORT: u64 = 15;
/// Time between samples, milliseconds.
const STEP: i64 = 30_000;
/// Ticks that are measured.
const TICKS: u64 = 4;
/// Samples before and after the beginning of the test, milliseconds.
const PAST: i64 = 20 * 60_000;
const AHEAD: i64 = 25 * 60_000;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Rules of all files: text, names of recorded series, expressions, and how many are alerts.
fn rules() -> (String, BTreeSet<String>, Vec<String>) {
    let (mut text, rules) = rule_file();
    let mut recorded: BTreeSet<String> = rules.iter().filter_map(|r| r.record.clone()).collect();
    let mut expressions: Vec<String> = rules.into_iter().map(|r| r.expr).collect();
    for group in bundled::all() {
        writeln!(text, "- name: {}\n  rules:", quoted(&group.name)).unwrap();
        for rule in &group.rules {
            let kind = if rule.alert { "alert" } else { "record" };
            writeln!(text, "  - {kind}: {}\n    expr: {}", quoted(&rule.name), quoted(&rule.expr)).unwrap();
            if rule.for_ms > 0 {
                writeln!(text, "    for: 30s").unwrap();
            }
            for (key, pairs) in [("labels", &rule.labels), ("annotations", &rule.annotations)] {
                if !pairs.is_empty() {
                    writeln!(text, "    {key}:").unwrap();
                }
                for (n, v) in pairs {
                    writeln!(text, "      {}: {}", quoted(n), quoted(v)).unwrap();
                }
            }
            if !rule.alert {
                recorded.insert(rule.name.clone());
            }
            expressions.push(rule.expr.clone());
        }
    }
    (text, recorded, expressions)
}

/// What a server says of its rules: iterations, missed ones, failed rules, rows of the last tick of all groups, seconds of it.
fn figures(server: &Running) -> [f64; 5] {
    let text = ask::get(server.port, "/metrics").unwrap().body;
    [
        metric(&text, "prometheus_rule_group_iterations_total"),
        metric(&text, "prometheus_rule_group_iterations_missed_total"),
        metric(&text, "prometheus_rule_evaluation_failures_total"),
        metric(&text, "prometheus_rule_group_last_evaluation_samples"),
        metric(&text, "prometheus_rule_group_last_duration_seconds"),
    ]
}

#[test]
#[ignore = "a campaign: make campaign NAME=rules"]
fn a_tick_over_a_million_series() {
    let (text, recorded, expressions) = rules();
    let made = fleet::series(&expressions, &recorded, number("TORTIE_RULES_SERIES", 1_000_000));
    let dirs = [folder(), folder(), folder()];
    let rule_path = dirs[2].path().join("rules.yml");
    std::fs::write(&rule_path, &text).unwrap();
    let begin = now() * 1000;
    let times = (begin - PAST..begin + AHEAD).step_by(STEP as usize);
    let data = dirs[2].path().join("data");
    let took = Instant::now();
    fleet::store_fleet(&data, &made, times.clone());
    println!(
        "{} rules, {} series with {} samples each, {} s apart; made in {:.0} s",
        expressions.len(),
        made.len(),
        times.count(),
        STEP / 1000,
        took.elapsed().as_secs_f64()
    );
    drop(made);
    let config = |interval: u64, files: &str| {
        format!(
            "global: {{evaluation_interval: {interval}s, external_labels: {{cluster: test}}}}\nrule_files: [{files}]\n"
        )
    };
    let rule_files = quoted(&rule_path.display().to_string());
    let which = [Server::Prometheus, Server::Tortie];
    std::thread::scope(|s| {
        for dir in &dirs[..2] {
            s.spawn(|| copy(&data, &dir.path().join("data")));
        }
    });
    std::fs::remove_dir_all(&data).unwrap();
    let servers = [0, 1].map(|i| {
        let took = Instant::now();
        let running = serve(which[i], dirs[i].path(), &config(INTERVAL, ""), &["--web.enable-lifecycle"]);
        println!("{:?} is ready after {:.1} s", which[i], took.elapsed().as_secs_f64());
        running
    });
    // Rules at one moment, so that both begin with the same tick of each group: an average over what was recorded differs
    // where one of them recorded more of it.
    for dir in &dirs[..2] {
        std::fs::write(dir.path().join("prometheus.yml"), config(INTERVAL, &rule_files)).unwrap();
    }
    together::reload(&servers);
    // Two ticks of each group, so that all that is done once is done.
    std::thread::sleep(Duration::from_secs(INTERVAL * 2));
    let before = servers.each_ref().map(|s| (Usage::of(s.id()), figures(s)));
    std::thread::sleep(Duration::from_secs(INTERVAL * TICKS));
    let after = servers.each_ref().map(|s| (Usage::of(s.id()), figures(s)));
    let mut per_tick = Vec::new();
    for i in [0, 1] {
        let ((cpu0, f0), (cpu1, f1)) = (&before[i], &after[i]);
        let cpu = (cpu1.cpu_s - cpu0.cpu_s) / TICKS as f64;
        per_tick.push(cpu);
        println!(
            "{:?}: {cpu:.2} CPU s a tick; the groups took {:.2} s together, {} rows a tick; {} iterations, {} missed, {} rules failed; {} MiB anonymous",
            which[i],
            f1[4],
            f1[3],
            f1[0] - f0[0],
            f1[1] - f0[1],
            f1[2] - f0[2],
            cpu1.anonymous_mib
        );
    }
    println!("ratio of CPU a tick: {:.1}", per_tick[0] / per_tick[1]);
    let until = now() - 5;
    let (mut series, mut samples, mut exact, mut wrong) = (0, 0, 0, Vec::new());
    for name in recorded.iter().map(String::as_str).chain(["ALERTS{alertstate=\"firing\"}"]) {
        let window = format!("{}s", INTERVAL * 2);
        let [theirs, ours] = servers.each_ref().map(|s| ask::raw(s.port, name, &window, until as f64));
        series += theirs.len();
        if theirs.len() != ours.len() {
            wrong.push(format!("{name}: {} series of theirs, {} of ours", theirs.len(), ours.len()));
        }
        for (labels, a) in &theirs {
            let Some(b) = ours.get(labels) else {
                wrong.push(format!("{labels} is missing"));
                continue;
            };
            // A server that missed iterations has fewer.
            for (x, y) in a.iter().filter_map(|x| b.iter().find(|y| y.0 == x.0).map(|y| (x, y))) {
                samples += 1;
                exact += usize::from(x.1 == y.1);
                if !close(&x.1, &y.1) {
                    wrong.push(format!("{labels} {x:?} {y:?}"));
                }
            }
        }
    }
    println!("{series} recorded and firing series: {samples} samples compared, {exact} equal to the bit");
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(after[1].1[1], before[1].1[1], "tortie missed iterations");
    let [prometheus, tortie] = servers;
    drop(prometheus);
    std::fs::write(dirs[1].path().join("prometheus.yml"), config(SHORT, &rule_files)).unwrap();
    assert_eq!(ask::post(tortie.port, "/-/reload", &[]).unwrap().status, 200);
    std::thread::sleep(Duration::from_secs(SHORT * 2));
    let (used, first) = (Usage::of(tortie.id()), figures(&tortie));
    std::thread::sleep(Duration::from_secs(SHORT * TICKS));
    let (then, last) = (Usage::of(tortie.id()), figures(&tortie));
    println!(
        "Tortie alone, every {SHORT} s: {:.2} CPU s a tick, {} iterations, {} missed",
        (then.cpu_s - used.cpu_s) / TICKS as f64,
        last[0] - first[0],
        last[1] - first[1]
    );
    profile(&tortie);
    assert_eq!(last[1], first[1], "tortie missed iterations");
    assert!(per_tick[0] > 3.0 * per_tick[1], "the ratio is below 3");
}

/// Leaves a profile of two ticks in the file that `TORTIE_RULES_PROFILE` names.
fn profile(server: &Running) {
    let Some(file) = std::env::var_os("TORTIE_RULES_PROFILE") else { return };
    let status = std::process::Command::new("perf")
        .args(["record", "-F", "499", "-g", "-p", &server.id().to_string(), "-o"])
        .arg(file)
        .args(["--", "sleep", &(SHORT * 2).to_string()])
        .status();
    println!("profile: {status:?}");
}
