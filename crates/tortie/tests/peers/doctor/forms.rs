//! `-o sarif` against the standard's JSON schema, on the reports of recorded clusters and of files.

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

fn sarif(arguments: &[&str]) -> Vec<u8> {
    let out =
        Command::new(env!("CARGO_BIN_EXE_tortie")).args(arguments).args(["-o", "sarif"]).output().unwrap();
    assert!(out.status.code().is_some_and(|c| c != 2), "{}", String::from_utf8_lossy(&out.stderr));
    out.stdout
}

/// What the schema says against a report; empty when it follows it.
fn complaints(report: &[u8]) -> String {
    let mut command = Command::new(binary("sarifcheck").unwrap());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(report).unwrap();
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.success(), said.is_empty(), "{said}");
    said
}

#[test]
fn sarif_follows_its_schema() {
    let all = clusters();
    assert!(all.len() >= 20, "{all:?}");
    let mut results = 0;
    for file in &all {
        let report = sarif(&["doctor", "-f", file.to_str().unwrap()]);
        assert_eq!(complaints(&report), "", "{}", file.display());
        results += String::from_utf8_lossy(&report).matches("\"ruleId\"").count();
    }
    assert!(results > 20, "only {results} results in all reports");
    // Manifests have a file and a line.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("monitor.yaml");
    std::fs::write(&file, "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: m, namespace: monitoring}\n\
spec:\n  namespaceSelector: {matchNames: [calico-system]}\n  selector: {matchLabels: {k8s-app: calico-kube-controllers}}\n  endpoints: [{port: nope}]\n")
    .unwrap();
    let assume = "calico=3.30,install=operator,stack=kube-prometheus-stack:prometheus";
    let report = sarif(&["doctor", "-f", file.to_str().unwrap(), "--assume", assume]);
    assert_eq!(complaints(&report), "");
    assert!(String::from_utf8_lossy(&report).contains("startLine"), "{}", String::from_utf8_lossy(&report));
    // The check can fail.
    let wrong = String::from_utf8_lossy(&report).replace("\"ruleId\"", "\"rule\"");
    assert!(complaints(wrong.as_bytes()).contains("rule"), "a wrong report was taken");
}
