//! ScrapeConfig: its own settings, and each kind of discovery.

use super::{Judge, Refusal, at, check_proxy, is_query, load_tls};
use crate::crds::accept::http;
use crate::crds::types::{Http, KubernetesSd, ScrapeConfig};

pub(super) fn check(judge: &Judge<'_>, s: &ScrapeConfig) -> Result<(), Refusal> {
    let (spec, ns) = (&s.spec, s.meta.namespace.as_str());
    judge.class(spec.scrape_class.as_deref())?;
    judge.rules(&spec.relabelings).map_err(at("relabelConfigs"))?;
    let (store, h) = (judge.store, &spec.http);
    http::load_basic(store, ns, h.basic_auth.as_ref()).map_err(at("basicAuth"))?;
    http::load_authorization(store, ns, h.authorization.as_ref()).map_err(at("authorization"))?;
    http::load_oauth2(store, ns, h.oauth2.as_ref()).map_err(at("oauth2"))?;
    load_tls(store, ns, h.tls_config.as_ref(), false).map_err(at("tlsConfig"))?;
    let time = |t: &Option<String>| t.clone().unwrap_or_default();
    judge.times(&time(&spec.scrape_interval), &time(&spec.scrape_timeout))?;
    check_proxy(&h.proxy)?;
    http::load_proxy(store, ns, &h.proxy)?;
    judge.rules(&spec.metric_relabelings).map_err(at("metricRelabelConfigs"))?;
    each(&spec.static_configs, "staticConfigs", |c| judge.static_labels(&c.labels))?;
    let old = |what: &str, version: &str| {
        Err(format!("{what} SD configuration is only supported for Prometheus version >= {version}"))
    };
    // Whether or not one is there: the operator has it so.
    if !judge.version.since("2.28.0") {
        return old("HTTP", "2.28.0").map_err(at("httpSDConfigs"));
    }
    each(&spec.http_sd_configs, "httpSDConfigs", |c| discovery(judge, ns, &c.http))?;
    for (i, c) in spec.kubernetes_sd_configs.iter().enumerate() {
        discovery(judge, ns, &c.http)
            .map_err(|e| format!("[{i}]: {e}"))
            .and_then(|()| kubernetes(i, c))
            .map_err(at("kubernetesSDConfigs"))?;
    }
    each(&spec.dns_sd_configs, "dnsSDConfigs", |c| match &c.kind {
        Some(kind) if kind != "SRV" && c.port.is_none() => {
            Err(format!("port required for record type {kind:?}"))
        }
        _ => Ok(()),
    })?;
    if !judge.version.since("2.31.0") {
        return old("puppetDB", "2.31.0").map_err(at("puppetDBSDConfigs"));
    }
    if !judge.version.since("2.40.0") {
        return old("OVHCloud", "2.40.0").map_err(at("OVHCloudSDConfigs"));
    }
    Ok(())
}

fn each<T>(list: &[T], name: &str, check: impl Fn(&T) -> Result<(), Refusal>) -> Result<(), Refusal> {
    for (i, item) in list.iter().enumerate() {
        check(item).map_err(|e| format!("{name}: [{i}]: {e}"))?;
    }
    Ok(())
}

fn discovery(judge: &Judge<'_>, ns: &str, h: &Http) -> Result<(), Refusal> {
    http::load_basic(judge.store, ns, h.basic_auth.as_ref())?;
    http::load_authorization(judge.store, ns, h.authorization.as_ref())?;
    http::load_oauth2(judge.store, ns, h.oauth2.as_ref())?;
    load_tls(judge.store, ns, h.tls_config.as_ref(), false)?;
    check_proxy(&h.proxy)?;
    http::load_proxy(judge.store, ns, &h.proxy)
}

fn kubernetes(i: usize, c: &KubernetesSd) -> Result<(), Refusal> {
    let own = c.namespaces.as_ref().and_then(|n| n.own_namespace) == Some(true);
    if c.api_server.is_some() && own {
        return Err(format!("[{i}]: cannot use 'apiServer' and 'namespaces.ownNamespace' simultaneously"));
    }
    let role = c.role.to_ascii_lowercase();
    let allowed: &[&str] = match role.as_str() {
        "pod" => &["pod"],
        "service" => &["service"],
        "endpointslice" => &["pod", "service", "endpointslice"],
        "endpoints" => &["pod", "service", "endpoints"],
        "node" => &["node"],
        "ingress" => &["ingress"],
        _ => &[],
    };
    for s in &c.selectors {
        if allowed.is_empty() {
            return Err(format!(
                "[{i}]: invalid role: {:?}, expecting one of: pod, service, endpoints, endpointslice, node or ingress",
                s.role
            ));
        }
        if !allowed.contains(&s.role.to_ascii_lowercase().as_str()) {
            return Err(format!("[{i}] : {} role supports only {} selectors", c.role, allowed.join(", ")));
        }
    }
    match c.selectors.iter().filter_map(|s| s.label.as_deref()).find(|l| !is_query(l)) {
        Some(label) => Err(format!("[{i}]: unable to parse requirement: {label:?} is no label selector")),
        None => Ok(()),
    }
}
