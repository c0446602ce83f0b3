//! The two ends of a scrape, as policies see them.

use crate::component::Component;
use crate::facts::Facts;
use crate::facts::policies::End;
use crate::facts::prometheus::Prometheus;
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;
use tortie_cluster::object::Pod;

impl<'a> Facts<'a> {
    /// The Prometheus objects that ought to scrape a component: those that take a monitor of it, or all when none does.
    pub fn scrapers(&self, component: Component) -> Vec<&Prometheus<'a>> {
        let branches = self.branches.get(&component).map(Vec::as_slice).unwrap_or_default();
        let taking = branches.iter().filter(|b| b.whole()).filter_map(|b| b.prometheus);
        let mut chosen: Vec<usize> = taking.collect();
        chosen.sort_unstable();
        chosen.dedup();
        if chosen.is_empty() {
            chosen = (0..self.prometheuses.len()).collect();
        }
        chosen.into_iter().filter_map(|i| self.prometheuses.get(i)).collect()
    }

    /// The pods of a Prometheus object.
    pub fn pods_of(&self, prometheus: &Prometheus<'_>) -> Vec<&'a Pod> {
        let meta = &prometheus.object.meta;
        let own = |p: &&Pod| {
            p.meta.namespace == meta.namespace
                && (p.meta.labels.get("operator.prometheus.io/name") == Some(&meta.name)
                    || p.meta.labels.get("prometheus") == Some(&meta.name))
        };
        self.snap.pods.iter().filter(own).collect()
    }

    /// A Prometheus as the sending end. Without a pod of it, its labels are those that prometheus-operator gives.
    pub fn scraper_end(&self, prometheus: &Prometheus<'_>) -> End {
        if let Some(pod) = self.pods_of(prometheus).first() {
            return pod_end(self.snap, pod);
        }
        let meta = &prometheus.object.meta;
        let mut labels: BTreeMap<String, String> = [
            ("app.kubernetes.io/name", "prometheus"),
            ("app.kubernetes.io/managed-by", "prometheus-operator"),
            ("app.kubernetes.io/instance", meta.name.as_str()),
            ("operator.prometheus.io/name", meta.name.as_str()),
            ("prometheus", meta.name.as_str()),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
        let added = prometheus.object.at("/spec/podMetadata/labels").and_then(|l| l.as_object());
        labels.extend(
            added.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))),
        );
        End {
            namespace: meta.namespace.clone(),
            namespace_labels: self.snap.namespace_labels(&meta.namespace),
            labels,
            account: prometheus.object.text("/spec/serviceAccountName").unwrap_or_default().to_owned(),
            selectable: prometheus
                .object
                .at("/spec/hostNetwork")
                .is_none_or(|v| v != &serde_json::json!(true)),
            profile_allows: true,
            ..End::default()
        }
    }

    /// A component as the receiving end, by its pods, or by its template when no pod is known.
    pub fn component_ends(&self, component: Component) -> Vec<End> {
        let Some(workload) = self.workloads.get(&component) else { return Vec::new() };
        if !workload.pods.is_empty() {
            return workload.pods.iter().map(|p| pod_end(self.snap, p)).collect();
        }
        let host =
            workload.object.and_then(|o| o.at("/spec/template/spec/hostNetwork")).and_then(|v| v.as_bool());
        vec![End {
            namespace: workload.namespace.clone(),
            namespace_labels: self.snap.namespace_labels(&workload.namespace),
            labels: workload.labels.clone(),
            selectable: host != Some(true),
            profile_allows: true,
            ..End::default()
        }]
    }
}

/// A pod as an end.
pub fn pod_end(snap: &Snapshot, pod: &Pod) -> End {
    let ports = pod.containers.iter().flat_map(|c| &c.ports).filter(|p| !p.name.is_empty());
    End {
        namespace: pod.meta.namespace.clone(),
        namespace_labels: snap.namespace_labels(&pod.meta.namespace),
        labels: pod.meta.labels.clone(),
        account: pod.service_account.clone(),
        ips: pod.ips.clone(),
        ports: ports.map(|p| (p.name.clone(), p.port)).collect(),
        selectable: !pod.host_network,
        profile_allows: true,
    }
}
