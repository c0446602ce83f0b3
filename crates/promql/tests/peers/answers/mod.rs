//! Our evaluator beside the real Prometheus over the same samples: same series, same order, same bits, same errors, same
//! warnings and infos with their positions.
//!
//! `TORTIE_PEERS_BIN` is the folder of the binaries `prometheus` and `promtool`.
mod data;
mod prometheus;
mod queries;

use data::{Data, START};
use prometheus::Prometheus;
use serde_json::Value as Json;
use tortie_promql::eval::{Answer, Engine, EvalError, QueryContext, SampleValue, Value};
use tortie_promql::{Options, parse_expr};

/// A series with its samples, as both sides are brought to.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    labels: Vec<(String, String)>,
    samples: Vec<(i64, f64)>,
}

/// What an engine said.
#[derive(Debug, Clone, PartialEq)]
struct Said {
    error: Option<String>,
    rows: Vec<Row>,
    notes: Vec<String>,
}

fn ours(result: Result<Answer, EvalError>) -> Said {
    let answer = match result {
        Err(e) => return Said { error: Some(e.to_string()), rows: Vec::new(), notes: Vec::new() },
        Ok(a) => a,
    };
    let labels = |l: &tortie_model::Labels| l.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let rows = match answer.value {
        Value::Scalar { t, v } => vec![Row { labels: Vec::new(), samples: vec![(t, v)] }],
        Value::Str { .. } => Vec::new(),
        Value::Vector(v) => v
            .iter()
            .map(|s| {
                let SampleValue::Float(v) = s.v else { panic!("a histogram out of floats") };
                Row { labels: labels(&s.labels), samples: vec![(s.t, v)] }
            })
            .collect(),
        Value::Matrix(m) => m
            .iter()
            .map(|s| Row {
                labels: labels(&s.labels),
                samples: s.columns.t.iter().copied().zip(s.columns.v.iter().copied()).collect(),
            })
            .collect(),
    };
    let mut notes = [answer.warnings, answer.infos].concat();
    notes.sort();
    Said { error: None, rows, notes }
}

fn theirs(json: &Json) -> Said {
    let mut notes: Vec<String> = ["warnings", "infos"]
        .iter()
        .flat_map(|k| json[k].as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)))
        .collect();
    notes.sort();
    if let Some(e) = json["error"].as_str() {
        return Said { error: Some(e.to_owned()), rows: Vec::new(), notes: Vec::new() };
    }
    let sample = |v: &Json| {
        let t = (v[0].as_f64().unwrap() * 1000.0).round() as i64;
        (t, tortie_model::gofloat::parse(v[1].as_str().unwrap()).unwrap())
    };
    let result = &json["data"]["result"];
    if json["data"]["resultType"] == "scalar" {
        return Said {
            error: None,
            rows: vec![Row { labels: Vec::new(), samples: vec![sample(result)] }],
            notes,
        };
    }
    let rows = result.as_array().unwrap().iter().map(|s| {
        let labels = s["metric"].as_object().unwrap().iter();
        let mut labels: Vec<(String, String)> =
            labels.map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect();
        labels.sort();
        let samples = match s["values"].as_array() {
            Some(values) => values.iter().map(sample).collect(),
            None => vec![sample(&s["value"])],
        };
        Row { labels, samples }
    });
    Said { error: None, rows: rows.collect(), notes }
}

/// How far two numbers are apart in units in the last place; NaN are all the same.
fn distance(a: f64, b: f64) -> u64 {
    if a.is_nan() && b.is_nan() {
        return 0;
    }
    let place = |v: f64| {
        if v.to_bits() >> 63 == 1 { -((v.to_bits() & (u64::MAX >> 1)) as i128) } else { v.to_bits() as i128 }
    };
    // Zeros of both signs are told apart.
    let sign = u64::from(a == 0.0 && b == 0.0 && a.to_bits() != b.to_bits());
    u64::try_from((place(a) - place(b)).unsigned_abs()).unwrap_or(u64::MAX).max(sign)
}

/// What differs, if anything does. `ulp` is how far values may be apart.
fn difference(mut a: Said, mut b: Said, ordered: bool, ulp: u64) -> Option<String> {
    if a.error != b.error {
        return Some(format!("error {:?}, expected {:?}", a.error, b.error));
    }
    if a.notes != b.notes {
        return Some(format!("notes {:?}, expected {:?}", a.notes, b.notes));
    }
    if !ordered {
        a.rows.sort_by(|x, y| x.labels.cmp(&y.labels));
        b.rows.sort_by(|x, y| x.labels.cmp(&y.labels));
    }
    if a.rows.len() != b.rows.len() {
        return Some(format!("{} series, expected {}", a.rows.len(), b.rows.len()));
    }
    for (x, y) in a.rows.iter().zip(&b.rows) {
        if x.labels != y.labels {
            return Some(format!("series {:?}, expected {:?}", x.labels, y.labels));
        }
        if x.samples.len() != y.samples.len() {
            return Some(format!(
                "{:?}: {} samples, expected {}",
                x.labels,
                x.samples.len(),
                y.samples.len()
            ));
        }
        for (p, q) in x.samples.iter().zip(&y.samples) {
            if p.0 != q.0 || distance(p.1, q.1) > ulp {
                return Some(format!(
                    "{:?}: {p:?}, expected {q:?}, {} units apart",
                    x.labels,
                    distance(p.1, q.1)
                ));
            }
        }
    }
    None
}

#[test]
fn same_answers() {
    let data = Data::new();
    let server = Prometheus::over(&data.openmetrics());
    let engine = Engine::default();
    let mut differences = Vec::new();
    let mut asked = 0;
    for q in queries::all() {
        let query = q.text.as_str();
        let expr = parse_expr(query, &Options::ALL).unwrap_or_else(|e| panic!("{query}: {e:?}"));
        let mut compare = |what: String, a: Said, b: &Json, ordered: bool, ulp: u64| {
            asked += 1;
            if let Some(d) = difference(a, theirs(b), ordered, ulp) {
                differences.push(format!("{query} {what}: {d}"));
            }
        };
        for offset in [901, 3_607, 7_200, 14_390] {
            let at = START + offset;
            let a = ours(engine.instant(&data, &expr, at * 1000, &QueryContext::new(query)));
            let b = server.ask("query", &[("query", query), ("time", &at.to_string())]);
            compare(format!("at +{offset}s"), a, &b, q.ordered, 0);
        }
        if q.instant_only {
            continue;
        }
        for (from, to, step) in [(0, 3_600, 15), (6_905, 8_405, 37), (10_000, 15_000, 300)] {
            let (start, end) = (START + from, START + to);
            let ctx = QueryContext::new(query);
            let a = ours(engine.range(&data, &expr, start * 1000, end * 1000, step * 1000, &ctx));
            let form = [
                ("query", query),
                ("start", &start.to_string()),
                ("end", &end.to_string()),
                ("step", &step.to_string()),
            ];
            compare(
                format!("from +{from}s to +{to}s by {step}s"),
                a,
                &server.ask("query_range", &form),
                true,
                q.ulp,
            );
        }
    }
    for d in differences.iter().take(60) {
        eprintln!("{d}");
    }
    eprintln!("{asked} answers, {} differ", differences.len());
    assert!(asked > 1_500, "only {asked} answers compared");
    assert!(differences.is_empty(), "{} of {asked} answers differ", differences.len());
}
