//! Tests of whole configurations: what fills what, what is refused and how it is said.

use super::*;
use crate::dns::RecordType;
use crate::http_client::{Auth, Claim, HttpClientConfig, JWT_BEARER, Source, TlsVersion};
use crate::kubernetes::{AttachMetadata, Role};
use tortie_model::relabel::Action;

fn load(text: &str) -> Config {
    Config::load(text, "/etc/p/prometheus.yml").unwrap_or_else(|e| panic!("{e}"))
}

/// Each error as `line:column: message`.
fn errors(text: &str) -> Vec<String> {
    let all = Config::load(text, "p.yml").map(|_| ()).unwrap_err();
    all.items.iter().map(|d| format!("{}:{}: {}", d.at.line, d.at.column, d.message)).collect()
}

fn job(keys: &str) -> String {
    format!(
        "scrape_configs:\n- job_name: j\n{}",
        keys.lines().map(|l| format!("  {l}\n")).collect::<String>()
    )
}

fn job_error(keys: &str) -> String {
    errors(&job(keys)).join("; ")
}

#[test]
fn an_empty_file_is_all_defaults() {
    let c = load("");
    assert_eq!(c.global.scrape_interval_ms, 60_000);
    assert_eq!(c.global.scrape_timeout_ms, 10_000);
    assert!(c.scrape_configs.is_empty());
    assert_eq!(c, load("global:\nscrape_configs:\nrule_files:\n"));
}

#[test]
fn globals_fill_jobs() {
    let c = load(
        "global:\n  scrape_interval: 5s\n  body_size_limit: 1MB\n  sample_limit: 10\n  target_limit: 11\n  label_limit: 12\n  \
         label_name_length_limit: 13\n  label_value_length_limit: 14\n  keep_dropped_targets: 15\n  extra_scrape_metrics: true\n  \
         metric_name_validation_scheme: legacy\n  scrape_protocols: [PrometheusText0.0.4]\nscrape_configs:\n- job_name: a\n- job_name: b\n  \
         sample_limit: 1\n  scrape_timeout: 1s\n  metric_name_validation_scheme: utf8\n",
    );
    let [a, b] = c.scrape_configs.as_slice() else { panic!("{c:?}") };
    assert_eq!((a.interval_ms, a.timeout_ms, a.body_size_limit, a.sample_limit), (5000, 5000, 1 << 20, 10));
    assert_eq!((a.target_limit, a.label_limit, a.label_name_length_limit), (11, 12, 13));
    assert_eq!((a.label_value_length_limit, a.keep_dropped_targets, a.extra_scrape_metrics), (14, 15, true));
    assert_eq!((a.name_scheme, a.name_escaping), (NameScheme::Legacy, NameEscaping::Underscores));
    assert_eq!(a.protocols, [ScrapeProtocol::PrometheusText004]);
    assert_eq!((b.sample_limit, b.timeout_ms), (1, 1000));
    assert_eq!((b.name_scheme, b.name_escaping), (NameScheme::Utf8, NameEscaping::AllowUtf8));
    assert_eq!(
        errors("global: {scrape_interval: 1s, scrape_timeout: 2s}"),
        ["1:47: global scrape timeout greater than scrape interval"]
    );
    assert_eq!(load("global: {evaluation_interval: 7s}").global.evaluation_interval_ms, 7000);
    let escaping = load("global: {metric_name_escaping_scheme: dots}\nscrape_configs: [{job_name: a}]");
    assert_eq!(escaping.scrape_configs[0].name_escaping, NameEscaping::Dots);
}

#[test]
fn external_labels() {
    let mut c = load("global: {external_labels: {b: '${HOME}-$X_1/$$', a: 1, gone: $NONE}}");
    let missing = c.expand_external_labels(|name| match name {
        "HOME" => Some("h".to_owned()),
        "X_1" => Some("x".to_owned()),
        _ => None,
    });
    assert_eq!(
        c.global.external_labels,
        [
            ("a".to_owned(), "1".to_owned()),
            ("b".to_owned(), "h-x/$".to_owned()),
            ("gone".to_owned(), String::new())
        ]
    );
    assert_eq!(missing, ["NONE"]);
    assert!(
        errors("global: {metric_name_validation_scheme: legacy, external_labels: {a-b: 1}}")[0]
            .contains("\"a-b\" is not a valid label name")
    );
}

