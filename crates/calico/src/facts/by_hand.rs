//! Jobs that somebody wrote by hand (`additionalScrapeConfigs`, a plain `prometheus.yml`): a way into a Prometheus without
//! any monitor.

use crate::component::Component;
use crate::facts::Facts;
use crate::generated;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Whether a component is scraped by a job written by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByHand {
    /// A job speaks of it.
    Yes,
    /// No job speaks of it, or there are none.
    No,
    /// There are such jobs and the snapshot does not hold them.
    Unseen,
}

impl Facts<'_> {
    /// Looks through the configurations that the snapshot holds.
    pub fn by_hand(&self, component: Component) -> ByHand {
        self.by_hand.get_or_init(|| find(self)).get(&component).copied().unwrap_or(ByHand::No)
    }
}

fn find(facts: &Facts<'_>) -> BTreeMap<Component, ByHand> {
    let mut unseen = false;
    let mut jobs: Vec<String> = Vec::new();
    let loaded = |name: &str| {
        facts.snap.collectors.iter().find(|c| c.object == name).and_then(|c| c.config.as_deref())
    };
    for prometheus in &facts.prometheuses {
        let config = loaded(&prometheus.name).map(Cow::Borrowed);
        match config.or_else(|| generated::of(facts.snap, &prometheus.name)) {
            Some(config) => jobs.extend(own_jobs(&config)),
            None => unseen |= prometheus.object.at("/spec/additionalScrapeConfigs").is_some(),
        }
    }
    let alone =
        facts.snap.collectors.iter().filter(|c| !facts.prometheuses.iter().any(|p| p.name == c.object));
    jobs.extend(alone.filter_map(|c| c.config.as_deref()).flat_map(own_jobs));
    let of = |component: Component| {
        let annotated = facts.workloads.get(&component).and_then(|w| w.object).is_some_and(|o| {
            o.text("/spec/template/metadata/annotations/prometheus.io~1scrape") == Some("true")
        });
        let speaks =
            |job: &String| component.named_in(job) || (annotated && job.contains("prometheus_io_scrape"));
        match jobs.iter().any(speaks) {
            true => ByHand::Yes,
            false if unseen => ByHand::Unseen,
            false => ByHand::No,
        }
    };
    facts.installed().map(|c| (c, of(c))).collect()
}

/// The texts of the jobs that no operator generated.
fn own_jobs(config: &str) -> impl Iterator<Item = String> {
    let mut jobs: Vec<String> = Vec::new();
    let mut inside = false;
    let mut list = None;
    for line in config.lines() {
        let top = line.starts_with(|c: char| c.is_ascii_alphabetic());
        if top {
            inside = line.starts_with("scrape_configs:");
            continue;
        }
        if !inside {
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        if line.trim_start().starts_with("- ") && indent <= *list.get_or_insert(indent) {
            jobs.push(String::new());
        }
        if let Some(job) = jobs.last_mut() {
            job.push_str(line);
            job.push('\n');
        }
    }
    const MADE: [&str; 4] = ["serviceMonitor/", "podMonitor/", "probe/", "scrapeConfig/"];
    jobs.into_iter().filter(|job| {
        let name = generated::jobs(job).next().unwrap_or_default();
        !MADE.iter().any(|m| name.starts_with(m))
    })
}

#[cfg(test)]
mod tests {
    use super::own_jobs;

    #[test]
    fn jobs_of_an_operator_are_left_out() {
        let config = "global:\n  x: 1\nscrape_configs:\n- job_name: serviceMonitor/a/felix/0\n  relabel_configs:\n  - action: keep\n- job_name: felix\n  static_configs:\n  - targets: [a:9091]\nrule_files:\n- felix.yaml\n";
        let names: Vec<String> = own_jobs(config).collect();
        assert_eq!(names, ["- job_name: felix\n  static_configs:\n  - targets: [a:9091]\n"]);
    }
}
