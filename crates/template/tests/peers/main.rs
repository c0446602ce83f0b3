//! Compares templates with Go itself and Prometheus' functions: every text of the fixtures' rules, written ones, and
//! random ones; output and errors to the letter. Needs `gotemplate` in the folder that `TORTIE_PEERS_BIN` names, and the
//! fixtures that `TORTIE_FIXTURES` names; fails without.

#![allow(clippy::print_stdout)] // what was counted and measured is printed
#![allow(clippy::disallowed_methods)] // a test binary starts programs and reads files

mod generated;
mod rules;
mod written;

use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tortie_model::Labels;
use tortie_template::{Data, Limits, Sample, Value, annotation, check, expand};

/// One template with what it is about.
#[derive(Clone)]
struct Case {
    text: String,
    labels: Vec<(String, String)>,
    value: f64,
    /// Look only whether it is a template.
    check: bool,
}

const NAME: &str = "__alert_Test";
const URL: &str = "http://prometheus.example:9090/sub%20path/prom";
const NOW: i64 = 1_435_065_584_128;
const EXTERNAL: [(&str, &str); 2] = [("cluster", "eu-1"), ("replica", "a")];

impl Case {
    fn new(text: impl Into<String>) -> Case {
        let labels = [
            ("__name__", "up"),
            ("instance", "node-1.example.org:9100"),
            ("job", "node <&'\"> exporter"),
            ("pod", "calico-node-x7k2p"),
            ("unicode", "größe…ж"),
            ("severity", "critical"),
        ];
        Case {
            text: text.into(),
            labels: labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            value: 1234.5678,
            check: false,
        }
    }

    fn question(&self) -> Json {
        let text = |pairs: &mut dyn Iterator<Item = (&str, &str)>| -> Map<String, Json> {
            pairs.map(|(n, v)| (n.to_owned(), v.into())).collect()
        };
        let queries: Map<String, Json> = queries()
            .into_iter()
            .map(|(expr, samples)| {
                let samples: Vec<Json> = samples
                    .iter()
                    .map(|(labels, v)| {
                        let labels = text(&mut labels.iter().map(|(n, v)| (*n, *v)));
                        json!({"labels": labels, "value": v.to_string()})
                    })
                    .collect();
                (expr.to_owned(), samples.into())
            })
            .collect();
        json!({
            "name": NAME,
            "text": self.text,
            "labels": text(&mut self.labels.iter().map(|(n, v)| (n.as_str(), v.as_str()))),
            "external_labels": text(&mut EXTERNAL.iter().copied()),
            "external_url": URL,
            "value": float_text(self.value),
            "now": NOW,
            "queries": queries,
            "check": self.check,
        })
    }

    fn ours(&self) -> Result<String, String> {
        let limits = Limits::default();
        if self.check {
            return check(NAME, &self.text, &limits).map(|()| String::new()).map_err(|e| e.to_string());
        }
        let labels = Labels::from_pairs(self.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let external = Labels::from_pairs(EXTERNAL);
        let value = Value::Float(self.value);
        let data = Data { labels: &labels, external_labels: &external, external_url: URL, value };
        let mut query = |expr: &str, _: i64| -> Result<Vec<Sample>, String> {
            match queries().remove(expr) {
                Some(samples) => Ok(samples
                    .into_iter()
                    .map(|(labels, v)| Sample { labels: Labels::from_pairs(labels), value: Value::Float(v) })
                    .collect()),
                None => Err(format!("unknown query {expr:?}")),
            }
        };
        expand(NAME, &self.text, &data, &mut query, NOW, &limits).map_err(|e| e.to_string())
    }
}

fn float_text(v: f64) -> String {
    tortie_model::gofloat::format_g(v)
}

type Series = (Vec<(&'static str, &'static str)>, f64);

/// What the function `query` finds.
fn queries() -> BTreeMap<&'static str, Vec<Series>> {
    BTreeMap::from([
        ("nothing", vec![]),
        ("one", vec![(vec![("__name__", "one"), ("instance", "a:1"), ("__value__", "a")], 11.0)]),
        (
            "many",
            vec![
                (vec![("instance", "b:1"), ("zone", "y")], 21.0),
                (vec![("instance", "a:1"), ("zone", "z")], 11.5),
                (vec![("instance", "c:1"), ("zone", "x")], 1e9),
            ],
        ),
    ])
}

/// What Go makes of the cases.
fn go(cases: &[Case]) -> Vec<Result<String, String>> {
    let dir =
        std::env::var("TORTIE_PEERS_BIN").expect("TORTIE_PEERS_BIN names the folder of the built peers");
    let path = PathBuf::from(dir).join("gotemplate");
    assert!(path.exists(), "{} is not built", path.display());
    let mut child =
        Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the peer starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let input: String = cases.iter().map(|c| format!("{}\n", c.question())).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the peer ends");
    writer.join().expect("the writer ends").expect("the peer reads all");
    assert!(output.status.success(), "the peer failed: {}", output.status);
    let answers: Vec<Result<String, String>> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let answer: Json = serde_json::from_str(line).expect("the peer writes JSON");
            match answer["err"].as_str() {
                Some(err) => Err(err.to_owned()),
                None => Ok(answer["out"].as_str().unwrap_or("").to_owned()),
            }
        })
        .collect();
    assert_eq!(answers.len(), cases.len(), "one answer a question");
    answers
}

/// Compares all cases and counts those that Go refused.
fn compare(cases: &[Case]) -> usize {
    let theirs = go(cases);
    let mut different = Vec::new();
    for (case, theirs) in cases.iter().zip(&theirs) {
        let ours = case.ours();
        if ours != *theirs {
            different.push(format!(
                "{:?}\n  go:   {}\n  ours: {}",
                case.text,
                annotation_text(theirs),
                annotation_text(&ours)
            ));
        }
    }
    let shown: Vec<&String> = different.iter().take(40).collect();
    assert!(
        different.is_empty(),
        "{} of {} differ:\n{}",
        different.len(),
        cases.len(),
        shown.iter().map(|s| format!("{s}\n")).collect::<String>()
    );
    theirs.iter().filter(|t| t.is_err()).count()
}

fn annotation_text(result: &Result<String, String>) -> String {
    match result {
        Ok(text) => format!("{text:?}"),
        Err(e) => annotation(Err(tortie_template::Error {
            kind: tortie_template::ErrorKind::Exec,
            message: e.clone(),
            line: 0,
            column: None,
        })),
    }
}