#[test]
fn a_whole_job() {
    let text = job(
        "honor_labels: yes\nhonor_timestamps: false\ntrack_timestamps_staleness: true\nparams: {b: [\"1\", 2], a: x}\nscrape_interval: 1m\n\
         scrape_timeout: 50s\nscrape_protocols: [OpenMetricsText1.0.0]\nfallback_scrape_protocol: PrometheusText0.0.4\nmetrics_path: /m\n\
         scheme: http\nenable_compression: false\nbody_size_limit: 10MB\nfollow_redirects: false\nenable_http2: false\n\
         metric_name_escaping_scheme: values\nstatic_configs:\n- targets: [a:1, b:2]\n  labels: {zone: 0123, x: yes}\n- targets:",
    );
    let c = load(&text);
    let j = &c.scrape_configs[0];
    assert!(
        j.honor_labels
            && !j.honor_timestamps
            && j.track_timestamps_staleness
            && !j.enable_compression
            && !j.http.follow_redirects
    );
    assert_eq!(
        j.params,
        [("a".to_owned(), vec!["x".to_owned()]), ("b".to_owned(), vec!["1".to_owned(), "2".to_owned()])]
    );
    assert_eq!(
        (j.interval_ms, j.timeout_ms, j.metrics_path.as_str(), j.body_size_limit),
        (60_000, 50_000, "/m", 10 << 20)
    );
    assert_eq!(j.fallback_protocol, Some(ScrapeProtocol::PrometheusText004));
    assert_eq!(j.name_escaping, NameEscaping::Values);
    assert_eq!(j.static_configs[0].targets, ["a:1", "b:2"]);
    assert_eq!(
        j.static_configs[0].labels,
        [("zone".to_owned(), "0123".to_owned()), ("x".to_owned(), "yes".to_owned())]
    );
    assert!(j.static_configs[1].targets.is_empty());
}

#[test]
fn credentials() {
    let auth = |keys: &str| load(&job(keys)).scrape_configs[0].http.auth.clone();
    let Some(Auth::Basic { username: Source::Inline(name), password: Source::File(file) }) =
        auth("basic_auth: {username: u, password_file: pw}")
    else {
        panic!("not basic");
    };
    assert_eq!((name.expose(), file.as_str()), ("u", "/etc/p/pw"));
    let bearer = Auth::Scheme { kind: "Bearer".into(), credentials: Source::File("/etc/p/t".into()) };
    assert_eq!(auth("authorization: {credentials_file: t}"), Some(bearer.clone()));
    assert_eq!(auth("bearer_token_file: t"), Some(bearer));
    let scheme = Auth::Scheme { kind: "X".into(), credentials: Source::Inline(crate::Secret::new("s")) };
    assert_eq!(auth("authorization: {type: X, credentials: s}"), Some(scheme));
    assert!(
        job_error("basic_auth: {username: u}\nbearer_token: x")
            .contains("at most one of basic_auth, oauth2, bearer_token")
    );
    assert!(job_error("authorization: {type: basic}").contains("use \"basic_auth\" instead"));
    assert!(
        job_error("basic_auth: {password: a, password_file: b}")
            .contains("basic_auth password, password_file & password_ref")
    );
    let shown = format!("{:?}", load(&job("bearer_token: hunter2")));
    assert!(!shown.contains("hunter2"));
    assert!(!load(&job("bearer_token: hunter2")).to_yaml().contains("hunter2"));
}

fn http(keys: &str) -> HttpClientConfig {
    load(&job(keys)).scrape_configs[0].http.clone()
}

