//! Keys of an HTTP client: they are the same wherever requests are sent, so they stand here once.

use super::{Row, Status, refused_above};

/// Sections that hold these keys besides their own; one within another comes before it.
pub const HOLDERS: &[&str] = &[
    "scrape_configs[].kubernetes_sd_configs[]",
    "scrape_configs[]",
    "alerting.alertmanagers[].kubernetes_sd_configs[]",
    "alerting.alertmanagers[]",
];

/// The row of a key of a holder.
pub(super) fn find(path: &str) -> Option<&'static Row> {
    let key = HOLDERS.iter().find_map(|h| path.strip_prefix(h)?.strip_prefix('.'))?;
    match ROWS.binary_search_by(|r| r.path.cmp(key)) {
        Ok(i) => ROWS.get(i),
        Err(_) => refused_above(ROWS, key),
    }
}

/// All keys of all holders with their whole paths.
pub(super) fn all() -> impl Iterator<Item = (String, Status)> {
    HOLDERS.iter().flat_map(|h| ROWS.iter().map(move |r| (format!("{h}.{}", r.path), r.status)))
}

/// The keys below a section, seen from it.
pub(super) fn below(section: &str) -> impl Iterator<Item = &'static str> {
    let inner = HOLDERS
        .iter()
        .find_map(|h| section.strip_prefix(h))
        .map(|rest| rest.trim_start_matches('.').to_owned());
    ROWS.iter().filter_map(move |r| match inner.as_deref()? {
        "" => Some(r.path),
        inner => r.path.strip_prefix(inner)?.strip_prefix('.'),
    })
}

/// All rows, ascending by path.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row { path: "authorization", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "authorization.credentials", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "authorization.credentials_file", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "authorization.credentials_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "authorization.type", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "basic_auth", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "basic_auth.password", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "basic_auth.password_file", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "basic_auth.password_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "basic_auth.username", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "basic_auth.username_file", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "basic_auth.username_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "bearer_token", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "bearer_token_file", status: Status::Honoured { test: "load::credentials" } },
    Row { path: "enable_http2", status: Status::Accepted { reason: "connections are HTTP/1.1; a server that speaks HTTP/2 speaks that too" } },
    Row { path: "follow_redirects", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "http_headers", status: Status::Honoured { test: "load::own_headers" } },
    Row { path: "http_headers.{}.files", status: Status::Honoured { test: "load::own_headers" } },
    Row { path: "http_headers.{}.secrets", status: Status::Honoured { test: "load::own_headers" } },
    Row { path: "http_headers.{}.values", status: Status::Honoured { test: "load::own_headers" } },
    Row { path: "no_proxy", status: Status::Honoured { test: "load::proxies" } },
    Row { path: "oauth2", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.audience", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.claims", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.client_certificate_key", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.client_certificate_key_file", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.client_certificate_key_id", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.client_certificate_key_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "oauth2.client_id", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.client_secret", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.client_secret_file", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.client_secret_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "oauth2.endpoint_params", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.grant_type", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.iss", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.no_proxy", status: Status::Honoured { test: "load::proxies" } },
    Row { path: "oauth2.proxy_connect_header", status: Status::Honoured { test: "load::proxies" } },
    Row { path: "oauth2.proxy_from_environment", status: Status::Honoured { test: "load::proxies" } },
    Row { path: "oauth2.proxy_url", status: Status::Honoured { test: "load::proxies" } },
    Row { path: "oauth2.scopes", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.signature_algorithm", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "oauth2.tls_config", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.ca", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.ca_file", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.ca_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "oauth2.tls_config.cert", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.cert_file", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.cert_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "oauth2.tls_config.insecure_skip_verify", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.key", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.key_file", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.key_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "oauth2.tls_config.max_version", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.min_version", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.tls_config.server_name", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "oauth2.token_url", status: Status::Honoured { test: "load::tokens_of_other_servers" } },
    Row { path: "proxy_connect_header", status: Status::Honoured { test: "load::proxies" } },
    Row { path: "proxy_from_environment", status: Status::Honoured { test: "load::proxies" } },
    Row { path: "proxy_url", status: Status::Honoured { test: "load::proxies" } },
    Row { path: "tls_config", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.ca", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.ca_file", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.ca_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "tls_config.cert", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.cert_file", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.cert_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "tls_config.insecure_skip_verify", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.key", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.key_file", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.key_ref", status: Status::Refused { reason: "there is no secret manager to refer to, nor has the server of Prometheus one", neutral: &[""] } },
    Row { path: "tls_config.max_version", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.min_version", status: Status::Honoured { test: "load::tls_settings" } },
    Row { path: "tls_config.server_name", status: Status::Honoured { test: "load::tls_settings" } },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_and_found_below_each_holder() {
        assert!(ROWS.is_sorted_by(|a, b| a.path < b.path));
        for holder in HOLDERS {
            assert!(find(&format!("{holder}.oauth2.tls_config.ca")).is_some());
            assert!(find(&format!("{holder}.tls_config.cas")).is_none());
        }
        assert_eq!(below("scrape_configs[].tls_config").filter(|k| *k == "server_name").count(), 1);
        assert!(find("global.tls_config").is_none());
    }
}
