//! `-o sarif` against the standard's JSON schema, `-o junit` against the XML schema that Jenkins' plugins share, on the reports
//! of recorded clusters and of files.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tortie_testbed::binary;

fn clusters() -> Vec<PathBuf> {
    let fixtures = std::env::var_os("TORTIE_FIXTURES").expect("TORTIE_FIXTURES (hint: make peers-test)");
    let folder = Path::new(&fixtures).join("clusters");
    let versions =
        std::fs::read_dir(folder).unwrap().filter_map(|e| Some(e.ok()?.path())).filter(|p| p.is_dir());
    let states = versions.flat_map(|v| std::fs::read_dir(v).unwrap().filter_map(|e| Some(e.ok()?.path())));
    states.filter(|p| p.extension().is_some_and(|e| e == "json")).collect()
}

fn report(form: &str, arguments: &[&str]) -> Vec<u8> {
    let out = Command::new(env!("CARGO_BIN_EXE_tortie")).args(arguments).args(["-o", form]).output().unwrap();
    assert!(out.status.code().is_some_and(|c| c != 2), "{}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// What the schema says against a report, by the program that knows it; empty when it follows it.
fn complaints(program: &str, report: &[u8]) -> String {
    let mut command = Command::new(binary(program).unwrap());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(report).unwrap();
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.success(), said.is_empty(), "{said}");
    said
}

/// Manifests: what is found in them has a file and a line.
fn manifests(form: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("monitor.yaml");
    std::fs::write(&file, "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: m, namespace: monitoring}\n\
spec:\n  namespaceSelector: {matchNames: [calico-system]}\n  selector: {matchLabels: {k8s-app: calico-kube-controllers}}\n  endpoints: [{port: nope}]\n")
    .unwrap();
    let assume = "calico=3.30,install=operator,stack=kube-prometheus-stack:prometheus";
    report(form, &["doctor", "-f", file.to_str().unwrap(), "--assume", assume])
}

/// Every report follows its schema. `result` stands once in each result; `broken` makes a report that does not.
#[track_caller]
fn check(form: &str, program: &str, result: &str, place: &str, broken: (&str, &str)) {
    let all = clusters();
    assert!(all.len() >= 20, "{all:?}");
    let mut results = 0;
    for file in &all {
        let report = report(form, &["doctor", "-f", file.to_str().unwrap()]);
        assert_eq!(complaints(program, &report), "", "{}", file.display());
        results += String::from_utf8_lossy(&report).matches(result).count();
    }
    assert!(results > 20, "only {results} results in all reports");
    let report = manifests(form);
    assert_eq!(complaints(program, &report), "");
    let text = String::from_utf8_lossy(&report);
    assert!(text.contains(place), "{text}");
    // The check can fail.
    let wrong = text.replace(broken.0, broken.1);
    assert!(
        complaints(program, wrong.as_bytes()).contains(broken.1.trim_matches('"')),
        "a wrong report was taken"
    );
}

#[test]
fn sarif_follows_its_schema() {
    check("sarif", "sarifcheck", "\"ruleId\"", "startLine", ("\"ruleId\"", "\"rule\""));
}

#[test]
fn junit_follows_its_schema() {
    check("junit", "junitcheck", "<failure ", "<skipped>", ("classname", "klass"));
}
