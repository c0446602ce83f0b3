//! Whether one object is accepted, and if not the operator's words why: one bad object is left out alone.
//!
//! Rules and words: prometheus-operator 0.93, `pkg/prometheus/resource_selector.go` and `pkg/apis/monitoring/v1`.

mod alertmanager_config;
mod http;
mod intervals;
mod prober;
mod receiver_ways;
mod receivers;
mod relabel;
mod scrape_config;
mod tls;

pub(super) use alertmanager_config::{
    check as alertmanager_config, check_taken as taken_alertmanager_config,
};
pub(super) use http::{check_authorization, check_proxy, load_authorization, load_basic, load_proxy};
pub(super) use relabel::check_rules;
pub(super) use tls::{check_tls, load_tls};

use super::credentials::Store;
use super::types::{Endpoint, PodMonitor, Probe, Prometheus, ScrapeConfig, ServiceMonitor};
use super::version::Version;
use tortie_model::duration;

/// What judges the objects of one Prometheus.
pub(super) struct Judge<'a> {
    pub(super) prometheus: &'a Prometheus,
    pub(super) version: &'a Version,
    pub(super) store: &'a Store<'a>,
}

/// The reason of a refusal, in the operator's words.
pub(super) type Refusal = String;

/// Puts the place before a reason.
pub(super) fn at(place: &str) -> impl Fn(Refusal) -> Refusal + '_ {
    move |e| format!("{place}: {e}")
}

