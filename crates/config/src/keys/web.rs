//! Keys of the file of `--web.config.file`.

use super::{Row, Status};

const TEST: Status = Status::Honoured { test: "web::a_whole_file" };

/// All rows, ascending by path; the file itself is `web.yml`.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row { path: "web.yml.basic_auth_users", status: TEST },
    Row { path: "web.yml.http_server_config", status: TEST },
    Row { path: "web.yml.http_server_config.headers", status: TEST },
    Row { path: "web.yml.http_server_config.http2", status: Status::Accepted { reason: "connections are HTTP/1.1" } },
    Row { path: "web.yml.rate_limit", status: TEST },
    Row { path: "web.yml.rate_limit.burst", status: TEST },
    Row { path: "web.yml.rate_limit.interval", status: TEST },
    Row { path: "web.yml.tls_server_config", status: TEST },
    Row { path: "web.yml.tls_server_config.cert", status: TEST },
    Row { path: "web.yml.tls_server_config.cert_file", status: TEST },
    Row { path: "web.yml.tls_server_config.cipher_suites", status: TEST },
    Row { path: "web.yml.tls_server_config.client_allowed_sans", status: TEST },
    Row { path: "web.yml.tls_server_config.client_auth_type", status: TEST },
    Row { path: "web.yml.tls_server_config.client_ca", status: TEST },
    Row { path: "web.yml.tls_server_config.client_ca_file", status: TEST },
    Row { path: "web.yml.tls_server_config.curve_preferences", status: TEST },
    Row { path: "web.yml.tls_server_config.key", status: TEST },
    Row { path: "web.yml.tls_server_config.key_file", status: TEST },
    Row { path: "web.yml.tls_server_config.max_version", status: TEST },
    Row { path: "web.yml.tls_server_config.min_version", status: TEST },
    Row { path: "web.yml.tls_server_config.prefer_server_cipher_suites", status: Status::Accepted { reason: "it has no effect in the toolkit either" } },
];

/// The row of a key.
pub(super) fn find(path: &str) -> Option<&'static Row> {
    ROWS.binary_search_by(|r| r.path.cmp(path)).ok().and_then(|i| ROWS.get(i))
}

/// The keys below a section, seen from it.
pub(super) fn below(section: &str) -> impl Iterator<Item = &'static str> {
    ROWS.iter().filter_map(move |r| r.path.strip_prefix(section)?.strip_prefix('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted() {
        assert!(ROWS.is_sorted_by(|a, b| a.path < b.path));
        assert!(find("web.yml.tls_server_config.key").is_some() && find("web.yml.x").is_none());
    }
}
