//! The job of one endpoint of a PodMonitor.

use super::Maker;
use super::discovery::{Lookup, attach};
use super::doc::{Map, Value};
use super::http::{with_class_authorization, with_class_safe_tls};
use super::relabel::{Chain, sanitised};
use super::service_monitor::by_role;
use crate::crds::types::{PodEndpoint, PodMonitor, ScrapeClass};
use tortie_config::emit::Doc;

impl Maker<'_> {
    /// The name of the job and the job.
    pub(in crate::crds) fn pod_monitor(&self, m: &PodMonitor, i: usize, e: &PodEndpoint) -> (String, Doc) {
        let (common, ns) = (&m.spec.common, m.meta.namespace.as_str());
        let class = self.class(common.scrape_class.as_deref());
        let name = format!("podMonitor/{ns}/{}/{i}", m.meta.name);
        let mut job = Map::new(self.version);
        job.put("job_name", &name);
        self.honour(&mut job, e.common.honor_labels, e.common.honor_timestamps);
        job.since("2.48.0", "track_timestamps_staleness", e.common.track_timestamps_staleness);
        let lookup = Lookup {
            role: "pod",
            namespaces: &common.namespace_selector,
            attach: attach(common.attach_metadata.as_ref(), class),
            attach_since: "2.35.0",
            selectors: by_role(common).then_some((&["pod"], &common.selector)),
        };
        self.kubernetes_sd(&mut job, ns, &lookup);
        e.common.addressing(&mut job);
        let http = &e.common.http;
        job.since("2.26.0", "follow_redirects", http.follow_redirects);
        job.since("2.35.0", "enable_http2", http.enable_http2);
        self.tls(&mut job, ns, with_class_safe_tls(http.tls_config.as_ref(), class).as_ref());
        self.bearer_token(&mut job, ns, http.bearer_token_secret.as_ref().filter(|k| !k.name.is_empty()));
        self.basic_auth(&mut job, ns, http.basic_auth.as_ref());
        self.oauth2(&mut job, ns, http.oauth2.as_ref());
        self.proxy(&mut job, ns, &http.proxy);
        let authorization = with_class_authorization(http.authorization.as_ref(), class);
        self.authorization(&mut job, ns, authorization.as_ref());
        job.put("relabel_configs", self.pod_rules(m, e, class));
        self.monitor_limits(&mut job, common, class);
        let own = self.enforced("PodMonitor", &m.meta, &e.common.metric_relabelings);
        self.sample_rules(&mut job, &class.metric_relabelings, &own);
        (name, job.doc())
    }

    fn pod_rules(&self, m: &PodMonitor, e: &PodEndpoint, class: &ScrapeClass) -> Vec<Doc> {
        let common = &m.spec.common;
        let mut c = Chain::new(self);
        if e.common.filter_running.unwrap_or(true) {
            c.running();
        }
        if !by_role(common) {
            c.selector("__meta_kubernetes_pod", &common.selector);
        }
        let port = e.port.as_deref().filter(|p| !p.is_empty());
        let number = e.port_number.filter(|n| *n != 0);
        match (port, number, &e.target_port) {
            (Some(port), ..) => c.filter("keep", &["__meta_kubernetes_pod_container_port_name"], port),
            (None, Some(n), _) => c.filter("keep", &["__meta_kubernetes_pod_container_port_number"], n),
            (None, None, Some(port)) => c.container_port(port),
            (None, None, None) => {}
        }
        c.copy("__meta_kubernetes_namespace", "namespace");
        c.copy("__meta_kubernetes_pod_container_name", "container");
        c.copy("__meta_kubernetes_pod_name", "pod");
        c.pod_labels(common, &self.prometheus.spec.pod_target_labels);
        c.set("job", &m.meta.key());
        if !m.spec.job_label.is_empty() {
            let label = format!("__meta_kubernetes_pod_label_{}", sanitised(&m.spec.job_label));
            c.copy_filled(&label, "job");
        }
        let target_port = e.target_port.as_ref().map(ToString::to_string).filter(|p| !p.is_empty());
        if let Some(port) = port.map(str::to_owned).or(target_port) {
            c.set("endpoint", &port);
        }
        c.users(&class.relabelings);
        c.users(&self.enforced("PodMonitor", &m.meta, &e.common.relabelings));
        c.shards("__address__");
        c.end()
    }
}