impl Judge<'_> {
    pub(super) fn service_monitor(&self, m: &ServiceMonitor) -> Result<(), Refusal> {
        m.spec.common.selector.check()?;
        self.mechanism(m.spec.common.selector_mechanism.as_deref())?;
        let ns = &m.meta.namespace;
        for (i, e) in m.spec.endpoints.iter().enumerate() {
            let place = format!("endpoints[{i}]");
            self.service_endpoint(ns, e).map_err(at(&place))?;
            // Its place is not named.
            check_proxy(&e.common.http.proxy)?;
            http::load_proxy(self.store, ns, &e.common.http.proxy)?;
        }
        self.class(m.spec.common.scrape_class.as_deref()).map_err(at("scrapeClassName"))
    }

    fn service_endpoint(&self, ns: &str, e: &Endpoint) -> Result<(), Refusal> {
        let http = &e.common.http;
        if self.prometheus.spec.arbitrary_fs_access_through_sms.deny {
            no_files(e)?;
        }
        http::check_without_tls(http)?;
        if let Some(tls) = &http.tls_config {
            check_tls(tls, true).map_err(at("tlsConfig"))?;
        }
        check_proxy(&http.proxy)?;
        if let Some(token) = http.bearer_token_secret.as_ref().filter(|k| !k.name.is_empty()) {
            self.store.load(ns, token).map_err(at("bearerTokenSecret"))?;
        }
        http::load_basic(self.store, ns, http.basic_auth.as_ref()).map_err(at("basicAuth"))?;
        load_tls(self.store, ns, http.tls_config.as_ref(), true).map_err(at("tlsConfig"))?;
        http::load_oauth2(self.store, ns, http.oauth2.as_ref()).map_err(at("oauth2"))?;
        http::load_authorization(self.store, ns, http.authorization.as_ref()).map_err(at("authorization"))?;
        self.times(&e.common.interval, &e.common.scrape_timeout)?;
        self.rules(&e.common.relabelings).map_err(at("relabelConfigs"))?;
        self.rules(&e.common.metric_relabelings).map_err(at("metricRelabelConfigs"))
    }

    pub(super) fn pod_monitor(&self, m: &PodMonitor) -> Result<(), Refusal> {
        m.spec.common.selector.check().map_err(at("failed to parse label selector"))?;
        self.mechanism(m.spec.common.selector_mechanism.as_deref())?;
        for (i, e) in m.spec.pod_metrics_endpoints.iter().enumerate() {
            let place = format!("endpoint[{i}]");
            let c = &e.common;
            self.times(&c.interval, &c.scrape_timeout).map_err(at(&place))?;
            let rules = |list, what| self.rules(list).map_err(at(what)).map_err(at(&place));
            rules(&c.relabelings, "relabelConfigs")?;
            rules(&c.metric_relabelings, "metricRelabelConfigs")?;
            http::load_all(self.store, &m.meta.namespace, &c.http).map_err(at(&place))?;
        }
        self.class(m.spec.common.scrape_class.as_deref()).map_err(at("scrapeClassName"))
    }

    pub(super) fn probe(&self, p: &Probe) -> Result<(), Refusal> {
        let (spec, ns) = (&p.spec, &p.meta.namespace);
        let http = &spec.http;
        self.class(spec.scrape_class.as_deref()).map_err(at("scrapeClassName"))?;
        if spec.targets.static_config.is_none() && spec.targets.ingress.is_none() {
            return Err(
                "at least one of .spec.targets.staticConfig and .spec.targets.ingress is required".to_owned()
            );
        }
        if let Some(token) = &http.bearer_token_secret {
            self.store.load(ns, token).map_err(at("bearerTokenSecret"))?;
        }
        http::load_basic(self.store, ns, http.basic_auth.as_ref()).map_err(at("basicAuth"))?;
        load_tls(self.store, ns, http.tls_config.as_ref(), false).map_err(at("tlsConfig"))?;
        http::load_authorization(self.store, ns, http.authorization.as_ref()).map_err(at("authorization"))?;
        http::load_oauth2(self.store, ns, http.oauth2.as_ref()).map_err(at("oauth2"))?;
        self.times(&spec.interval, &spec.scrape_timeout)?;
        self.rules(&spec.metric_relabelings).map_err(at("metricRelabelConfigs"))?;
        if let Some(list) = &spec.targets.static_config {
            let empty = Default::default();
            self.static_labels(list.labels.as_ref().unwrap_or(&empty))
                .map_err(at("targets.staticConfig.labels"))?;
            self.rules(&list.relabeling_configs).map_err(at("targets.staticConfig.relabelConfigs"))?;
        }
        if let Some(ingress) = &spec.targets.ingress {
            self.rules(&ingress.relabeling_configs).map_err(at("targets.ingress.relabelConfigs"))?;
        }
        let proxied = check_proxy(&spec.prober.proxy)
            .and_then(|()| http::load_proxy(self.store, ns, &spec.prober.proxy));
        proxied.map_err(at("proxy configuration"))?;
        prober::check_url(&spec.prober.url).map_err(|e| {
            let url = &spec.prober.url;
            format!("{url:?} url specified in proberSpec is invalid, it should be of the format `hostname` or `hostname:port`: {e}")
        })
    }

    pub(super) fn scrape_config(&self, s: &ScrapeConfig) -> Result<(), Refusal> {
        scrape_config::check(self, s)
    }

    fn mechanism(&self, mechanism: Option<&str>) -> Result<(), Refusal> {
        if mechanism == Some("RoleSelector") && !self.version.since("2.17.0") {
            return Err(
                "RoleSelector selectorMechanism is only supported in Prometheus 2.17.0 and newer".to_owned()
            );
        }
        Ok(())
    }

    fn times(&self, interval: &str, timeout: &str) -> Result<(), Refusal> {
        if timeout.is_empty() {
            return Ok(());
        }
        let interval = if interval.is_empty() { &self.prometheus.spec.scrape_interval } else { interval };
        compare_times(timeout, interval)
    }

    fn class(&self, name: Option<&str>) -> Result<(), Refusal> {
        let Some(name) = name.filter(|n| !n.is_empty()) else { return Ok(()) };
        if self.prometheus.spec.scrape_classes.iter().any(|c| c.name == name) {
            return Ok(());
        }
        Err(format!("scrapeClass {name:?} not found in Prometheus scrapeClasses"))
    }

    fn rules(&self, rules: &[super::types::Relabel]) -> Result<(), Refusal> {
        check_rules(rules, self.version)
    }

    fn static_labels(&self, labels: &std::collections::BTreeMap<String, String>) -> Result<(), Refusal> {
        let scheme = relabel::scheme(self.version);
        match labels.keys().find(|k| !scheme.is_label_name(k)) {
            Some(bad) => Err(format!("invalid label {bad:?}")),
            None => Ok(()),
        }
    }
}

/// Whether the timeout fits into the interval.
pub(super) fn compare_times(timeout: &str, interval: &str) -> Result<(), Refusal> {
    let parsed = duration::parse(interval);
    let interval_ms = parsed.map_err(|e| format!("invalid scrapeInterval {interval:?}: {e}"))?;
    let parsed = duration::parse(timeout);
    let timeout_ms = parsed.map_err(|e| format!("invalid scrapeTimeout: {timeout:?}: {e}"))?;
    if timeout_ms > interval_ms {
        return Err(format!("scrapeTimeout {timeout:?} greater than scrapeInterval {interval:?}"));
    }
    Ok(())
}

fn no_files(e: &Endpoint) -> Result<(), Refusal> {
    if !e.bearer_token_file.is_empty() {
        return Err("it accesses file system via bearer token file which Prometheus specification prohibits"
            .to_owned());
    }
    let tls = e.common.http.tls_config.as_ref();
    if tls.is_some_and(|t| !(t.ca_file.is_empty() && t.cert_file.is_empty() && t.key_file.is_empty())) {
        return Err(
            "it accesses file system via tls config which Prometheus specification prohibits".to_owned()
        );
    }
    Ok(())
}

/// A selector that only looks for labels, as kubectl's `-l` gives it.
pub(super) fn is_query(text: &str) -> bool {
    tortie_cluster::Selector::parse_query(text).is_ok()
}
