//! `tortie doctor` over files: forms, exit codes, choices, screens, broken input.

use crate::process::{Ended, folder};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tortie_sim::installs::{Objects, Options, set};

/// Runs `tortie ARGS` in `dir` with an environment of its own.
pub(crate) fn run(dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Ended {
    let out = Command::new(env!("CARGO_BIN_EXE_tortie"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    Ended { code: out.status.code(), out: text(out.stdout), err: text(out.stderr), took: Duration::ZERO }
}

/// A whole cluster as `kubectl get -o json` would give it, written to `dump.json`.
pub(crate) fn dump(dir: &Path, change: impl FnOnce(&mut Objects)) {
    let mut objects = Objects::of(&Options::default());
    change(&mut objects);
    for o in &mut objects.0 {
        o["metadata"]["resourceVersion"] = json!("1");
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects.0});
    std::fs::write(dir.join("dump.json"), list.to_string()).unwrap();
}

/// The port of Felix's monitor is on no Service.
pub(crate) fn broken(dir: &Path) {
    dump(dir, |o| set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", json!("nope")));
}

/// The report as JSON.
pub(crate) fn report(dir: &Path, args: &[&str]) -> Value {
    let mut all = vec!["doctor", "-o", "json"];
    all.extend(args);
    let ended = run(dir, &[], &all);
    serde_json::from_str(&ended.out).unwrap_or_else(|e| panic!("{e}: {} {}", ended.out, ended.err))
}

pub(crate) fn ids(report: &Value) -> Vec<String> {
    let at_least_warn = |f: &&Value| f["level"] != "info";
    let findings = report["findings"].as_array().unwrap();
    findings.iter().filter(at_least_warn).map(|f| f["id"].as_str().unwrap().to_owned()).collect()
}

const FORMS: [&str; 7] = ["human", "short", "json", "yaml", "junit", "sarif", "prometheus"];

#[test]
fn the_exit_code_is_the_same_in_every_form() {
    let dir = folder();
    broken(dir.path());
    for form in FORMS {
        let bad = run(dir.path(), &[], &["doctor", "-f", "dump.json", "-o", form]);
        assert_eq!(bad.code, Some(1), "{form}: {}", bad.err);
        assert!(bad.out.contains("T507"), "{form}: {}", bad.out);
    }
    dump(dir.path(), |_| {});
    for form in FORMS {
        let good = run(dir.path(), &[], &["doctor", "-f", "dump.json", "-o", form]);
        assert_eq!(good.code, Some(0), "{form}: {}", good.out);
    }
    for wait in [&["--wait"][..], &["--wait", "1s"], &["--wait=1s"]] {
        let good = run(dir.path(), &[], &[&["doctor", "-f", "dump.json"][..], wait].concat());
        assert_eq!(good.code, Some(0), "{wait:?}: {}", good.err);
    }
    let usage = run(dir.path(), &[], &["doctor", "-f", "dump.json", "-o", "xml"]);
    assert_eq!(usage.code, Some(2));
    assert!(usage.err.contains("\"xml\" is no form of a report (hint: -o human"), "{}", usage.err);
}

#[test]
fn checks_are_listed_chosen_and_left_out() {
    let dir = folder();
    broken(dir.path());
    let list = run(dir.path(), &[], &["doctor", "--list"]);
    assert_eq!(list.code, Some(0));
    assert!(list.out.lines().count() > 80 && list.out.contains("T507  port-not-on-service"), "{}", list.out);

    assert_eq!(ids(&report(dir.path(), &["-f", "dump.json"])), ["T507"]);
    let only = report(dir.path(), &["-f", "dump.json", "--only", "port-not-on-service"]);
    assert_eq!(ids(&only), ["T507"]);
    assert!(only["checks"].as_array().unwrap().iter().all(|c| c["id"] == "T507"));
    assert!(ids(&report(dir.path(), &["-f", "dump.json", "--only", "T203"])).is_empty());
    assert!(!ids(&report(dir.path(), &["-f", "dump.json", "--skip", "T507"])).contains(&"T507".to_owned()));
    let unknown = run(dir.path(), &[], &["doctor", "-f", "dump.json", "--only", "port-not-on-servic"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("did you mean T507 port-not-on-service?"), "{}", unknown.err);
    let level = run(dir.path(), &[], &["doctor", "-f", "dump.json", "--fail-on", "error"]);
    assert_eq!(level.code, Some(2));
}

#[test]
fn what_an_earlier_report_had_does_not_fail_again() {
    let dir = folder();
    broken(dir.path());
    let before = run(dir.path(), &[], &["doctor", "-f", "dump.json", "-o", "json"]);
    std::fs::write(dir.path().join("before.json"), &before.out).unwrap();
    let args = ["doctor", "-f", "dump.json", "--baseline", "before.json"];
    assert_eq!(run(dir.path(), &[], &args).code, Some(0));
    // Another broken link is new.
    dump(dir.path(), |o| {
        set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", json!("nope"));
        set(o.get("ServiceMonitor", "calico-typha"), "/spec/endpoints/0/port", json!("nope"));
    });
    let after = run(dir.path(), &[], &args);
    assert_eq!(after.code, Some(1), "{}", after.out);
    std::fs::write(dir.path().join("other.json"), "{\"schema\": \"x\"}").unwrap();
    let wrong = run(dir.path(), &[], &["doctor", "-f", "dump.json", "--baseline", "other.json"]);
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.err.contains("other.json: not a report of schema tortie.doctor/v1 (hint: "),
        "{}",
        wrong.err
    );
}

#[test]
fn a_broken_document_is_placed_and_the_rest_is_judged() {
    let dir = folder();
    broken(dir.path());
    std::fs::write(dir.path().join("bad.yaml"), "apiVersion: v1\nkind: Service\nmetadata: {name: [\n")
        .unwrap();
    let both = run(dir.path(), &[], &["doctor", "-f", "bad.yaml", "-f", "dump.json", "-o", "short"]);
    assert_eq!(both.code, Some(1));
    let place = "bad.yaml:3:18: not valid YAML: unclosed bracket '['\n3 | metadata: {name: [\n  |                  ^\n";
    assert!(both.err.contains(place), "{}", both.err);
    assert!(both.out.contains("T507"), "{}", both.out);
    let alone = run(dir.path(), &[], &["doctor", "-f", "bad.yaml"]);
    assert_eq!(alone.code, Some(2), "{}", alone.out);
    assert!(alone.err.contains(place.trim_end()), "{}", alone.err);
    let missing = run(dir.path(), &[], &["doctor", "-f", "none.yaml"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.contains("none.yaml: no such file (hint: "), "{}", missing.err);
}

/// Manifests alone name the place in the file.
#[test]
fn a_finding_in_a_manifest_has_its_line() {
    let dir = folder();
    let manifest = "apiVersion: v1\nkind: Service\nmetadata: {name: calico-felix-metrics, namespace: calico-system, \
                    labels: {k8s-app: calico-felix-metrics}}\nspec:\n  clusterIP: None\n  selector: {k8s-app: calico-node}\n  \
                    ports:\n  - {name: metrics-port, port: 9091, targetPort: 9091}\n---\n\
                    apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: felix, namespace: monitoring, \
                    labels: {release: prometheus}}\nspec:\n  selector: {matchLabels: {k8s-app: calico-felix-metrics}}\n  \
                    namespaceSelector: {matchNames: [calico-system]}\n  endpoints:\n  - port: felix-metrics\n";
    std::fs::write(dir.path().join("m.yaml"), manifest).unwrap();
    let assume = "calico=3.27,install=operator,stack=kube-prometheus-stack:prometheus";
    let found = report(dir.path(), &["-f", "m.yaml", "--assume", assume]);
    let findings = found["findings"].as_array().unwrap();
    let finding = findings.iter().find(|f| f["id"] == "T507").unwrap_or_else(|| panic!("{found}"));
    let cause = &finding["cause"];
    assert_eq!((&cause["file"], &cause["line"], &cause["column"]), (&json!("m.yaml"), &json!(17), &json!(5)));
}

/// Screens stand in files, to be read when they change. Neither version nor time is part of them.
#[track_caller]
fn screen(name: &str, out: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/screens").join(name);
    let mut got = String::new();
    let out = out.replace(env!("CARGO_PKG_VERSION"), "0.0.0");
    for line in out.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let timed = words.windows(2).find(|w| w[1] == "s" && w[0].parse::<f64>().is_ok()).map(|w| w[0]);
        got.push_str(&timed.map_or_else(|| line.to_owned(), |t| line.replace(&format!("{t} s"), "0.0 s")));
        got.push('\n');
    }
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        std::fs::write(&path, &got).unwrap();
    }
    let expect = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(got, expect, "{name} (UPDATE_SCREENS=1 writes it anew)");
}

#[test]
fn screens_at_60_80_and_100_columns() {
    let dir = folder();
    broken(dir.path());
    for columns in ["60", "80", "100"] {
        let env = [("COLUMNS", columns), ("LANG", "C.UTF-8")];
        let out = run(dir.path(), &env, &["doctor", "-f", "dump.json"]).out;
        screen(&format!("broken-{columns}.txt"), &out);
        let why = run(dir.path(), &env, &["why", "felix_active_local_endpoints", "-f", "dump.json"]).out;
        for text in [&out, &why] {
            let widest =
                text.lines().filter(|l| !l.contains("'[{")).map(|l| l.chars().count()).max().unwrap();
            assert!(widest <= columns.parse().unwrap(), "{widest} columns:\n{text}");
        }
        screen(&format!("why-{columns}.txt"), &why);
    }
    let ascii = run(dir.path(), &[("COLUMNS", "80"), ("LANG", "C")], &["doctor", "-f", "dump.json"]).out;
    assert!(ascii.is_ascii(), "{ascii}");
    screen("broken-ascii.txt", &ascii);
}

/// `tortie doctor | head -1`: no panic, no word, the shell's exit code of a broken pipe.
#[test]
fn a_reader_that_goes_is_no_error_to_speak_of() {
    let dir = folder();
    broken(dir.path());
    for args in [
        &["doctor", "-f", "dump.json", "-o", "json"][..],
        &["explain", "T507"],
        &["setup", "--help"],
        &["completion", "bash"],
        &["man"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tortie"))
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let out = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(said, "", "{args:?}");
        // clap passes over it; what prints by itself ends with it.
        assert!(matches!(out.status.code(), Some(0 | 141)), "{args:?}: {:?}", out.status);
    }
}

#[test]
fn colour_is_asked_for_or_forbidden() {
    let dir = folder();
    broken(dir.path());
    #[track_caller]
    fn check(dir: &Path, env: &[(&str, &str)], more: &[&str], expect: bool) {
        let mut args = vec!["doctor", "-f", "dump.json"];
        args.extend(more);
        let out = run(dir, env, &args).out;
        assert_eq!(out.contains('\u{1b}'), expect, "{env:?} {more:?}");
    }
    check(dir.path(), &[], &[], false);
    check(dir.path(), &[("CLICOLOR_FORCE", "1")], &[], true);
    check(dir.path(), &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[], false);
    check(dir.path(), &[("NO_COLOR", "1")], &["--color", "always"], true);
    check(dir.path(), &[("FORCE_COLOR", "1")], &["--color", "never"], false);
    check(dir.path(), &[("FORCE_COLOR", "1")], &["-o", "json"], false);
}

/// What SARIF 2.1.0 asks of a log, a run, a rule and a result, by hand: the schema itself is not at hand here.
#[test]
fn sarif_has_what_its_standard_asks_for() {
    let dir = folder();
    broken(dir.path());
    let log: Value =
        serde_json::from_str(&run(dir.path(), &[], &["doctor", "-f", "dump.json", "-o", "sarif"]).out)
            .unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(run["tool"]["driver"]["name"].is_string());
    let mut seen = std::collections::BTreeSet::new();
    for rule in rules {
        assert!(seen.insert(rule["id"].as_str().unwrap()), "{rule}");
        assert!(rule["shortDescription"]["text"].is_string() && rule["fullDescription"]["text"].is_string());
    }
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        assert!(["error", "warning", "note", "none"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(region.is_null() || region["startLine"].as_u64().unwrap() >= 1);
    }
}

/// Tags nest, attributes are quoted and the counts are those of the elements.
#[test]
fn junit_is_well_formed_and_counts_right() {
    let dir = folder();
    broken(dir.path());
    let xml = run(dir.path(), &[], &["doctor", "-f", "dump.json", "-o", "junit"]).out;
    let mut open: Vec<String> = Vec::new();
    let body = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains('>'), "{text}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap().to_owned());
        }
    }
    assert_eq!(open, Vec::<String>::new());
    let count =
        |what: &str| xml.matches(&format!("<{what} ")).count() + xml.matches(&format!("<{what}>")).count();
    for (attribute, element) in
        [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
    {
        assert!(
            xml.contains(&format!(" {attribute}=\"{}\"", count(element))),
            "{attribute} is not {}",
            count(element)
        );
    }
    assert_eq!(count("failure"), 1);
}

#[test]
fn the_metrics_can_be_scraped() {
    let dir = folder();
    broken(dir.path());
    let text = run(dir.path(), &[], &["doctor", "-f", "dump.json", "-o", "prometheus"]).out;
    let mut parser = tortie_wire::text::Parser::new(text.as_bytes());
    let mut series = 0;
    while let Some(entry) = parser.next().unwrap() {
        series += usize::from(matches!(entry, tortie_wire::text::Entry::Sample(_)));
    }
    assert!(series > 3, "{text}");
}

/// The write-up's manifests with one port for Typha and Felix, as files alone: each cause with its place.
#[test]
fn one_port_for_both_is_seen_in_files() {
    let dir = folder();
    let text = concat!(
        include_str!("../../../calico/src/doctor/write_up.yaml"),
        "---\napiVersion: operator.tigera.io/v1\nkind: Installation\nmetadata:\n  name: default\nspec:\n  nodeMetricsPort: 9091\n  \
         typhaMetricsPort: 9091\n"
    );
    std::fs::write(dir.path().join("write-up.yaml"), text).unwrap();
    let assume = "calico=3.27,install=operator,stack=kube-prometheus-stack:prometheus";
    let report = report(dir.path(), &["-f", "write-up.yaml", "--assume", assume]);
    let findings = report["findings"].as_array().unwrap().iter().filter(|f| f["level"] != "info");
    let mut told: Vec<String> = findings
        .map(|f| format!("{} {}:{}", f["id"], f["cause"]["file"], f["cause"]["line"]).replace('"', ""))
        .collect();
    told.sort();
    let line = |needle: &str| text.lines().position(|l| l.contains(needle)).unwrap() + 1;
    let expect = [
        format!("T211 write-up.yaml:{}", line("typhaMetricsPort: 9091")),
        format!("T507 write-up.yaml:{}", line("port: kube-controllers-metrics")),
    ];
    assert_eq!(told, expect);
}