#[test]
fn tls_settings() {
    let t = http("tls_config: {ca_file: ca.pem, cert: C, key: K, server_name: n, insecure_skip_verify: yes, min_version: TLS12, max_version: TLS13}").tls;
    assert_eq!(
        (t.ca, t.server_name.as_str(), t.insecure_skip_verify),
        (Source::File("/etc/p/ca.pem".into()), "n", true)
    );
    assert_eq!((t.min_version, t.max_version), (Some(TlsVersion::Tls12), Some(TlsVersion::Tls13)));
    let (Source::Inline(cert), Source::Inline(key)) = (&t.cert, &t.key) else { panic!("not inline") };
    assert_eq!((cert.expose(), key.expose()), ("C", "K"));
    for (keys, words) in [
        ("ca: x, ca_file: y", "at most one of ca, ca_file & ca_ref must be configured"),
        ("cert: x, cert_file: y, key: k", "at most one of cert, cert_file & cert_ref must be configured"),
        ("cert: x, key_file: y, key: k", "at most one of key and key_file must be configured"),
        (
            "cert: x",
            "exactly one of key or key_file must be configured when a client certificate is configured",
        ),
        ("key: x", "exactly one of cert or cert_file must be configured when a client key is configured"),
        ("min_version: TLS14", "unknown TLS version: TLS14"),
        (
            "min_version: TLS13, max_version: TLS12",
            "max_version must be greater than or equal to tls_config.min_version",
        ),
        ("max_version: TLS11", "TLS 1.0 and 1.1 are not spoken"),
        ("ca_files: x", "field ca_files not found in scrape_configs[].tls_config"),
        ("ca_ref: x", "scrape_configs[].tls_config.ca_ref is not supported yet"),
    ] {
        let got = job_error(&format!("tls_config: {{{keys}}}"));
        assert!(got.contains(words), "{keys}: {got}");
    }
    let shown = load(&job("tls_config: {cert: C, key: hunter2, ca_file: a}")).to_yaml();
    assert!(shown.contains("  tls_config:\n    cert: C\n    key: <secret>\n    ca_file: /etc/p/a\n    insecure_skip_verify: false\n"), "{shown}");
}

