//! Credentials of a pool that somebody else made stay with the host that was discovered: relabelling may lead a scrape elsewhere,
//! but not with a token or certificate that is not the author's.

use super::url::TargetUrl;
use crate::pool_config::PoolConfig;
use tortie_config::HttpClientConfig;
use tortie_config::http_client::Source;
use tortie_model::Labels;
use tortie_model::relabel::{Action, Rule};

const ADDRESS: &str = "__address__";
/// How pools of Probes are called: their credentials are for the prober.
const PROBES: &str = "probe/";

/// Why a target does not get the credentials of its pool; `None` when it does, or when there are none.
pub(super) fn withheld(config: &PoolConfig, discovered: &Labels, url: &TargetUrl) -> Option<String> {
    if !has_credentials(&config.http) {
        return None;
    }
    let meant = match config.job_name.starts_with(PROBES) {
        true => prober(config).unwrap_or(""),
        false => discovered.value(ADDRESS),
    };
    let (meant, actual) = (host(meant), host(url.authority()));
    if meant.eq_ignore_ascii_case(actual) {
        return None;
    }
    Some(format!("credentials are not sent: they are for {meant:?}, and rules made the target {actual:?}"))
}

fn has_credentials(http: &HttpClientConfig) -> bool {
    http.auth.is_some()
        || !matches!(http.tls.cert, Source::Empty)
        || http.headers.as_ref().is_some_and(|h| !h.is_empty())
}

/// The prober of a Probe: the constant that the first rule puts into the address.
fn prober(config: &PoolConfig) -> Option<&str> {
    let constant =
        |r: &&Rule| r.action == Action::Replace && r.target_label == ADDRESS && r.source_labels.is_empty();
    config.relabel.iter().find(constant).map(|r| r.replacement.as_str())
}

/// The host of `host:port`, without brackets.
fn host(authority: &str) -> &str {
    if let Some((host, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return host;
    }
    match authority.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_config::Secret;
    use tortie_config::http_client::Auth;

    fn pool(name: &str) -> PoolConfig {
        let credentials = Source::Inline(Secret::new("t"));
        let auth = Some(Auth::Scheme { kind: "Bearer".into(), credentials });
        PoolConfig { http: HttpClientConfig { auth, ..HttpClientConfig::default() }, ..PoolConfig::new(name) }
    }

    #[track_caller]
    fn check(config: &PoolConfig, discovered: &str, address: &str, sent: bool) {
        let before = Labels::from_pairs([(ADDRESS, discovered)]);
        let after =
            Labels::from_pairs([(ADDRESS, address), ("__scheme__", "http"), ("__metrics_path__", "/")]);
        let got = withheld(config, &before, &TargetUrl::new(&after, &[]));
        assert_eq!(got.is_none(), sent, "{discovered} {address}: {got:?}");
    }

    #[test]
    fn only_another_host_is_another() {
        let monitor = pool("serviceMonitor/a/b/0");
        check(&monitor, "10.0.0.1:80", "10.0.0.1:9100", true);
        check(&monitor, "10.0.0.1:80", "10.0.0.2:80", false);
        check(&monitor, "10.0.0.1:80", "evil.example", false);
        check(&monitor, "[2001:db8::1]:80", "[2001:db8::1]:81", true);
        check(&monitor, "[2001:db8::1]:80", "[2001:db8::2]:80", false);
        check(&monitor, "Host:80", "host:80", true);
        check(&monitor, "10.0.0.1:80", "10.0.0.1.evil.example:80", false);
        check(&monitor, "10.0.0.1:80", "u@10.0.0.1:80", false);
        check(&PoolConfig::new("serviceMonitor/a/b/0"), "10.0.0.1:80", "x", true);
    }

    #[test]
    fn those_of_a_probe_are_for_the_prober() {
        let rule = |address: &str| Rule {
            target_label: ADDRESS.into(),
            replacement: address.into(),
            ..Rule::default()
        };
        let probe = PoolConfig { relabel: vec![rule("blackbox:9115")], ..pool("probe/a/b") };
        check(&probe, "https://a.example", "blackbox:9115", true);
        check(&probe, "https://a.example", "evil:9115", false);
        check(&PoolConfig { relabel: vec![], ..probe }, "a.example", "a.example", false);
    }
}
