//! The job of a Probe.

use super::Maker;
use super::discovery::Lookup;
use super::doc::{Map, Value};
use super::http::{with_class_authorization, with_class_safe_tls};
use super::relabel::Chain;
use crate::crds::types::{Probe, ProbeIngress, ProbeStatic, ScrapeClass};
use tortie_config::emit::Doc;

impl Maker<'_> {
    /// The name of the job and the job.
    pub(in crate::crds) fn probe(&self, p: &Probe) -> (String, Doc) {
        let (spec, ns) = (&p.spec, p.meta.namespace.as_str());
        let class = self.class(spec.scrape_class.as_deref());
        let name = format!("probe/{ns}/{}", p.meta.name);
        let mut job = Map::new(self.version);
        job.put("job_name", &name);
        self.honour_timestamps(&mut job, Some(true));
        job.put("metrics_path", &spec.prober.path);
        job.filled("scrape_interval", &spec.interval);
        job.filled("scrape_timeout", &spec.scrape_timeout);
        job.maybe("scheme", spec.prober.scheme.as_ref().map(|s| s.to_lowercase()));
        let mut params = Map::new(self.version);
        if !spec.module.is_empty() {
            params.put("module", [spec.module.as_str()].as_slice());
        }
        for param in &spec.params {
            if spec.module.is_empty() || param.name != "module" {
                params.put(&param.name, param.values.as_slice());
            }
        }
        if !params.is_empty() {
            job.put("params", params);
        }
        self.job_limits(&mut job, &spec.limits);
        self.histograms(&mut job, &spec.histograms);
        self.protocols(&mut job, &spec.scrape_protocols);
        let fallback = spec.fallback_scrape_protocol.as_ref().or(class.fallback_scrape_protocol.as_ref());
        job.since("3.0.0", "fallback_scrape_protocol", fallback);
        let enforced = &self.prometheus.spec.enforced_body_size_limit;
        job.since("2.28.0", "body_size_limit", Some(enforced).filter(|e| !e.is_empty()));
        self.proxy(&mut job, ns, &spec.prober.proxy);
        let http = &spec.http;
        job.since("2.26.0", "follow_redirects", http.follow_redirects);
        job.since("2.35.0", "enable_http2", http.enable_http2);
        self.tls(&mut job, ns, with_class_safe_tls(http.tls_config.as_ref(), class).as_ref());
        let rules = self.probe_rules(&mut job, p, class);
        job.put("relabel_configs", rules);
        self.bearer_token(&mut job, ns, http.bearer_token_secret.as_ref());
        self.basic_auth(&mut job, ns, http.basic_auth.as_ref());
        self.oauth2(&mut job, ns, http.oauth2.as_ref());
        let authorization = with_class_authorization(http.authorization.as_ref(), class);
        self.authorization(&mut job, ns, authorization.as_ref());
        let own = self.enforced("Probe", &p.meta, &spec.metric_relabelings);
        self.sample_rules(&mut job, &class.metric_relabelings, &own);
        (name, job.doc())
    }

    fn probe_rules(&self, job: &mut Map<'_>, p: &Probe, class: &ScrapeClass) -> Vec<Doc> {
        let mut c = Chain::new(self);
        if !p.spec.job_name.is_empty() {
            c.set("job", &p.spec.job_name);
        }
        let own = match (&p.spec.targets.static_config, &p.spec.targets.ingress) {
            (Some(list), _) => {
                self.static_targets(job, p, list);
                c.copy("__address__", "__param_target");
                c.copy("__param_target", "instance");
                &list.relabeling_configs
            }
            (None, Some(ingress)) => {
                self.ingresses(job, p, ingress, &mut c);
                &ingress.relabeling_configs
            }
            // Such a Probe is not accepted.
            (None, None) => return c.end(),
        };
        c.set("__address__", &p.spec.prober.url);
        c.users(&class.relabelings);
        c.users(&self.enforced("Probe", &p.meta, own));
        c.shards("__param_target");
        c.end()
    }

    fn static_targets(&self, job: &mut Map<'_>, p: &Probe, list: &ProbeStatic) {
        let mut labels = list.labels.clone().unwrap_or_default();
        labels.entry("namespace".to_owned()).or_insert_with(|| p.meta.namespace.clone());
        let mut m = Map::new(self.version);
        labels.iter().for_each(|(k, v)| m.put(k, v));
        let mut group = Map::new(self.version);
        group.put("targets", list.targets.as_slice());
        group.put("labels", m);
        job.put("static_configs", vec![group.doc()]);
    }

    fn ingresses(&self, job: &mut Map<'_>, p: &Probe, ingress: &ProbeIngress, c: &mut Chain<'_>) {
        c.selector("__meta_kubernetes_ingress", &ingress.selector);
        let lookup = Lookup {
            role: "ingress",
            namespaces: &ingress.namespace_selector,
            attach: None,
            attach_since: "0.0.0",
            selectors: None,
        };
        self.kubernetes_sd(job, &p.meta.namespace, &lookup);
        c.any(
            &[
                ("separator", ";"),
                ("regex", "(.+);(.+);(.+)"),
                ("target_label", "__param_target"),
                ("replacement", "${1}://${2}${3}"),
                ("action", "replace"),
            ],
            &["__meta_kubernetes_ingress_scheme", "__address__", "__meta_kubernetes_ingress_path"],
        );
        c.copy("__meta_kubernetes_namespace", "namespace");
        c.copy("__meta_kubernetes_ingress_name", "ingress");
        c.any(
            &[
                ("separator", ";"),
                ("regex", "(.*)"),
                ("target_label", "__tmp_ingress_address"),
                ("replacement", "$1"),
                ("action", "replace"),
            ],
            &["__address__"],
        );
        c.copy("__param_target", "instance");
    }
}
