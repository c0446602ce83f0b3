//! Compares this crate with Prometheus itself: the effective configuration byte for byte, what is refused, and that the
//! tables cover every key, flag and feature that it has. Needs the programs of `peers/` built into the folder that
//! `TORTIE_PEERS_BIN` names; fails without.

#![allow(clippy::print_stdout)] // what was counted and measured is printed
#![allow(clippy::disallowed_methods)] // a test binary starts programs and writes files

mod effective;
mod http_client;
mod relabelling;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tortie_config::{flags, keys};

fn program(name: &str) -> Command {
    let dir =
        std::env::var("TORTIE_PEERS_BIN").expect("TORTIE_PEERS_BIN names the folder of the built peers");
    let path = PathBuf::from(dir).join(name);
    assert!(path.exists(), "{} is not built", path.display());
    Command::new(path)
}

fn ask(name: &str, input: &str) -> String {
    let mut child =
        program(name).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the peer starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let input = input.as_bytes().to_vec();
    // It answers while it reads: both at once, or both wait for ever.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the peer ends");
    writer.join().expect("the writer ends").expect("the peer reads all");
    assert!(output.status.success(), "the peer failed: {}", output.status);
    String::from_utf8(output.stdout).expect("the peer speaks UTF-8")
}

#[test]
fn every_key_of_prometheus_has_a_row() {
    let all = ask("configkeys", "");
    let missing: Vec<&str> = all.lines().filter(|k| keys::find(k).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let gone: Vec<String> =
        keys::all().into_iter().map(|(path, _)| path).filter(|p| !all.lines().any(|k| k == p)).collect();
    assert!(gone.is_empty(), "Prometheus has no such keys: {gone:?}");
    assert!(all.lines().count() > 1000);
}

#[test]
fn every_flag_and_feature_of_prometheus_has_a_row() {
    let output = program("prometheus").arg("--help").output().expect("prometheus starts");
    let help = String::from_utf8([output.stdout, output.stderr].concat()).expect("the help is UTF-8");
    let mut seen = 0;
    for line in help.lines() {
        let Some(flag) = line
            .trim_start()
            .trim_start_matches("-h, ")
            .strip_prefix("--")
            .filter(|_| line.starts_with("  "))
        else {
            continue;
        };
        let name = flag.strip_prefix("[no-]").unwrap_or(flag);
        let end =
            name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(name.len());
        if line.find("--").is_none_or(|i| i > 6) {
            continue; // a flag that a help text speaks of
        }
        let row = flags::find(&name[..end]).unwrap_or_else(|| panic!("no row for --{}", &name[..end]));
        assert!(!row.hidden, "{}", row.name);
        if let Some(default) = name[end..].strip_prefix("=\"").and_then(|d| d.split('"').next()) {
            assert_eq!(row.default, default, "{}", row.name);
        }
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
    assert_eq!(seen, flags::FLAGS.iter().filter(|f| !f.hidden).count(), "a row that Prometheus has not");
    let text = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let names = text
        .split_once("Valid options: ")
        .and_then(|(_, rest)| rest.split_once(". See"))
        .expect("the help lists features")
        .0;
    let names: Vec<&str> = names.split(", ").collect();
    let rows: Vec<&str> = flags::FEATURES.iter().map(|(n, _)| *n).collect();
    assert_eq!(names, rows);
}
