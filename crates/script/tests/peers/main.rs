//! Prometheus' own scripts, all of them, through our evaluator.
//!
//! `TORTIE_PROMETHEUS_SRC` is the folder of Prometheus' source, by default what `go list` in `peers/` says.
#![allow(clippy::disallowed_methods, clippy::print_stderr, missing_docs)]

mod floor;
mod unit_files;

use std::path::{Path, PathBuf};
use std::process::Command;
use tortie_script::Summary;

fn source() -> PathBuf {
    if let Ok(dir) = std::env::var("TORTIE_PROMETHEUS_SRC") {
        return dir.into();
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers");
    let out = Command::new("go")
        .args(["list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus"])
        .current_dir(&peers)
        .output()
        .expect("go runs; TORTIE_PROMETHEUS_SRC names the source without it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("a path").trim().into()
}

/// `TORTIE_SCRIPT=operators` runs only the scripts with that in their names, without the floor.
#[test]
fn scripts_of_prometheus() {
    let dir = source().join("promql/promqltest/testdata");
    let only = std::env::var("TORTIE_SCRIPT").unwrap_or_default();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir).expect("the scripts").map(|e| e.expect("a file").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "test") && f.to_string_lossy().contains(&only));
    files.sort();
    assert!(!files.is_empty());
    let mut all = Summary::default();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a script");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let summary = tortie_script::run(&text, &name, &mut |failure| eprintln!("{failure}"));
        eprintln!("{name}: {summary}");
        all.add(summary);
    }
    eprintln!("{all}");
    assert!(
        !only.is_empty() || all.passed >= floor::FLOOR,
        "{} passed, the floor is {}",
        all.passed,
        floor::FLOOR
    );
}
