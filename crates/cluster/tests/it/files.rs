//! Objects out of files.

use flate2::{Compression, write::GzEncoder};
use std::path::{Path, PathBuf};
use tortie_cluster::files::{self, Level};
use tortie_cluster::object::{Object, Service};
use tortie_host::fs::{Fs, MemFs};

fn told(objects: &[Object]) -> Vec<String> {
    objects
        .iter()
        .map(|o| {
            let (line, column) = o.origin.as_ref().unwrap().position("").unwrap();
            format!("{} {}:{line}:{column}", o.reference(), o.origin.as_ref().unwrap().file)
        })
        .collect()
}

const TWO: &str = "# the write-up
apiVersion: v1
kind: Service
metadata:
  name: calico-felix-metrics
  namespace: calico-system
  labels: &l
    k8s-app: calico-felix-metrics
spec:
  ports:
    - name: felix-metrics
      port: 9091
---
apiVersion: v1
kind: Service
metadata: {name: second, labels: *l}
";

#[test]
fn many_documents_with_their_places() {
    // An anchor ends with its document.
    let text = TWO.replace("*l", "{k8s-app: x}");
    let (objects, problems) = files::parse("a.yaml", &text);
    assert_eq!(problems, []);
    assert_eq!(
        told(&objects),
        ["Service calico-system/calico-felix-metrics a.yaml:2:1", "Service second a.yaml:14:1"]
    );
    let origin = objects[0].origin.as_ref().unwrap();
    assert_eq!(origin.position("/spec/ports/0/port"), Some((12, 7)));
    assert_eq!(origin.position("/spec/ports/0"), Some((11, 7)));
    assert_eq!(origin.position("/spec/ports/0/targetPort"), Some((11, 7)), "the nearest one above");
    assert_eq!(origin.position("/metadata/labels/k8s-app"), Some((8, 5)));
    assert_eq!(origin.line_text(12).as_deref(), Some("      port: 9091"));
    assert_eq!(origin.line_text(0), None);
    assert_eq!(objects[1].origin.as_ref().unwrap().position("/metadata/labels"), Some((16, 26)));
    let service = Service::from_object(&objects[0]).unwrap();
    assert_eq!(service.ports[0].port, 9091);
    assert_eq!(service.origin.unwrap().position("/spec/ports/0/name"), Some((11, 7)));
}

#[test]
fn a_bad_document_costs_only_itself() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\nkind: [Broken\nname: x\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: c, labels: {on: 1}}\n";
    let (objects, problems) = files::parse("x.yaml", text);
    assert_eq!(told(&objects), ["Namespace a x.yaml:1:1", "Namespace b x.yaml:8:1"]);
    let lines: Vec<usize> = problems.iter().map(|p| p.at.unwrap().line).collect();
    assert_eq!(lines.len(), 2, "{problems:?}");
    assert!((5..=7).contains(&lines[0]), "{problems:?}");
    assert_eq!(
        problems[1].to_string(),
        "x.yaml:14:30: on must be a text, not a number\n14 | metadata: {name: c, labels: {on: 1}}\n   |                              ^\nhint: put quotes around the value"
    );
    assert!(problems.iter().all(|p| p.level == Level::Error));
}

#[test]
fn an_alias_to_another_document_is_a_problem_of_that_document() {
    let (objects, problems) = files::parse("a.yaml", TWO);
    assert_eq!(objects.len(), 1);
    assert_eq!((problems.len(), problems[0].at.unwrap().line), (1, 16), "{problems:?}");
}

#[test]
fn windows_line_ends_change_nothing() {
    let text = TWO.replace("*l", "{k8s-app: x}");
    let (unix, _) = files::parse("a.yaml", &text);
    let (windows, problems) = files::parse("a.yaml", &format!("\u{feff}{}", text.replace('\n', "\r\n")));
    assert_eq!(problems, []);
    assert_eq!(told(&windows), told(&unix));
    assert_eq!(windows[0].body, unix[0].body);
    let origin = windows[0].origin.as_ref().unwrap();
    assert_eq!(origin.position("/spec/ports/0/port"), Some((12, 7)));
    assert_eq!(origin.line_text(12).as_deref(), Some("      port: 9091"));
    let script = "apiVersion: v1\r\nkind: ConfigMap\r\ndata:\r\n  a: |\r\n    one\r\n    two\r\n";
    assert_eq!(files::parse("b.yaml", script).0[0].text("/data/a"), Some("one\ntwo\n"));
}

#[test]
fn lists_in_yaml_and_json() {
    let yaml = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: a}\n- apiVersion: v1\n  metadata: {name: no-kind}\n- kind: ServiceList\n  apiVersion: v1\n  items:\n  - metadata: {name: s}\n";
    let (objects, problems) = files::parse("l.yaml", yaml);
    assert_eq!(told(&objects), ["Namespace a l.yaml:4:3", "Service s l.yaml:12:5"]);
    assert_eq!(problems[0].to_string().lines().next(), Some("l.yaml:7:3: the field kind is not set"));
    let json = "{\n \"apiVersion\": \"v1\", \"kind\": \"PodList\",\n \"items\": [\n  {\"metadata\": {\"name\": \"p\"}},\n  {\"metadata\": {\"name\": \"q\"},\n   \"spec\": {\"nodeName\": \"n\"}}\n ]\n}\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"r\"}}";
    let (objects, problems) = files::parse("p.json", json);
    assert_eq!(problems, []);
    assert_eq!(told(&objects), ["Pod p p.json:4:3", "Pod q p.json:5:3", "Pod r p.json:9:1"]);
    assert_eq!(objects[1].origin.as_ref().unwrap().position("/spec/nodeName"), Some((6, 13)));
    assert_eq!(objects[1].origin.as_ref().unwrap().position("/spec/other"), Some((6, 4)));
}

