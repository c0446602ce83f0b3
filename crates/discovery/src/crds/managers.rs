//! The Alertmanagers that a Prometheus object names: whether their settings go together, and whether the Secrets are there.
//! A wrong one fails the whole object, as with the operator.
//!
//! Rules and words: prometheus-operator 0.93, `pkg/prometheus/server/operator.go` (`validateAlertmanagerEndpoints`,
//! `addAlertmanagerEndpointsToStore`).

use super::accept::{self, check_rules, load_tls};
use super::credentials::Store;
use super::types::{AlertmanagerEndpoints, Prometheus, Sigv4};
use super::version::Version;

/// Checks all of them, then loads what they refer to.
pub(super) fn load(prometheus: &Prometheus, version: &Version, store: &Store<'_>) -> Result<(), String> {
    let all = prometheus.spec.alerting.as_ref().map_or(&[][..], |a| a.alertmanagers.as_slice());
    let at = |i: usize| move |e: String| format!("alertmanager {i}: {e}");
    for (i, manager) in all.iter().enumerate() {
        check(manager, version).map_err(at(i))?;
    }
    for (i, manager) in all.iter().enumerate() {
        load_one(manager, &prometheus.meta.namespace, store).map_err(at(i))?;
    }
    Ok(())
}

fn check(a: &AlertmanagerEndpoints, version: &Version) -> Result<(), String> {
    // The operator names the last three in no order.
    let ways = [
        ("bearerTokenFile", !a.bearer_token_file.is_empty()),
        ("basicAuth", a.basic_auth.is_some()),
        ("authorization", a.authorization.is_some()),
        ("sigv4", a.sigv4.is_some()),
    ];
    let used: Vec<String> = ways.iter().filter(|(_, used)| *used).map(|(n, _)| format!("{n:?}")).collect();
    if used.len() > 1 {
        let list = used.join(" and ");
        return Err(format!("{list} can't be set at the same time, at most one of them must be defined"));
    }
    check_rules(&a.relabelings, version).map_err(|e| format!("invalid relabelings: {e}"))?;
    check_rules(&a.alert_relabelings, version).map_err(|e| format!("invalid alertRelabelings: {e}"))
}

fn load_one(a: &AlertmanagerEndpoints, ns: &str, store: &Store<'_>) -> Result<(), String> {
    accept::load_basic(store, ns, a.basic_auth.as_ref())?;
    accept::load_authorization(store, ns, a.authorization.as_ref())?;
    load_sigv4(a.sigv4.as_ref(), ns, store)?;
    load_tls(store, ns, a.tls_config.as_ref(), true)?;
    accept::load_proxy(store, ns, &a.proxy)
}

/// What signing requests for AWS refers to.
pub(super) fn load_sigv4(sigv4: Option<&Sigv4>, ns: &str, store: &Store<'_>) -> Result<(), String> {
    let (access, secret) = match sigv4.map(|s| (&s.access_key, &s.secret_key)) {
        None | Some((None, None)) => return Ok(()),
        Some((Some(access), Some(secret))) => (access, secret),
        Some(_) => return Err("both accessKey and secretKey should be provided".to_owned()),
    };
    store.load(ns, access).map_err(|e| format!("failed to read SigV4 access-key: {e}"))?;
    store.load(ns, secret).map_err(|e| format!("failed to read SigV4 secret-key: {e}"))?;
    Ok(())
}

/// The Alertmanagers in words, for whoever is told that they are told twice.
pub(super) fn named(prometheus: &Prometheus) -> Vec<String> {
    let spec = &prometheus.spec;
    let own = spec.alerting.iter().flat_map(|a| &a.alertmanagers).map(|a| {
        let namespace = a.namespace.as_deref().unwrap_or(&prometheus.meta.namespace);
        format!("Alertmanager {namespace}/{} port {}", a.name, a.port)
    });
    let more = spec
        .additional_alert_manager_configs
        .iter()
        .map(|key| format!("the Alertmanagers of Secret {}/{}", prometheus.meta.namespace, key.name));
    own.chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(json: &str, expect: Result<(), &str>) {
        let manager: AlertmanagerEndpoints = serde_json::from_str(json).unwrap();
        let version = Version::parse("3.13.2").unwrap();
        assert_eq!(check(&manager, &version), expect.map_err(str::to_owned), "{json}");
    }

    #[test]
    fn what_does_not_go_together() {
        says(r#"{"name":"a","port":"web","authorization":{}}"#, Ok(()));
        says(
            r#"{"bearerTokenFile":"/t","sigv4":{}}"#,
            Err(
                "\"bearerTokenFile\" and \"sigv4\" can't be set at the same time, at most one of them must be defined",
            ),
        );
        says(
            r#"{"alertRelabelings":[{"action":"replace"}]}"#,
            Err(
                "invalid alertRelabelings: [0]: relabel configuration for replace action needs targetLabel value",
            ),
        );
    }
}
