//! The rules by the real promtool's verdict, and over what the real components said.

use std::path::PathBuf;
use std::process::Command;
use tortie_calico::facts::queries;
use tortie_calico::rules::{Scope, bundled, rules, standalone, write};
use tortie_model::LabelsBuilder;
use tortie_model::labels::METRIC_NAME;
use tortie_promql::eval::{Engine, EngineOptions, QueryContext, Value};
use tortie_script::storage::{Memory, Sample, Value as Point};
use tortie_wire::text::{Entry, Parser};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules")
}

/// Lets promtool judge files.
fn promtool(args: &[&str], files: &[PathBuf]) {
    let bin =
        std::env::var_os("TORTIE_PEERS_BIN").expect("TORTIE_PEERS_BIN names the folder of the real peers");
    let out = Command::new(PathBuf::from(bin).join("promtool")).args(args).args(files).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{text}");
}

#[test]
fn promtool_takes_the_files_and_what_is_written_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut files: Vec<PathBuf> = bundled::FILES.iter().map(|(name, _)| folder().join(name)).collect();
    let written = dir.path().join("written.yaml");
    std::fs::write(&written, write::yaml(&rules(&Scope::default()))).unwrap();
    files.push(written);
    promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &files);
}

#[test]
fn promtool_passes_their_unit_tests() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder().join("tests")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5);
    promtool(&["test", "rules"], &files);
}

/// Three minutes of each component, 5 s apart, shown as the three nodes that the recorded Felix knows.
#[test]
fn no_alert_holds_over_the_recordings() {
    let fixtures = PathBuf::from(
        std::env::var_os("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of recordings"),
    );
    for dataplane in ["iptables", "nftables"] {
        let mut memory = Memory::default();
        for round in 0..36 {
            let of = |mode: &str, name: &str| {
                let path = fixtures.join(format!("calico/{mode}/{name}.{round:02}.prom"));
                std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
            };
            for node in 1..=3 {
                scraped(
                    &mut memory,
                    &of(dataplane, "felix"),
                    "felix_metrics",
                    &format!("n{node}:9091"),
                    round,
                );
            }
            scraped(&mut memory, &of(dataplane, "typha"), "typha_metrics", "t:9093", round);
            scraped(
                &mut memory,
                &of("ipam", "kube-controllers"),
                "kube_controllers_metrics",
                "k:9094",
                round,
            );
        }
        let engine = Engine::new(EngineOptions::default());
        // One Typha serves the one Felix that was recorded, and three are shown.
        let untrue = ["Watchdog", "CalicoTyphaClientsMissing"];
        let mut holds = Vec::new();
        for rule in bundled::all().iter().flat_map(|g| &g.rules).filter(|r| r.alert) {
            let text = standalone(&rule.expr);
            let expr = queries::parse(&text).unwrap();
            let answer = engine.instant(&memory, &expr, 35 * 5000, &QueryContext::new(&text)).unwrap();
            let Value::Vector(samples) = answer.value else { panic!("{}: no vector", rule.name) };
            if !samples.is_empty() && !untrue.contains(&rule.name.as_str()) {
                holds.push(format!("{} {:?}", rule.name, samples));
            }
        }
        assert!(holds.is_empty(), "{dataplane}: {holds:#?}");
    }
}

fn scraped(memory: &mut Memory, body: &[u8], job: &str, instance: &str, round: i64) {
    let mut parser = Parser::new(body);
    let mut labels = LabelsBuilder::new();
    let mut push = |labels: &mut LabelsBuilder, v: f64| {
        labels.set("job", job).set("instance", instance);
        let sample = Sample { t: round * 5000, start: 0, value: Point::Float(v) };
        memory.append(&labels.labels(), &[sample]).unwrap();
    };
    while let Some(entry) = parser.next().unwrap() {
        if let Entry::Sample(sample) = entry {
            parser.labels(&mut labels).unwrap();
            push(&mut labels, sample.value);
        }
    }
    let mut up = LabelsBuilder::new();
    up.set(METRIC_NAME, "up");
    push(&mut up, 1.0);
}
