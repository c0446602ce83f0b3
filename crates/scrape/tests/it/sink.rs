//! A stand-in of the head: keeps samples by labels, refuses what the head refuses, counts who holds a slot.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use tortie_model::Labels;
use tortie_model::stale::is_stale;
use tortie_scrape::sink::Sink;
use tortie_tsdb::append::{AppendError, Batch, Committed, Refusal, Slot};

/// Time and value, `None` for a stale marker.
pub(crate) type Samples = Vec<(i64, Option<f64>)>;

#[derive(Default)]
pub(crate) struct TestSink {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slots: HashMap<Labels, u32>,
    series: Vec<Series>,
    fail: bool,
    panic: bool,
    commits: usize,
}

struct Series {
    labels: Labels,
    samples: Vec<(i64, f64)>,
    holders: i64,
}

impl TestSink {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes all further commits fail, or work again.
    pub(crate) fn fail(&self, fail: bool) {
        self.state().fail = fail;
    }

    /// Makes all further commits panic, or work again.
    pub(crate) fn panic(&self, panic: bool) {
        self.state().panic = panic;
    }

    pub(crate) fn commits(&self) -> usize {
        self.state().commits
    }

    /// Samples of the only series whose metric name is `name`; stale markers are `None`.
    #[track_caller]
    pub(crate) fn samples(&self, name: &str) -> Samples {
        let s = self.state();
        let found: Vec<_> = s.series.iter().filter(|x| x.labels.metric_name() == name).collect();
        assert_eq!(
            found.len(),
            1,
            "series with name {name}: {:?}",
            found.iter().map(|x| &x.labels).collect::<Vec<_>>()
        );
        values(found[0])
    }

    /// Samples of all series by their labels in text form, `instance` and `job` left out, reports left out.
    pub(crate) fn all(&self) -> Vec<(String, Samples)> {
        let s = self.state();
        let mut out: Vec<_> = s
            .series
            .iter()
            .filter(|x| x.labels.metric_name() != "up" && !x.labels.metric_name().starts_with("scrape_"))
            .map(|x| (text(&x.labels), values(x)))
            .collect();
        out.sort_by(|a, b| a.0.cmp(&b.0));
        out
    }

    #[allow(dead_code)] // asked by the tests beside the real Prometheus
    /// The newest sample of each series that is not stale.
    pub(crate) fn newest(&self) -> Vec<(Labels, f64)> {
        let s = self.state();
        s.series
            .iter()
            .filter_map(|x| x.samples.last().map(|&(_, v)| (x.labels.clone(), v)))
            .filter(|(_, v)| !is_stale(*v))
            .collect()
    }

    /// How many slots are held by somebody.
    pub(crate) fn held(&self) -> i64 {
        self.state().series.iter().map(|x| x.holders).sum()
    }

    pub(crate) fn labels_of(&self, name: &str) -> Vec<Labels> {
        self.state()
            .series
            .iter()
            .filter(|x| x.labels.metric_name() == name)
            .map(|x| x.labels.clone())
            .collect()
    }
}

fn values(s: &Series) -> Samples {
    s.samples.iter().map(|&(t, v)| (t, (!is_stale(v)).then_some(v))).collect()
}

fn text(labels: &Labels) -> String {
    let rest: Vec<String> = labels
        .iter()
        .filter(|(n, _)| !["__name__", "instance", "job"].contains(n))
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    if rest.is_empty() {
        labels.metric_name().to_owned()
    } else {
        format!("{}{{{}}}", labels.metric_name(), rest.join(","))
    }
}

fn append(s: &mut Series, t: i64, v: f64) -> Option<Refusal> {
    match s.samples.last() {
        Some(&(last, _)) if t < last => Some(Refusal::OutOfOrder),
        Some(&(last, old)) if t == last && old.to_bits() != v.to_bits() => Some(Refusal::DuplicateTimestamp),
        Some(&(last, _)) if t == last => None,
        _ => {
            s.samples.push((t, v));
            None
        }
    }
}

impl Sink for TestSink {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        let mut state = self.state();
        if state.panic {
            drop(state);
            panic!("on purpose");
        }
        if state.fail {
            return Err(AppendError::Wal("no space left on device".into()));
        }
        state.commits += 1;
        let mut out = Committed::default();
        for (i, slot) in batch.slots.iter().enumerate() {
            let s = &mut state.series[slot.0 as usize];
            assert!(s.holders > 0, "slot of {:?} was used but not held", s.labels);
            if let Some(r) = append(s, batch.t[i], batch.v[i]) {
                out.refused.push((i, r));
            }
        }
        for (i, (labels, t, v)) in batch.new.iter().enumerate() {
            let slot = match state.slots.get(labels) {
                Some(&slot) => slot,
                None => {
                    let slot = state.series.len() as u32;
                    state.slots.insert(labels.clone(), slot);
                    state.series.push(Series { labels: labels.clone(), samples: Vec::new(), holders: 0 });
                    out.created += 1;
                    slot
                }
            };
            let s = &mut state.series[slot as usize];
            s.holders += 1;
            if let Some(r) = append(s, *t, *v) {
                out.refused.push((batch.slots.len() + i, r));
            }
            out.new.push(Some(Slot(slot)));
        }
        Ok(out)
    }

    fn release(&self, slots: &[Slot]) {
        let mut state = self.state();
        for slot in slots {
            let s = &mut state.series[slot.0 as usize];
            s.holders -= 1;
            assert!(s.holders >= 0, "{:?} was released too often", s.labels);
        }
    }
}