#[test]
fn tokens_of_other_servers() {
    let keys = "oauth2: {client_id: me, client_secret_file: s, scopes: [a, b], token_url: 'http://t/x', endpoint_params: {b: 2, a: 1}, tls_config: {ca_file: c}, proxy_url: 'http://p:1', claims: {n: 1, f: 1.5, t: 'x', l: [yes, ~]}}";
    let Some(Auth::OAuth2(o)) = http(keys).auth else { panic!("not oauth2") };
    assert_eq!(
        (o.client_id.as_str(), o.client_secret, o.scopes.len()),
        ("me", Source::File("/etc/p/s".into()), 2)
    );
    assert_eq!(o.endpoint_params, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    assert_eq!(
        (o.tls.ca, o.proxy.url.map(|u| u.expose().to_owned())),
        (Source::File("/etc/p/c".into()), Some("http://p:1".into()))
    );
    let claims: Vec<(&str, &Claim)> = o.claims.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let list = Claim::List(vec![Claim::Bool(true), Claim::Null]);
    assert_eq!(
        claims,
        [("f", &Claim::Float(1.5)), ("l", &list), ("n", &Claim::Int(1)), ("t", &Claim::Text("x".into()))]
    );
    let jwt = format!("client_id: a, token_url: b, grant_type: '{JWT_BEARER}'");
    for (keys, words) in [
        ("token_url: b", "oauth2 client_id must be configured"),
        ("client_id: b", "oauth2 token_url must be configured"),
        (
            "client_id: a, token_url: b, client_secret: c, client_secret_file: d",
            "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured using grant-type=client_credentials",
        ),
        (
            &format!("{jwt}, signature_algorithm: ES256"),
            "valid signature algorithms are RS256, RS384 and RS512",
        ),
        (
            &format!("{jwt}, client_certificate_key: c, client_certificate_key_file: d"),
            "at most one of oauth2 client_certificate_key, client_certificate_key_file",
        ),
        ("client_id: a, token_url: b, tls_config: {cert: x}", "exactly one of key or key_file"),
        (
            "client_id: a, token_url: b, no_proxy: x",
            "if no_proxy is configured, proxy_url must also be configured",
        ),
    ] {
        let got = job_error(&format!("oauth2: {{{keys}}}"));
        assert!(got.contains(words), "{keys}: {got}");
    }
    assert!(
        job_error("oauth2: {client_id: a, token_url: b}\nbasic_auth: {}")
            .contains("at most one of basic_auth, oauth2 & authorization")
    );
    assert!(
        !load(&job("oauth2: {client_id: a, token_url: b, client_secret: hunter2}"))
            .to_yaml()
            .contains("hunter2")
    );
}

#[test]
fn proxies() {
    let p = http(
        "proxy_url: 'http://u:hunter2@p:3128'\nno_proxy: a,.b\nproxy_connect_header: {X-B: [s], X-A: [t, u]}",
    )
    .proxy;
    assert_eq!(
        (p.url.as_ref().map(|u| u.expose()), p.no_proxy.as_str()),
        (Some("http://u:hunter2@p:3128"), "a,.b")
    );
    assert_eq!(
        p.connect_header.iter().map(|(n, v)| (n.as_str(), v.len())).collect::<Vec<_>>(),
        [("X-A", 2), ("X-B", 1)]
    );
    assert!(http("proxy_from_environment: true").proxy.from_environment);
    for (keys, words) in [
        (
            "proxy_connect_header: {a: [b]}",
            "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
        ),
        (
            "proxy_url: a\nproxy_from_environment: true",
            "if proxy_from_environment is configured, proxy_url must not be configured",
        ),
        (
            "no_proxy: a\nproxy_from_environment: true",
            "if proxy_from_environment is configured, no_proxy must not be configured",
        ),
        ("no_proxy: a", "if no_proxy is configured, proxy_url must also be configured"),
        (
            "proxy_url: '1.2.3.4:3128'",
            "parse \"1.2.3.4:3128\": first path segment in URL cannot contain colon",
        ),
    ] {
        let got = job_error(keys);
        assert!(got.contains(words), "{keys}: {got}");
    }
    let shown =
        load(&job("proxy_url: 'http://u:hunter2@p:3128'\nproxy_connect_header: {X: [hunter2]}")).to_yaml();
    assert!(
        shown.contains(
            "  proxy_url: http://u:xxxxx@p:3128\n  proxy_connect_header:\n    X:\n    - <secret>\n"
        ) && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn own_headers() {
    let h = http("http_headers: {X-B: {secrets: [s]}, X-A: {values: [1, two], files: [f]}}").headers.unwrap();
    assert_eq!(
        (h[0].name.as_str(), h[0].values.as_slice(), h[0].files.as_slice()),
        ("X-A", &["1".to_owned(), "two".to_owned()][..], &["/etc/p/f".to_owned()][..])
    );
    assert_eq!(h[1].secrets[0].expose(), "s");
    assert_eq!((http("").headers, http("http_headers: {}").headers), (None, Some(Vec::new())));
    assert!(
        job_error("http_headers: {user-agent: {values: [x]}}")
            .contains("setting header \"User-Agent\" is not allowed")
    );
    assert!(
        job_error("http_headers: {X: {value: [x]}}")
            .contains("field value not found in scrape_configs[].http_headers.{}")
    );
    let shown = load(&job("http_headers: {X: {secrets: [hunter2], values: [v]}}")).to_yaml();
    assert!(
        shown.contains(
            "  http_headers:\n    X:\n      values:\n      - v\n      secrets:\n      - <secret>\n"
        ),
        "{shown}"
    );
}

#[test]
fn relabel_rules() {
    let c = load(&job(
        "relabel_configs:\n- source_labels: [a, b]\n  separator: '-'\n  regex: (.+)\n  target_label: t\n  replacement: x$1\n\
         - {action: HashMod, source_labels: [a], target_label: h, modulus: 4}\nmetric_relabel_configs:\n- {action: drop, source_labels: [__name__], regex: go_.*}",
    ));
    let j = &c.scrape_configs[0];
    let r = &j.relabel[0];
    assert_eq!((r.source_labels.len(), r.separator.as_str(), r.regex.as_str()), (2, "-", "(.+)"));
    assert_eq!((r.target_label.as_str(), r.replacement.as_str()), ("t", "x$1"));
    assert_eq!((j.relabel[1].action, j.relabel[1].modulus), (Action::HashMod, 4));
    assert_eq!(j.metric_relabel[0].action, Action::Drop);
    assert!(
        job_error("relabel_configs:\n- regex: a(b")
            .contains("4:12: error parsing regexp: missing closing ): `^(?s:a(b)$`")
    );
    assert!(job_error("relabel_configs:\n- action: nope").contains("unknown relabel action \"nope\""));
    assert!(
        job_error("relabel_configs:\n- action: hashmod\n  target_label: x")
            .contains("requires non-zero modulus")
    );
    assert!(
        job_error("metric_relabel_configs:\n-")
            .contains("empty or null metric relabeling rule in scrape config")
    );
}

#[test]
fn file_discovery() {
    let c = load(&job(
        "file_sd_configs:\n- files: [sd/*.json, /abs/x.yml]\n  refresh_interval: 30s\n- files: [a.yaml]",
    ));
    let f = &c.scrape_configs[0].file_sd_configs;
    assert_eq!(f[0].files, ["/etc/p/sd/*.json", "/abs/x.yml"]);
    assert_eq!((f[0].refresh_interval_ms, f[1].refresh_interval_ms), (30_000, 300_000));
    assert!(
        job_error("file_sd_configs:\n- files: [a.txt]")
            .contains("path name \"a.txt\" is not valid for file discovery")
    );
    assert!(
        job_error("file_sd_configs:\n- refresh_interval: 1m").contains("must contain at least one path name")
    );
}

#[test]
fn dns_discovery() {
    let c = load(&job(
        "dns_sd_configs:\n- names: [am.mon, _am._tcp.mon]\n- {names: [x], type: aaaa, port: 9093, refresh_interval: 1m}",
    ));
    let d = &c.scrape_configs[0].dns_sd_configs;
    assert_eq!(
        (&d[0].names[..], d[0].kind, d[0].port),
        (&["am.mon".to_owned(), "_am._tcp.mon".to_owned()][..], RecordType::Srv, 0)
    );
    assert_eq!((d[0].refresh_interval_ms, d[1].refresh_interval_ms), (30_000, 60_000));
    assert_eq!((d[1].kind, d[1].port), (RecordType::Aaaa, 9093));
    let yaml = c.to_yaml();
    assert!(yaml.contains("  dns_sd_configs:\n  - names:\n    - am.mon\n    - _am._tcp.mon\n    refresh_interval: 30s\n    type: SRV\n    port: 0\n"), "{yaml}");
    for (text, wrong) in [
        ("dns_sd_configs:\n- type: A", "must contain at least one SRV record name"),
        (
            "dns_sd_configs:\n- {names: [x], type: MX}",
            "a port is required in DNS-SD configs for all record types except SRV",
        ),
        ("dns_sd_configs:\n- {names: [x], type: TXT}", "invalid DNS-SD records type TXT"),
        ("dns_sd_configs:\n-", "empty or null section in dns_sd_configs"),
        (
            "dns_sd_configs:\n- {names: [x], ports: 1}",
            "field ports not found in scrape_configs[].dns_sd_configs[]",
        ),
    ] {
        let e = job_error(text);
        assert!(e.contains(wrong), "{text}: {e}");
    }
}

#[test]
fn runtime_settings() {
    let c = load("runtime: {log_level: WARN, gogc: 50}");
    assert_eq!((c.runtime.log_level.as_deref(), c.runtime.gogc), (Some("warn"), 50));
    assert_eq!(errors("runtime: {log_level: loud}"), ["1:22: unrecognized log level loud"]);
}

#[test]
fn storage_settings() {
    let c = load("storage: {tsdb: {retention: {time: 30d, size: 512MB}, out_of_order_time_window: 0s}}");
    assert_eq!(
        (c.storage.retention_time_ms, c.storage.retention_size),
        (Some(2_592_000_000), Some(512 << 20))
    );
    assert!(
        errors("storage: {tsdb: {out_of_order_time_window: 1h}}")[0]
            .contains("out-of-order samples are not stored yet")
    );
}

#[test]
fn errors_carry_place_words_and_hint() {
    let text = "global:\n  scrape_intervall: 1s\nscrape_configs:\n- job_name: a\n- job_name: a\n  scrape_timeout: 2m\n- {}\nremote_write:\n- url: x\n";
    assert_eq!(
        errors(text),
        [
            "2:3: field scrape_intervall not found in global",
            "5:3: found multiple scrape configs with job name \"a\" (first in line 4)",
            "6:19: scrape timeout greater than scrape interval for scrape config with job name \"a\"",
            "7:3: job_name is empty",
            "8:1: remote_write is not supported yet: nothing is written to other servers yet",
        ]
    );
    let shown = Config::load(text, "p.yml").map(|_| ()).unwrap_err().to_string();
    assert!(shown.starts_with("p.yml:2:3: field scrape_intervall not found in global\n2 |   scrape_intervall: 1s\n  |   ^\nhint: did you mean scrape_interval?"));
    assert!(shown.contains("hint: remove it; COMPAT.md, Configuration, row `remote_write`"));
    assert!(
        job_error("static_configs:\n- targets: ['http://x/']")
            .contains("\"http://x/\" is not a valid hostname")
    );
    assert!(job_error("sample_limit: many").contains("cannot unmarshal `many` into uint"));
    assert!(job_error("honor_labels: 'true'").contains("cannot unmarshal `true` into bool"));
    assert!(job_error("scrape_interval: 15").contains("not a valid duration string: \"15\""));
    assert!(
        job_error("scrape_protocols: [X]")
            .contains("unknown scrape protocol X, supported: [OpenMetricsText0.0.1")
    );
    assert!(
        job_error("metric_name_validation_scheme: legacy\nmetric_name_escaping_scheme: allow-utf-8")
            .contains("utf8 metric names requested")
    );
    assert!(job_error("consul_sd_configs:\n- server: x").contains("consul_sd_configs is not supported yet"));
}

#[test]
fn alertmanagers() {
    let text = "alerting:\n  alert_relabel_configs: [{regex: replica, action: labeldrop}]\n  alertmanagers:\n  - api_version: v2\n    \
                scheme: https\n    path_prefix: /am\n    timeout: 5s\n    basic_auth: {username: me, password: hunter2}\n    \
                static_configs: [{targets: ['am:9093'], labels: {a: b}}]\n    file_sd_configs: [{files: [am.yml]}]\n    \
                relabel_configs: [{source_labels: [__address__], regex: 'am.*', action: keep}]\n    \
                alert_relabel_configs: [{regex: pod, action: labeldrop}]\n  - {}\n";
    let c = load(text);
    assert_eq!((c.alerting.alert_relabel.len(), c.alerting.alertmanagers.len()), (1, 2));
    let [first, second] = &c.alerting.alertmanagers[..] else { panic!() };
    assert_eq!((first.scheme.as_str(), first.path_prefix.as_str(), first.timeout_ms), ("https", "/am", 5000));
    assert_eq!((first.relabel.len(), first.alert_relabel.len()), (1, 1));
    assert_eq!(first.static_configs[0].targets, ["am:9093"]);
    assert_eq!((second.scheme.as_str(), second.timeout_ms), ("http", 10_000));
    let yaml = c.to_yaml();
    assert!(yaml.contains("password: <secret>") && !yaml.contains("hunter2"), "{yaml}");
    assert!(yaml.contains("  alertmanagers:\n  - basic_auth:"), "{yaml}");
    let error = |text: &str| Config::load(text, "prometheus.yml").unwrap_err().to_string();
    assert!(error("alerting: {alertmanagers: [{api_version: v1}]}").contains("to be one of [v2] but got v1"));
    assert!(error("alerting: {alertmanagers: [{sigv4: {region: x}}]}").contains("is not supported yet"));
    assert!(
        error("alerting: {alertmanagers: [{consul_sd_configs: [{server: x}]}]}")
            .contains("is not supported yet")
    );
    assert!(
        error("alerting: {alertmanagers: [{static_configs: [{targets: ['http://am']}]}]}")
            .contains("not a valid hostname")
    );
    assert!(error("alerting: {alertmanagers: [{shceme: x}]}").contains("did you mean scheme?"));
    assert!(
        error("alerting: {alert_relabel_configs: [null]}").contains("empty or null alert relabeling rule")
    );
}

#[test]
fn what_says_nothing_is_no_error() {
    let c = load(
        "alerting:\n  alertmanagers:\n  - static_configs:\n    - targets:\n      # - alertmanager:9093\nrule_files: []\nscrape_configs: [{job_name: a, scrape_native_histograms: false}]\n",
    );
    assert_eq!(c.scrape_configs.len(), 1);
}

#[test]
fn the_effective_configuration_has_prometheus_shape() {
    let text = load("").to_yaml();
    assert_eq!(
        text,
        "global:\n  scrape_interval: 1m\n  scrape_timeout: 10s\n  evaluation_interval: 1m\n  metric_name_validation_scheme: utf8\n  \
         metric_name_escaping_scheme: allow-utf-8\n  scrape_native_histograms: false\n  extra_scrape_metrics: false\nruntime:\n  gogc: 75\n  \
         log_level: info\nstorage:\n  tsdb:\n    outofordertimewindow: 0\n    retention: {}\notlp:\n  translation_strategy: \
         UnderscoreEscapingWithSuffixes\n  label_name_underscore_sanitization: true\n  label_name_preserve_multiple_underscores: true\n"
    );
    let again = load(&load(&job("static_configs: [{targets: [a:1]}]\nbody_size_limit: 1MB")).to_yaml());
    assert_eq!(again.scrape_configs[0].body_size_limit, 1 << 20);
}

#[test]
fn rule_files() {
    let c = load("global: {rule_query_offset: 7s}\nrule_files: [a.yml, /r/*.yml, ../x/*]\n");
    assert_eq!(c.rule_files, ["/etc/p/a.yml", "/r/*.yml", "/etc/x/*"]);
    assert_eq!(c.global.rule_query_offset_ms, 7000);
    assert!(c.to_yaml().contains("rule_files:\n- /etc/p/a.yml\n- /r/*.yml\n"), "{}", c.to_yaml());
    assert_eq!(errors("rule_files: ['*/x.yml']"), ["1:14: invalid rule file path \"*/x.yml\""]);
}

#[test]
fn kubernetes_discovery() {
    let c = load(&job(
        "kubernetes_sd_configs:\n- role: pod\n- role: endpointslice\n  kubeconfig_file: k/config\n  namespaces: {names: [a, b]}\n  selectors:\n  - {role: pod, label: 'a in (b, c)', field: spec.nodeName=x}\n  - {role: service, label: '!d'}\n  attach_metadata: {node: true, namespace: true, deployment: true, job: true, cronjob: true}\n- role: node\n  api_server: https://k:6443\n  bearer_token_file: t\n  tls_config: {insecure_skip_verify: true}\n- role: ingress\n  namespaces: {own_namespace: true}",
    ));
    let [pod, slice, node, ingress] = &*c.scrape_configs[0].kubernetes_sd_configs else {
        panic!("{:?}", c.scrape_configs[0].kubernetes_sd_configs)
    };
    assert_eq!((pod.role, pod.api_server.as_str(), pod.kubeconfig_file.as_str()), (Role::Pod, "", ""));
    assert_eq!(pod.attach, AttachMetadata::default());
    assert_eq!((slice.kubeconfig_file.as_str(), slice.namespaces.len()), ("/etc/p/k/config", 2));
    assert_eq!((slice.selectors[0].role, slice.selectors[1].label.as_str()), (Role::Pod, "!d"));
    let all = AttachMetadata { node: true, namespace: true, deployment: true, job: true, cronjob: true };
    assert_eq!(slice.attach, all);
    assert!(node.http.tls.insecure_skip_verify && node.http.auth.is_some());
    assert!(ingress.own_namespace);
    let shown = c.to_yaml();
    assert!(
        shown.contains(
            "  kubernetes_sd_configs:\n  - role: pod\n    kubeconfig_file: \"\"\n    follow_redirects: true\n"
        ),
        "{shown}"
    );
}

#[test]
fn faults_of_kubernetes_discovery() {
    #[track_caller]
    fn check(keys: &str, expect: &str) {
        let got = job_error(&format!("kubernetes_sd_configs:\n- {{{keys}}}"));
        assert!(got.contains(expect), "{keys}: {got}");
    }
    check("", "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)");
    check("role: vacation", "unknown Kubernetes SD role \"vacation\"");
    check(
        "role: pod, api_server: 'https://x', kubeconfig_file: y",
        "cannot use 'kubeconfig_file' and 'api_server'",
    );
    check(
        "role: pod, kubeconfig_file: y, bearer_token: z",
        "custom HTTP client configuration together with 'kubeconfig_file'",
    );
    check("role: pod, follow_redirects: false", "please provide the 'api_server' URL explicitly");
    check(
        "role: pod, api_server: 'https://x', namespaces: {own_namespace: true}",
        "'api_server' and 'namespaces.own_namespace'",
    );
    check(
        "role: pod, kubeconfig_file: x, namespaces: {own_namespace: true}",
        "'kubeconfig_file' and 'namespaces.own_namespace'",
    );
    check("role: node, selectors: [{role: pod}]", "node role supports only node selectors");
    check("role: pod, selectors: [{role: pod}, {role: pod}]", "duplicated selector role: pod");
    check("role: pod, selectors: [{role: pod, field: x}]", "can't understand 'x'");
    check("role: pod, selectors: [{role: pod, label: 'a b'}]", "found 'b'");
    check("role: pod, namespaces: {foo: bar}", "field foo not found");
    check("role: pod, api_server: 'https://x', oauth2: {client_id: x}", "oauth2 is not supported yet");
    check(
        "role: pod, api_server: 'https://x', authorization: {type: Digest}",
        "authorization of type Digest is not supported",
    );
}
