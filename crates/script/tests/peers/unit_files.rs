//! promtool's own files of unit tests: the same verdict, and what failed is named alike.

use std::path::{Path, PathBuf};
use std::process::Command;
use tortie_host::RealFs;
use tortie_model::regex::Regex;
use tortie_script::unit::{Options, run};

/// Files, failing ones among them.
const FILES: [&str; 15] = [
    "unittest.yml",
    "long-period.yml",
    "bad-input-series.yml",
    "bad-promql.yml",
    "bad-rules-syntax-test.yml",
    "bad-rules-error-test.yml",
    "failing.yml",
    "at-modifier-test.yml",
    "negative-offset-test.yml",
    "no-test-group-interval.yml",
    "experimental-functions-test.yml",
    "rules_run_no_fuzzy.yml",
    "rules_run_fuzzy.yml",
    "rules_run.yml",
    "start-time-test.yml",
];

fn folder() -> PathBuf {
    super::source().join("cmd/promtool/testdata")
}

fn promtool(dir: &Path, file: &str, more: &[&str]) -> (bool, String) {
    let bin = std::env::var_os("TORTIE_PEERS_BIN").expect("TORTIE_PEERS_BIN (hint: make peers-test)");
    let mut command = Command::new(PathBuf::from(bin).join("promtool"));
    let out = command.args(["test", "rules"]).args(more).arg(file).current_dir(dir).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    (out.status.success(), text)
}

fn check(file: &str, more: &[&str], options: &Options) {
    let dir = folder();
    let (passed, theirs) = promtool(&dir, file, more);
    let ours = run(&dir.join(file).display().to_string(), &RealFs, options);
    assert_eq!(ours.passed(), passed, "{file} {more:?}\npromtool: {theirs}\nours: {:?}", ours.errors);
    let all: Vec<&str> = ours.errors.iter().flat_map(|(_, e)| e.lines()).collect();
    for line in theirs.lines() {
        let start = line.split(", err").next().unwrap_or(line);
        let named = ["alertname: ", "expr: ", "rule: ", "Labels:", "Annotations:", "exp: ", "got: "];
        if named.iter().any(|n| start.trim_start().starts_with(n)) {
            assert!(all.iter().any(|l| l.starts_with(start)), "{file}: {line:?} is not among {all:#?}");
        }
    }
}

#[test]
fn files_of_promtool_have_its_verdicts() {
    for file in FILES {
        check(file, &[], &Options::default());
    }
}

#[test]
fn features_chosen_tests_and_unknown_keys() {
    let mut options = Options::default();
    options.language.experimental_functions = true;
    check("experimental-functions-test.yml", &["--enable-feature=promql-experimental-functions"], &options);
    let only = |pattern: &str| Options {
        run: vec![Regex::anchored(&format!("(?s:.*)(?:{pattern})(?s:.*)")).unwrap()],
        ..Options::default()
    };
    for pattern in ["correct", "wrong", "^test"] {
        check("rules_run.yml", &[&format!("--run={pattern}")], &only(pattern));
    }
    check("rules_run_extrafields.yml", &[], &Options::default());
    let ignoring = Options { ignore_unknown_fields: true, ..Options::default() };
    check("rules_run_extrafields.yml", &["--ignore-unknown-fields"], &ignoring);
}

/// What promtool says on its standard error for a file, and what we say; durations left out.
fn both_say(file: &str, flag: &str, options: &Options) -> [String; 2] {
    let dir = folder();
    let bin = std::env::var_os("TORTIE_PEERS_BIN").expect("TORTIE_PEERS_BIN (hint: make peers-test)");
    let mut command = Command::new(PathBuf::from(bin).join("promtool"));
    let out = command.args(["test", "rules", flag, file]).current_dir(&dir).output().unwrap();
    let ours = run(&dir.join(file).display().to_string(), &RealFs, options);
    let failed = (!ours.passed()).then(|| "  FAILED:".to_owned());
    let lines = ours.debug.into_iter().chain(failed).chain(ours.errors.into_iter().map(|(_, e)| e));
    let without_time = |text: &str| -> String {
        let line = |l: &str| l.split(" finished, took").next().unwrap_or(l).to_owned() + "\n";
        text.lines().map(line).collect()
    };
    [String::from_utf8(out.stderr).unwrap(), lines.map(|l| l + "\n").collect()].map(|t| without_time(&t))
}

#[test]
fn differences_read_as_promtools() {
    let options = Options { diff: true, ..Options::default() };
    for file in ["unittest.yml", "failing.yml", "rules_run.yml", "rules_run_no_fuzzy.yml"] {
        let [theirs, ours] = both_say(file, "--diff", &options);
        assert_eq!(ours, theirs, "{file}");
    }
    let [_, ours] = both_say("failing.yml", "--diff", &options);
    assert!(ours.contains("diff: ") && ours.contains("\x1b[0;3"), "{ours}");
}

#[test]
fn dumps_read_as_promtools() {
    let options = Options { debug: true, ..Options::default() };
    for file in ["unittest.yml", "failing.yml", "rules_run.yml", "start-time-test.yml"] {
        let [theirs, ours] = both_say(file, "--debug", &options);
        assert_eq!(ours, theirs, "{file}");
    }
    let [_, ours] = both_say("failing.yml", "--debug", &options);
    assert!(ours.contains("DEBUG: Dump of all data") && ours.contains(" @["), "{ours}");
}
