//! Whether samples of a component arrive somewhere: what the collectors say, mapped to pods.

use crate::component::Component;
use crate::facts::Facts;
use crate::snapshot::{Collector, Sample, Target};
use std::collections::BTreeSet;

/// The interval that prometheus-operator's CRD puts where nothing is said.
const DEFAULT_INTERVAL: f64 = 30.0;

impl Facts<'_> {
    /// The active targets of a component in one collector: those whose address is one of its pods' at its port, or whose
    /// labels name one of its pods.
    pub fn targets_of<'c>(&self, collector: &'c Collector, component: Component) -> Vec<&'c Target> {
        let Some(workload) = self.workloads.get(&component) else { return Vec::new() };
        let addresses: BTreeSet<&str> =
            workload.pods.iter().flat_map(|p| &p.ips).map(String::as_str).collect();
        let names: BTreeSet<&str> = workload.pods.iter().map(|p| p.meta.name.as_str()).collect();
        let port = self.settings.port(component);
        let pools: BTreeSet<String> =
            self.monitors.iter().filter(|m| m.component == component).map(|m| m.pool()).collect();
        let hits = |t: &&Target| {
            let pod = t.labels.get("pod").is_some_and(|p| names.contains(p.as_str()));
            let (host, at) = host_port(&t.url);
            let address = addresses.contains(host) && at == Some(port);
            // Host-network pods share their node's address: the pool or the port tells them apart.
            (pod && (pools.contains(&t.pool) || at == Some(port))) || address || pools.contains(&t.pool)
        };
        collector.targets.iter().filter(hits).collect()
    }

    /// Whether every running pod of the component is scraped well by some reachable collector, and what it says is the
    /// component's own.
    pub fn samples_arrive(&self, component: Component) -> bool {
        let Some(workload) = self.workloads.get(&component) else { return false };
        // One of them answers for both, and all targets are up.
        if component != Component::KubeControllers && self.share_a_port() {
            return false;
        }
        let ready: Vec<&str> = workload.pods.iter().filter(|p| p.ready).map(|p| p.ip.as_str()).collect();
        if ready.is_empty() {
            return false;
        }
        self.snap.collectors.iter().filter(|c| c.unreachable.is_none()).any(|collector| {
            let up: BTreeSet<&str> = self
                .targets_of(collector, component)
                .into_iter()
                .filter(|t| t.health == "up" && self.overdue(collector, t).is_none())
                .map(|t| host_port(&t.url).0)
                .collect();
            ready.iter().all(|ip| up.contains(ip)) && self.right_families(collector, component)
        })
    }

    /// Whether Felix and Typha want one port on a node that has both.
    fn share_a_port(&self) -> bool {
        let (Some(typha), Some(workload)) = (&self.settings.typha, self.workloads.get(&Component::Typha))
        else {
            return false;
        };
        let taken = |node: &str| {
            let felix = self.settings.felix_on(node);
            felix.is_some_and(|f| f.enabled.value && f.port.value == typha.port.value)
        };
        typha.enabled.value && workload.nodes().into_iter().any(taken)
    }

    /// Seconds since the last scrape of a target, when it is more than three intervals: it stays `up` all the same. Its own
    /// clock wrote the time; ten seconds more are for the time that looking takes.
    pub fn overdue(&self, collector: &Collector, target: &Target) -> Option<f64> {
        let now = self.snap.at.saturating_add(collector.clock_ahead.unwrap_or(0));
        let age = (now - target.last_scrape?) as f64 / 1000.0;
        let interval = if target.interval > 0.0 { target.interval } else { DEFAULT_INTERVAL };
        (age > 3.0 * interval + 10.0).then_some(age)
    }

    /// Whether the component's own families are among the collector's answers. Without an answer to the question this says
    /// yes: a target that is up is no proof against it. kube-controllers has families of its own only with Calico's IPAM,
    /// so their absence proves nothing.
    pub fn right_families(&self, collector: &Collector, component: Component) -> bool {
        if component == Component::KubeControllers {
            return true;
        }
        match collector.answers.get(&family_query(component)) {
            Some(Ok(samples)) => !samples.is_empty(),
            _ => true,
        }
    }

    /// Collectors that answered.
    pub fn reachable(&self) -> impl Iterator<Item = &Collector> {
        self.snap.collectors.iter().filter(|c| c.unreachable.is_none())
    }

    /// Active targets of a component in all collectors, each with its collector.
    pub fn targets(&self, component: Component) -> Vec<(&Collector, &Target)> {
        self.reachable()
            .flat_map(|c| self.targets_of(c, component).into_iter().map(move |t| (c, t)))
            .collect()
    }

    /// Whether at least one process of the component is scraped well somewhere.
    pub fn some_samples(&self, component: Component) -> bool {
        self.reachable().any(|c| {
            self.targets_of(c, component).iter().any(|t| t.health == "up")
                && self.right_families(c, component)
        })
    }

    /// The answer of all collectors together: none while one that can be asked was not, unless another has data. A
    /// sharded Prometheus answers in parts.
    pub fn answer(&self, query: &str) -> Option<Result<Vec<Sample>, String>> {
        let mut merged: Option<Vec<Sample>> = None;
        let mut error = None;
        let mut missing = false;
        for collector in self.reachable() {
            match collector.answers.get(query) {
                Some(Ok(samples)) => merged.get_or_insert_default().extend(samples.iter().cloned()),
                Some(Err(e)) => error = Some(e.clone()),
                None => missing = true,
            }
        }
        match merged {
            Some(samples) if !samples.is_empty() || !missing => Some(Ok(samples)),
            _ if missing => None,
            _ => error.map(Err),
        }
    }

    /// Values of the label `job` under which a component's targets are stored, of up ones first.
    pub fn jobs(&self, component: Component) -> Vec<String> {
        let mut targets = self.targets(component);
        targets.sort_by_key(|(_, t)| t.health != "up");
        let mut out: Vec<String> = Vec::new();
        for job in targets.into_iter().filter_map(|(_, t)| t.labels.get("job")) {
            if !out.contains(job) {
                out.push(job.clone());
            }
        }
        out
    }

    /// How often a component is scraped, in seconds: as its targets say, else its monitor, else the Prometheus object.
    pub fn scrape_interval(&self, component: Component) -> f64 {
        let targets = self.targets(component);
        let seen = targets.iter().map(|(_, t)| t.interval).filter(|i| *i > 0.0).fold(0.0, f64::max);
        if seen > 0.0 {
            return seen;
        }
        let Some(branch) = self.best(component) else { return DEFAULT_INTERVAL };
        let own =
            self.monitor(branch).field("interval").or_else(|| self.monitor(branch).field("scrapeInterval"));
        let own = own.and_then(|v| v.as_str()).and_then(crate::facts::prometheus::seconds);
        own.or_else(|| self.prometheus(branch)?.seconds("/spec/scrapeInterval")).unwrap_or(DEFAULT_INTERVAL)
    }

    /// Whether nothing could be learnt about its samples: a live cluster whose collectors could not be asked.
    pub fn samples_unseen(&self, _component: Component) -> bool {
        self.running() && !self.snap.collectors.iter().any(|c| c.unreachable.is_none())
    }
}

