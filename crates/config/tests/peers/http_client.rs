//! Settings of HTTP clients: shown alike where both take them, refused in the same words where neither does.

use crate::effective::{compare_accepted, compare_refused};

/// Keys of a job that both take.
const ACCEPTED: &[&str] = &[
    "tls_config: {}",
    "tls_config:",
    "tls_config: {ca_file: ca.pem, insecure_skip_verify: false}",
    "tls_config: {ca_file: ca.pem, cert_file: /c, key_file: ../k, server_name: n, insecure_skip_verify: true, min_version: TLS12, max_version: TLS13}",
    "tls_config: {ca: \"A\\nB\\n\", cert: C, key: K}",
    "tls_config: {cert: C, key_file: k, ca: A}",
    "tls_config: {insecure_skip_verify: yes}",
    "tls_config: {min_version: TLS10}",
    "proxy_url: http://proxy:3128\nno_proxy: a,.b,10.0.0.0/8",
    "proxy_url: http://user:hunter2@proxy:3128/",
    "proxy_url: socks5://user@proxy",
    "proxy_url: proxy",
    "proxy_url: ''",
    "proxy_from_environment: true\nproxy_connect_header: {X-B: [a, b], X-A: [c]}",
    "proxy_url: http://p\nproxy_connect_header: {A: [b, ~], B: ~}",
    "http_headers: {X-B: {values: [a, b]}, X-A: {secrets: [s], files: [f, /g], values: [yes, 1]}}",
    "http_headers: {}",
    "http_headers: {X: {}}",
    "http_headers: {Accept: {values: [text/plain]}}",
    "oauth2: {client_id: me, token_url: 'http://t/x'}",
    "oauth2: {client_id: me, client_secret: s, token_url: t, scopes: [b, a], endpoint_params: {z: 1, a: yes}}",
    "oauth2: {client_id: me, client_secret_file: s, token_url: t, tls_config: {ca_file: ca}, proxy_url: 'http://p', proxy_connect_header: {A: [b]}}",
    "oauth2: {client_id: me, token_url: t, grant_type: other, client_certificate_key: k}",
    "oauth2: {client_id: me, token_url: t, grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_certificate_key_file: k.pem, client_certificate_key_id: i, signature_algorithm: RS512, iss: i, audience: a, claims: {b: 1, a: [x, true], c: {d: 1.5}, e: 'yes', f: ~}}",
    "follow_redirects: false\nenable_http2: false\nscheme: https",
    "scheme: HTTPS",
    "authorization: {type: Digest, credentials: c}\ntls_config: {server_name: x}",
];

/// Keys of a job that neither takes.
const REFUSED: &[&str] = &[
    "basic_auth: {username: a, username_file: b}",
    "basic_auth: {password: a, password_file: b}",
    "basic_auth: {user: a}",
    "basic_auth: [a]",
    "basic_auth: {username: [a]}",
    "authorization: {credentials: a, credentials_file: b}",
    "authorization: {type: BASIC}",
    "authorization: {type: ' basic '}",
    "authorization: {token: a}",
    "bearer_token: a\nbearer_token_file: b",
    "bearer_token: a\nauthorization: {credentials: b}",
    "bearer_token_file: a\nauthorization: {}",
    "bearer_token_file: a\noauth2: {client_id: a, token_url: b}",
    "basic_auth: {}\nauthorization: {}",
    "basic_auth: {}\noauth2: {client_id: a, token_url: b}",
    "authorization: {}\noauth2: {client_id: a, token_url: b}",
    "oauth2: {}",
    "oauth2: {client_id: a}",
    "oauth2: {token_url: a}",
    "oauth2: {client_id: a, token_url: b, client_secret: c, client_secret_file: d}",
    "oauth2: {client_id: a, token_url: b, grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_certificate_key: c, client_certificate_key_file: d}",
    "oauth2: {client_id: a, token_url: b, grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', signature_algorithm: HS256}",
    "oauth2: {client_id: a, token_url: b, scope: [c]}",
    "oauth2: {client_id: a, token_url: b, scopes: {c: d}}",
    "oauth2: {client_id: a, token_url: b, tls_config: {cert: c}}",
    "oauth2: {client_id: a, token_url: b, no_proxy: c}",
    "oauth2: {client_id: a, token_url: b, claims: [c]}",
    "tls_config: {ca: a, ca_file: b}",
    "tls_config: {cert: a, cert_file: b, key: c}",
    "tls_config: {cert: a, key: b, key_file: c}",
    "tls_config: {cert: a}",
    "tls_config: {cert_file: a}",
    "tls_config: {key: a}",
    "tls_config: {key_file: a}",
    "tls_config: {min_version: TLS14}",
    "tls_config: {max_version: tls12}",
    "tls_config: {insecure_skip_verify: 'true'}",
    "tls_config: {insecure: true}",
    "tls_config: [a]",
    "proxy_connect_header: {a: [b]}",
    "proxy_from_environment: true\nproxy_url: a",
    "proxy_from_environment: true\nno_proxy: a",
    "no_proxy: a",
    "proxy_url: '1.2.3.4:3128'",
    "proxy_url: ':x'",
    "proxy_url: 'http://h:port'",
    "proxy_url: 'http://a b/'",
    "proxy_url: 'http://[::1'",
    "proxy_url: 'http://h/%zz'",
    "proxy_from_environment: maybe",
    "http_headers: {Authorization: {values: [a]}}",
    "http_headers: {user-agent: {values: [a]}}",
    "http_headers: {x-prometheus-scrape-timeout-seconds: {values: [1]}}",
    "http_headers: {X: {value: [a]}}",
    "http_headers: {X: [a]}",
    "http_headers: [a]",
    "follow_redirects: 1",
    "http_headers: {X: {secrets: a}}",
    "http_headers: {X: {values: a}}",
    "http_headers: {X: {files: a}}",
    "proxy_url: http://p\nproxy_connect_header: {A: b}",
    "enable_http2: [a]",
];

fn job(keys: &str) -> String {
    format!(
        "scrape_configs:\n- job_name: a\n{}",
        keys.lines().map(|l| format!("  {l}\n")).collect::<String>()
    )
}

#[test]
fn settings_that_both_take_are_shown_alike() {
    let texts: Vec<String> = ACCEPTED.iter().map(|k| job(k)).collect();
    compare_accepted(&texts.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn settings_that_neither_takes_are_refused_in_the_same_words() {
    assert!(REFUSED.len() > 40);
    let texts: Vec<String> = REFUSED.iter().map(|k| job(k)).collect();
    compare_refused(&texts.iter().map(String::as_str).collect::<Vec<_>>());
}
