//! A simulated cluster, scraped once a minute of its own time into memory: `up`, stale markers and all.

use super::client::get;
use super::{MIDNIGHT, MINUTE};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tortie_calico::facts::queries;
use tortie_calico::rules::bundled;
use tortie_model::labels::METRIC_NAME;
use tortie_model::{Labels, LabelsBuilder, stale};
use tortie_script::storage::{Memory, Sample, Value};
use tortie_sim::{Bind, Component, Dataplane, Fault, Fleet, FleetOptions, Release, SimTarget};
use tortie_wire::text::{Entry, Parser};

/// A target that works answers within this.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the one is waited for that answers too late.
const SHORT: Duration = Duration::from_millis(150);

pub(super) struct History {
    runtime: tokio::runtime::Runtime,
    fleet: Fleet,
    slow: bool,
    /// Names that rules read.
    read: BTreeSet<String>,
    series: BTreeMap<Labels, Vec<Sample>>,
    /// Series of the last scrape of each target.
    before: BTreeMap<usize, BTreeSet<Labels>>,
    pub(super) start: i64,
    pub(super) now: i64,
}

impl History {
    pub(super) fn start(release: Release, start: i64) -> History {
        assert!(start >= MIDNIGHT);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = FleetOptions {
            dataplanes: vec![Dataplane::Iptables, Dataplane::Nftables, Dataplane::Bpf],
            release,
            start_ms: Some(start),
            bind: Bind::AnyPort,
            ..FleetOptions::default()
        };
        let fleet = runtime.block_on(Fleet::start(options)).unwrap();
        let mut read = BTreeSet::new();
        for rule in bundled::all().iter().flat_map(|g| &g.rules) {
            let expr = queries::parse(&rule.expr).unwrap();
            read.extend(expr.selectors().into_iter().filter_map(queries::metric).map(str::to_owned));
        }
        History {
            runtime,
            fleet,
            slow: false,
            read,
            series: BTreeMap::new(),
            before: BTreeMap::new(),
            start,
            now: start,
        }
    }

    pub(super) fn inject(&mut self, fault: Fault) {
        self.slow |= fault == Fault::KubeControllersSlow;
        self.runtime.block_on(self.fleet.inject(fault)).unwrap();
    }

    /// Scrapes for so many minutes.
    pub(super) fn go_on(&mut self, minutes: usize) {
        for _ in 0..minutes {
            self.fleet.set_time(self.now);
            for i in 0..self.fleet.targets().len() {
                self.scrape(i);
            }
            self.now += MINUTE;
        }
    }

    pub(super) fn samples(&self) -> usize {
        self.series.values().map(Vec::len).sum()
    }

    pub(super) fn memory(&self) -> Memory {
        let mut memory = Memory::default();
        for (labels, samples) in &self.series {
            memory.append(labels, samples).unwrap();
        }
        memory
    }

    fn scrape(&mut self, i: usize) {
        let target = self.fleet.targets()[i].clone();
        let late = self.slow && target.component == Component::KubeControllers;
        let found = get(target.address, if late { SHORT } else { PATIENCE })
            .and_then(|body| self.parsed(&body, &target));
        let up = f64::from(u8::from(found.is_some()));
        let found = found.unwrap_or_default();
        let now: BTreeSet<Labels> = found.iter().map(|(l, _)| l.clone()).collect();
        let gone: Vec<Labels> =
            self.before.insert(i, now.clone()).unwrap_or_default().difference(&now).cloned().collect();
        for labels in gone {
            self.push(labels, stale::stale_nan());
        }
        for (labels, v) in found {
            self.push(labels, v);
        }
        let mut labels = LabelsBuilder::new();
        labels.set(METRIC_NAME, "up");
        self.push(with_target(&mut labels, &target), up);
    }

    fn push(&mut self, labels: Labels, v: f64) {
        let sample = Sample { t: self.now, start: 0, value: Value::Float(v) };
        self.series.entry(labels).or_default().push(sample);
    }

    /// The samples that rules read; none when the body is no exposition.
    fn parsed(&self, body: &[u8], target: &SimTarget) -> Option<Vec<(Labels, f64)>> {
        let mut parser = Parser::new(body);
        let mut out = Vec::new();
        let mut labels = LabelsBuilder::new();
        while let Some(entry) = parser.next().ok()? {
            let Entry::Sample(sample) = entry else { continue };
            parser.labels(&mut labels).ok()?;
            if self.read.contains(labels.get(METRIC_NAME)) {
                out.push((with_target(&mut labels, target), sample.value));
            }
        }
        Some(out)
    }
}

/// As a ServiceMonitor gives them: without `node`, which stands for something else in `ipam_*`.
fn with_target(labels: &mut LabelsBuilder, target: &SimTarget) -> Labels {
    for (name, value) in target.labels.iter().filter(|(n, _)| n != "node") {
        labels.set(name, value);
    }
    labels.set("instance", &target.address.to_string());
    labels.labels()
}
