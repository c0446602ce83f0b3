//! Property: whatever a target says scrape after scrape, what is stored is what the rules say, however it was read.

use crate::rig::{Rig, config};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tortie_model::relabel::{Action, Rule};
use tortie_scrape::PoolConfig;

/// A line: series number, value, own timestamp. Series 7 to 9 are written in two ways, 5 and 6 are dropped.
type Line = (usize, u8, Option<u8>);

#[derive(Debug, Clone)]
enum Body {
    Lines(Vec<Line>),
    Broken(Vec<Line>),
}

fn name(series: usize) -> String {
    match series {
        5 | 6 => format!("drop_{series}"),
        n => format!("m{}", if n >= 10 { n - 3 } else { n }),
    }
}

fn text(series: usize) -> String {
    match series {
        7..=9 => format!("{}{{a=\"1\",b=\"2\"}}", name(series)),
        10.. => format!("{}{{b=\"2\",a=\"1\"}}", name(series)),
        _ => name(series),
    }
}

/// A series is written in one way only within a body: which of two ways wins in the scrape that brings the second one
/// is not promised.
fn body(lines: &[Line], at: i64) -> String {
    let mut out = String::new();
    let mut written: BTreeMap<String, usize> = BTreeMap::new();
    for (i, (s, v, t)) in lines.iter().enumerate() {
        let s = written.entry(name(*s)).or_insert(*s);
        if i % 3 == 0 {
            out.push_str("# a comment\n");
        }
        out.push_str(&format!("{} {v}", text(*s)));
        if let Some(t) = t {
            out.push_str(&format!(" {}", at + i64::from(*t)));
        }
        out.push('\n');
    }
    out
}

#[derive(Default)]
struct Model {
    stored: BTreeMap<String, Vec<(i64, Option<f64>)>>,
    /// Series of the last scrape that get a marker when they go.
    tracked: Vec<String>,
}

impl Model {
    fn append(&mut self, series: &str, t: i64, v: Option<f64>) {
        let samples = self.stored.entry(series.to_owned()).or_default();
        if samples.last().is_none_or(|&(last, _)| t > last) {
            samples.push((t, v));
        }
    }

    fn scrape(&mut self, body: &Body, at: i64) {
        let lines = match body {
            Body::Lines(lines) => lines.as_slice(),
            Body::Broken(_) => &[],
        };
        let mut seen: Vec<String> = Vec::new();
        let mut tracked = Vec::new();
        for (s, v, t) in lines {
            let series = name(*s);
            if series.starts_with("drop") {
                continue;
            }
            let first = !seen.contains(&series);
            if first {
                seen.push(series.clone());
            }
            match t {
                Some(t) => self.append(&series, at + i64::from(*t), Some(f64::from(*v))),
                None if first => {
                    self.append(&series, at, Some(f64::from(*v)));
                    tracked.push(series);
                }
                None => {}
            }
        }
        for gone in std::mem::replace(&mut self.tracked, tracked) {
            if !seen.contains(&gone) {
                self.append(&gone, at, None);
            }
        }
    }
}

fn lines(timestamps: bool) -> impl Strategy<Value = Vec<Line>> {
    let time = if timestamps { prop::option::weighted(0.3, 0u8..90).boxed() } else { Just(None).boxed() };
    prop::collection::vec((0usize..13, any::<u8>(), time), 0..14)
}

/// Bodies that mostly repeat the last one with other values, as targets do.
fn bodies(timestamps: bool) -> impl Strategy<Value = Vec<Body>> {
    let change = (0u8..10, lines(timestamps), any::<prop::sample::Index>(), any::<u8>());
    prop::collection::vec(change, 1..8).prop_map(|changes| {
        let mut now: Vec<Line> = Vec::new();
        let mut out = Vec::new();
        for (kind, fresh, at, value) in changes {
            match kind {
                0..=4 if !now.is_empty() => now.iter_mut().for_each(|l| l.1 = l.1.wrapping_add(value)),
                5 if !now.is_empty() => drop(now.remove(at.index(now.len()))),
                6 if !now.is_empty() && !fresh.is_empty() => now.insert(at.index(now.len()), fresh[0]),
                7 => now.reverse(),
                8 => {
                    out.push(Body::Broken(now.clone()));
                    continue;
                }
                _ => now = fresh,
            }
            out.push(Body::Lines(now.clone()));
        }
        out
    })
}

fn run(bodies: &[Body]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let drop = Rule {
            source_labels: vec!["__name__".into()],
            action: Action::Drop,
            regex: tortie_model::regex::Regex::anchored("drop.*").unwrap(),
            ..Rule::default()
        };
        let rig = Rig::new(PoolConfig { metric_relabel: vec![drop], ..config() }).await;
        let mut model = Model::default();
        for (i, b) in bodies.iter().enumerate() {
            let at = (i as i64 + 1) * 1000;
            let (text, broken) = match b {
                Body::Lines(lines) => (body(lines, at), false),
                Body::Broken(lines) => (format!("{}}}\n", body(lines, at)), true),
            };
            let status = rig.scrape(at, &text).await;
            prop_assert_eq!(status.last_error.is_empty(), !broken, "{}", status.last_error);
            model.scrape(b, at);
        }
        let stored: BTreeMap<String, Vec<(i64, Option<f64>)>> = rig
            .sink
            .all()
            .into_iter()
            .map(|(s, v)| (s.split('{').next().unwrap_or("").to_owned(), v))
            .collect();
        model.stored.retain(|_, v| !v.is_empty());
        prop_assert_eq!(stored, model.stored);
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_stored_is_what_the_rules_say(bodies in bodies(false)) {
        run(&bodies)?;
    }

    #[test]
    fn also_with_timestamps(bodies in bodies(true)) {
        run(&bodies)?;
    }
}