#[test]
fn damaged_json_is_told_with_its_place() {
    let (objects, problems) = files::parse("x.json", "{\n  \"kind\": \"Pod\",\n  oops\n}");
    assert_eq!(objects.len(), 0);
    assert_eq!(
        problems[0].to_string(),
        "x.json:3:3: not valid JSON: key must be a string\n3 |   oops\n  |   ^"
    );
    // What looks like JSON may be YAML.
    let (objects, problems) = files::parse("x.yaml", "{apiVersion: v1, kind: Pod, metadata: {name: p}}");
    assert_eq!((told(&objects), problems.len()), (vec!["Pod p x.yaml:1:1".to_owned()], 0));
}

#[test]
fn values_of_secrets_stay_out_of_snippets() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  admin: hunter2\n  more: |\n    hunter3\n";
    let (objects, _) = files::parse("s.yaml", text);
    let origin = objects[0].origin.as_ref().unwrap();
    assert_eq!(origin.line_text(5).as_deref(), Some("  admin: <secret>"));
    assert_eq!(origin.line_text(7).as_deref(), Some("<secret>"));
    let (_, problems) = files::parse("s.yaml", "kind: Secret\nstringData:\n  password: [hunter2\n");
    assert!(!problems[0].to_string().contains("hunter2"), "{}", problems[0]);
}

#[test]
fn aliases_cannot_blow_up() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f"), ("f", "g"), ("g", "h")] {
        text.push_str(&format!("{to}: &{to} [{}]\n", vec![format!("*{from}"); 10].join(", ")));
    }
    let (objects, problems) = files::parse("bomb.yaml", &text);
    assert_eq!(objects.len(), 0);
    assert!(problems[0].message.contains("aliases make more than"), "{problems:?}");
}

fn put(fs: &MemFs, path: &str, content: &[u8]) {
    let path = Path::new(path);
    fs.create_dir_all(path.parent().unwrap()).unwrap();
    fs.write_atomic(path, content).unwrap();
}

const NS: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: NAME}\n";

#[test]
fn folders_are_walked_by_name() {
    let fs = MemFs::new();
    put(&fs, "/r/b.yaml", NS.replace("NAME", "b").as_bytes());
    put(&fs, "/r/a/x.yml", NS.replace("NAME", "ax").as_bytes());
    put(&fs, "/r/a/y.json", br#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ay"}}"#);
    put(&fs, "/r/README.md", b"kind: none");
    put(&fs, "/r/.git/z.yaml", NS.as_bytes());
    put(&fs, "/r/c/values.yaml", b"image: x\nreplicas: 2\n");
    put(
        &fs,
        "/r/c/templates/t.yaml",
        b"{{- if .Values.on }}\napiVersion: v1\nkind: {{ .Values.kind }}\n{{- end }}\n",
    );
    put(&fs, "/r/d.yaml", b"kind: \xff\n");
    let (objects, problems) = files::read(&fs, &[PathBuf::from("/r"), PathBuf::from("/none")]);
    assert_eq!(
        told(&objects),
        ["Namespace ax /r/a/x.yml:1:1", "Namespace ay /r/a/y.json:1:1", "Namespace b /r/b.yaml:1:1"]
    );
    let notes: Vec<String> =
        problems.iter().map(|p| format!("{:?} {}: {}", p.level, p.file, p.message)).collect();
    assert_eq!(
        notes,
        [
            "Note /r/c/templates/t.yaml: a template of a Helm chart, which is not read",
            "Note /r/c/values.yaml: the field apiVersion is not set",
            "Error /r/d.yaml: not valid UTF-8",
            "Error /none: no such file or folder",
        ]
    );
    // The same document is an error where it was asked for.
    let (_, named) = files::read(&fs, &[PathBuf::from("/r/c/values.yaml")]);
    assert_eq!(named[0].level, Level::Error);
}

fn bundle(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

#[test]
fn bundles_are_read_without_unpacking() {
    let fs = MemFs::new();
    let long = format!("bundle/{}/pods.yaml", "n".repeat(150));
    let ns = NS.replace("NAME", "a");
    let bytes = bundle(&[
        (&long, ns.as_bytes()),
        ("bundle/log.txt", b"kind: no"),
        ("bundle/v.json", b"{\"version\": 1}"),
    ]);
    put(&fs, "/b.tar.gz", &bytes);
    let (objects, problems) = files::read(&fs, &[PathBuf::from("/b.tar.gz")]);
    assert_eq!(told(&objects), [format!("Namespace a /b.tar.gz!{long}:1:1")]);
    assert_eq!((problems.len(), problems[0].level), (1, Level::Note), "{problems:?}");
    put(&fs, "/cut.tar.gz", &bytes[..bytes.len() / 2]);
    let (_, problems) = files::read(&fs, &[PathBuf::from("/cut.tar.gz")]);
    assert!(problems[0].message.starts_with("not a whole .tar.gz archive"), "{problems:?}");
}
