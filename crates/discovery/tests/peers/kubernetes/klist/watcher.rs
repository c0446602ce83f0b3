//! One discovery behind one way to the API server, and how far it was from the cluster.

use super::BOUND;
use super::cases::Case;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::watch::Receiver;
use tortie_config::Config;
use tortie_discovery::{Groups, Job, Manager, TargetGroup};
use tortie_host::{RealFs, SystemClock};
use tortie_model::Labels;
use tortie_testbed::FaultyProxy;

/// Jobs whose targets are compared.
pub(super) const JOBS: [&str; 3] = ["pod", "endpointslice", "endpoints"];

/// What kubectl lists, by the job whose targets it is: namespace, what it belongs to, address and state of each.
pub(super) type Listed = BTreeMap<&'static str, BTreeSet<String>>;

pub(super) struct Watcher {
    pub(super) case: Case,
    /// None for one that asks the API server itself, over TLS.
    pub(super) proxy: Option<FaultyProxy>,
    pub(super) manager: Manager,
    streams: HashMap<String, Receiver<Groups>>,
    /// Since when a job differs from the cluster.
    differs: BTreeMap<&'static str, Instant>,
    /// The longest that any was other than the cluster after all was well again.
    pub(super) worst: Duration,
    /// The same while something was wrong.
    pub(super) meanwhile: Duration,
}

impl Watcher {
    pub(super) fn start(
        case: Case,
        proxy: Option<FaultyProxy>,
        kubeconfig: &Path,
        runtime: &Runtime,
    ) -> Watcher {
        let namespaces = match case.namespaces {
            [] => String::new(),
            names => format!(", namespaces: {{names: [{}]}}", names.join(", ")),
        };
        let mut text = "scrape_configs:\n".to_owned();
        for job in JOBS {
            text += &format!(
                "- {{job_name: {job}, kubernetes_sd_configs: [{{role: {job}, kubeconfig_file: {}{namespaces}}}]}}\n",
                kubeconfig.display()
            );
        }
        let config = Config::load(&text, "/p.yml").unwrap_or_else(|e| panic!("{e}"));
        let manager = Manager::new(Arc::new(RealFs), Arc::new(SystemClock::new()));
        let streams = {
            let _inside = runtime.enter();
            manager.apply(config.scrape_configs.iter().map(Job::from_config).collect())
        };
        Watcher {
            case,
            proxy,
            manager,
            streams,
            differs: BTreeMap::new(),
            worst: Duration::ZERO,
            meanwhile: Duration::ZERO,
        }
    }

    /// A job's targets in the words of [`Listed`], without that of the API server.
    pub(super) fn set(&self, job: &str) -> BTreeSet<String> {
        let groups = self.streams[job].borrow().clone();
        let all = groups.iter().flat_map(|g| g.targets.iter().map(move |t| (g, t)));
        let words = |(g, t): (&TargetGroup, &Labels)| {
            let meta =
                |labels: &Labels, name: &str| labels.value(&format!("__meta_kubernetes_{name}")).to_owned();
            let own = |name: &str| meta(&g.labels, name);
            let address = t.value("__address__").trim_end_matches(":80").trim_matches(['[', ']']).to_owned();
            let (of, state) = match job {
                "pod" => (String::new(), String::new()),
                "endpoints" => (own("endpoints_name"), format!("ready {}", meta(t, "endpoint_ready"))),
                _ => {
                    let condition =
                        |name: &str| meta(t, &format!("endpointslice_endpoint_conditions_{name}"));
                    let state =
                        format!("ready {} terminating {}", condition("ready"), condition("terminating"));
                    (own("endpointslice_label_kubernetes_io_service_name"), state)
                }
            };
            (address != "10.99.0.1:6443").then(|| format!("{}/{of} {address} {state}", own("namespace")))
        };
        all.filter_map(words).collect()
    }

    pub(super) fn right(&self, listed: &Listed) -> bool {
        JOBS.iter().all(|job| self.set(job) == self.wanted(job, listed))
    }

    /// What is listed in the namespaces of this one.
    fn wanted(&self, job: &str, listed: &Listed) -> BTreeSet<String> {
        let namespaces = self.case.namespaces;
        let is_mine = |words: &&String| {
            namespaces.is_empty() || words.split('/').next().is_some_and(|ns| namespaces.contains(&ns))
        };
        listed[job].iter().filter(is_mine).cloned().collect()
    }

    /// Compares with what is in the cluster now, the last of `seen`. Since `well` nothing is wrong; before that only what is
    /// unharmed is held to the bound.
    ///
    /// The cluster never rests, so who lists every five seconds may differ at each look and is still never older than that:
    /// targets that are those of an earlier look are wrong since the look after it.
    #[track_caller]
    pub(super) fn compare(&mut self, seen: &VecDeque<(Instant, Listed)>, well: Option<Instant>) {
        let now = Instant::now();
        let Some((_, listed)) = seen.back() else { return };
        for job in JOBS {
            let set = self.set(job);
            let name = self.case.name;
            assert!(!set.is_empty(), "{name}: targets of {job} are gone");
            let since = self.differs.get(job).copied();
            let listed = &self.wanted(job, listed);
            if set == *listed {
                if let (Some(since), Some(well)) = (self.differs.remove(job), well) {
                    self.worst = self.worst.max(now - since.max(well));
                }
                continue;
            }
            let was_right = seen.iter().rposition(|(_, l)| set == self.wanted(job, l));
            let changed = was_right.and_then(|i| seen.get(i + 1)).map(|(at, _)| *at);
            let since = since.max(changed).unwrap_or(now);
            self.differs.insert(job, since);
            if well.is_none() {
                self.meanwhile = self.meanwhile.max(now - since);
            }
            let held = match well {
                Some(well) => now.saturating_duration_since(since.max(well)),
                None if self.case.unharmed.contains(&job) => now - since,
                None => Duration::ZERO,
            };
            // A second goes by between two looks.
            assert!(
                held <= BOUND + Duration::from_secs(1),
                "{name} ({}): {job} differs for {held:?}: listed {listed:?}, targets {set:?}\n{:?}",
                self.case.what,
                self.manager.clusters().status()
            );
        }
    }

    /// Whether any watch says that it is stale.
    pub(super) fn stale(&self) -> bool {
        self.manager
            .clusters()
            .status()
            .iter()
            .any(|s| s.health.stale_since.is_some() && s.health.error.is_some())
    }
}