/// The query that shows whether a component's own families arrive; the collector asks it ahead.
pub fn family_query(component: Component) -> String {
    format!("count({{__name__=~\"{}.+\"}})", component.prefixes().join("|").replace('|', ".+|"))
}

/// Host and port of a scrape address; IPv6 addresses come without brackets.
pub fn host_port(url: &str) -> (&str, Option<u16>) {
    let rest = url.split_once("://").map_or(url, |(_, r)| r);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if let Some((host, tail)) = authority.strip_prefix('[').and_then(|a| a.split_once(']')) {
        return (host, tail.strip_prefix(':').and_then(|p| p.parse().ok()));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::{family_query, host_port};
    use crate::component::Component;

    #[test]
    fn addresses_come_apart() {
        #[track_caller]
        fn check(url: &str, expect: (&str, Option<u16>)) {
            assert_eq!(host_port(url), expect, "{url}");
        }
        check("http://10.0.0.4:9091/metrics", ("10.0.0.4", Some(9091)));
        check("https://[fd00::1]:9093/metrics?x=1", ("fd00::1", Some(9093)));
        check("http://name/metrics", ("name", None));
    }

    #[test]
    fn families_are_asked_by_name() {
        assert_eq!(family_query(Component::Felix), "count({__name__=~\"felix_.+\"})");
        assert_eq!(
            family_query(Component::KubeControllers),
            "count({__name__=~\"ipam_.+|kube_controllers_.+\"})"
        );
    }
}
