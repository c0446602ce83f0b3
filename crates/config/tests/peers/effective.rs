//! Configurations that both read: accepted by both with the same effective text, or refused by both.

use super::ask;
use tortie_config::Config;

/// Accepted by both; each is shown the same.
const ACCEPTED: &[&str] = &[
    "",
    "global:\n",
    "global: {scrape_interval: 15s}\n",
    "global: {scrape_interval: 15s, scrape_timeout: 14s, evaluation_interval: 90s, rule_query_offset: 1m, body_size_limit: 1536KB, sample_limit: 0x10, keep_dropped_targets: 1_0}\n",
    "global: {metric_name_validation_scheme: legacy, scrape_protocols: [PrometheusText0.0.4, OpenMetricsText1.0.0]}\nscrape_configs: [{job_name: a}, {job_name: b, metric_name_validation_scheme: utf8}]\n",
    "global: {metric_name_escaping_scheme: dots, extra_scrape_metrics: true}\nscrape_configs: [{job_name: a}, {job_name: b, metric_name_validation_scheme: legacy}]\n",
    "global: {external_labels: {b: '2', a: x y, c: null}}\n",
    "runtime: {log_level: WARN, gogc: 40}\nstorage: {tsdb: {retention: {time: 14d, size: 1536MB}}}\n",
    "scrape_configs:\n- job_name: yes\n  honor_labels: on\n  honor_timestamps: n\n  track_timestamps_staleness: TRUE\n  params: {z: [1, two words], b: ['*x', '', ~], c: []}\n  scrape_interval: 1h30m\n  scrape_timeout: 61s\n  metrics_path: /a?b=c\n  enable_compression: no\n  fallback_scrape_protocol: OpenMetricsText0.0.1\n  body_size_limit: 1GB1B\n",
    "scrape_configs:\n- job_name: a\n  basic_auth: {username: u, password: p}\n- job_name: b\n  authorization: {type: '  ', credentials_file: ../t}\n- job_name: c\n  bearer_token_file: /x/y\n- job_name: d\n  bearer_token: s\n- job_name: e\n  basic_auth: {username_file: u, password_file: p}\n- job_name: f\n  authorization: {}\n- job_name: g\n  basic_auth:\n",
    "scrape_configs:\n- job_name: r\n  relabel_configs:\n  - {source_labels: [__address__, \"b c\", 'd,e'], regex: '(.+):(\\d+)', target_label: x, replacement: '$1:9'}\n  - {action: labeldrop, regex: 'a: b'}\n  - {action: HASHMOD, modulus: 8, target_label: h, source_labels: [x]}\n  - {action: keep, regex: '', source_labels: [q], separator: ''}\n  - {target_label: t, replacement: 'true'}\n  - {target_label: t, replacement: ''}\n  - {target_label: t, regex: (.*)}\n  - {action: labelmap, regex: __meta_(.+)}\n  - {action: keepequal, source_labels: [a], target_label: b}\n",
    "scrape_configs:\n- job_name: s\n  static_configs:\n  - targets: ['1.2.3.4:9091', 'x:1', '[::1]:80']\n    labels: {zone: 1, a: yes, c: 'null', d: '0x1', e: '- x', f: 'a#b', g: 'a #b', h: 'it''s \"q\"', i: '', j: 1e3, k: 2024-01-01, l: ':', m: '%x', n: é, o: \"line\\nbreak\", p: '~', q: 'trail ', r: '=', s: 1_000, t: '!x', u: '&x', v: '@x', w: '-', x: '--- x', y: '1:30', aa: ' lead', ab: \"tab\\tx\", ac: '?', ad: '? x', ae: 'a: b', af: 'a:', ag: .5, ah: +1, ai: 0o7, aj: 08, ak: .inf, al: Off, am: oFF, an: '<<', ao: '*', ap: '`', aq: '{', ar: ']', as: 'x{y}', at: '...', au: '2024-13-01', av: '12:60', aw: 0b1, ax: 1., ay: '.', az: '1e', ba: '0x', bb: '-0x1F', bc: '1_', be: \"a\\\\b\", bf: \"nl\\n\", bg: \"\\nx\", bh: \"a\\n\\nb\", bi: \" a\\nb\", bj: \"a \\nb \", bk: \"a\\n\\n\"}\n  - targets: []\n  - labels: {a: b}\n  file_sd_configs:\n  - files: [sd/*.json, ../y.yml, /abs/x.yaml]\n  - files: [a.JSON]\n    refresh_interval: 90s\n",
    "scrape_configs:\n- job_name: long\n  relabel_configs:\n  - {source_labels: [a_rather_long_label_name_one, a_rather_long_label_name_two, a_rather_long_label_name_three, four], target_label: x}\n  - {target_label: x, replacement: 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen  eighteen'}\n  - {target_label: x, replacement: 'one: two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen it''s seventeen'}\n  - {target_label: x, replacement: \"tab\\t two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen  seventeen\"}\n",
    "scrape_configs:\n- job_name: d\n  dns_sd_configs:\n  - names: [a.b, c]\n  - {names: [x], type: aaaa, port: 9093, refresh_interval: 90s}\n  file_sd_configs: [{files: [a.yml]}]\nalerting: {alertmanagers: [{dns_sd_configs: [{names: [x], type: A, port: 0x10}]}]}\n",
    "x: &x\nscrape_configs: []\n",
    "scrape_configs:\n- &a\n  job_name: a\n  scrape_interval: 5s\n- <<: *a\n  job_name: b\n",
    "alerting: {alertmanagers: []}\n",
    "scrape_configs:\n- job_name: k\n  kubernetes_sd_configs:\n  - role: pod\n  - {role: endpoints, kubeconfig_file: k/config, namespaces: {names: [a, 'b c']}}\n  - {role: endpointslice, namespaces: {own_namespace: true}, attach_metadata: {node: true}}\n  - role: node\n    api_server: https://u:p@k.example:6443/x\n    authorization: {credentials_file: t}\n    tls_config: {ca_file: c, server_name: n}\n    selectors:\n    - {role: node, label: 'a in (b, c),!d', field: metadata.name=x}\n  - {role: ingress, selectors: [{role: ingress}]}\n  - {role: service, namespaces: {}, attach_metadata: {namespace: true, job: true}}\n",
];

/// Refused by both; the message of Prometheus must stand in ours, where it is not about its own types.
const REFUSED: &[&str] = &[
    "global: {scrape_interval: 1s, scrape_timeout: 2s}\n",
    "global: {scrape_interval: 15}\n",
    "global: {scrape_interval: 1m1m}\n",
    "global: {sample_limit: -1}\n",
    "global: {foo: 1}\n",
    "global: []\n",
    "global: {scrape_protocols: []}\n",
    "global: {scrape_protocols: [X]}\n",
    "global: {scrape_protocols: [OpenMetricsText1.0.0, OpenMetricsText1.0.0]}\n",
    "global: {metric_name_validation_scheme: x}\n",
    "global: {metric_name_escaping_scheme: x}\nscrape_configs: [{job_name: a}]\n",
    "global: {body_size_limit: 15}\n",
    "global: {body_size_limit: 1kB}\n",
    "runtime: {log_level: loud}\n",
    "scrape_configs: [{job_name: a}, {job_name: a}]\n",
    "scrape_configs: [{}]\n",
    "scrape_configs: [~]\n",
    "scrape_configs: [{job_name: a, scrape_timeout: 2m}]\n",
    "scrape_configs: [{job_name: a, honor_labels: 'true'}]\n",
    "scrape_configs: [{job_name: a, honor_labels: maybe}]\n",
    "scrape_configs: [{job_name: a, fallback_scrape_protocol: x}]\n",
    "scrape_configs: [{job_name: a, metric_name_validation_scheme: legacy, metric_name_escaping_scheme: allow-utf-8}]\n",
    "scrape_configs: [{job_name: a, basic_auth: {password: a, password_file: b}}]\n",
    "scrape_configs: [{job_name: a, basic_auth: {}, authorization: {credentials: x}}]\n",
    "scrape_configs: [{job_name: a, authorization: {type: Basic}}]\n",
    "scrape_configs: [{job_name: a, bearer_token: x, bearer_token_file: y}]\n",
    "scrape_configs: [{job_name: a, bearer_token: x, basic_auth: {username: u}}]\n",
    "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://x']}]}]\n",
    "scrape_configs: [{job_name: a, static_configs: [{targets: [x], foo: 1}]}]\n",
    "scrape_configs: [{job_name: a, file_sd_configs: [{files: []}]}]\n",
    "scrape_configs: [{job_name: a, file_sd_configs: [{files: [x.txt]}]}]\n",
    "scrape_configs: [{job_name: a, dns_sd_configs: [{names: []}]}]\n",
    "scrape_configs: [{job_name: a, dns_sd_configs: [{names: [x], type: A}]}]\n",
    "scrape_configs: [{job_name: a, dns_sd_configs: [{names: [x], type: TXT, port: 1}]}]\n",
    "scrape_configs: [{job_name: a, relabel_configs: [{action: x}]}]\n",
    "scrape_configs: [{job_name: a, relabel_configs: [{regex: 'a('}]}]\n",
    "scrape_configs: [{job_name: a, relabel_configs: [{action: replace}]}]\n",
    "scrape_configs: [{job_name: a, relabel_configs: [{action: hashmod, target_label: x}]}]\n",
    "scrape_configs: [{job_name: a, relabel_configs: [{action: labeldrop, target_label: x}]}]\n",
    "scrape_configs: [{job_name: a, relabel_configs: [{action: keepequal, target_label: x, regex: (.*)}]}]\n",
    "scrape_configs: [{job_name: a, relabel_configs: [~]}]\n",
    "scrape_configs: [{job_name: a, metric_relabel_configs: [~]}]\n",
    "scrape_configs: [{job_name: a, job_name: b}]\n",
    "a: 1\na: 2\n",
    "scrape_configs: {a: b}\n",
    "\t- x\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [~]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: vacation}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, api_server: 'https://x', kubeconfig_file: y}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, kubeconfig_file: y, bearer_token: z}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, follow_redirects: false}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, api_server: 'https://x', namespaces: {own_namespace: true}}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, kubeconfig_file: x, namespaces: {own_namespace: true}}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: node, selectors: [{role: pod}]}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, selectors: [{role: pod}, {role: pod}]}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, field: x}]}]}]\n",
    "scrape_configs: [{job_name: a, kubernetes_sd_configs: [{role: pod, namespaces: {foo: bar}}]}]\n",
];

fn both(texts: &[&str]) -> Vec<(Result<String, String>, Result<String, String>)> {
    let dir =
        std::env::temp_dir().join(format!("tortie-config-peers-{}-{}", std::process::id(), texts.len()));
    std::fs::create_dir_all(&dir).unwrap();
    let mut names = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let name = dir.join(format!("{i}.yml")).to_str().unwrap().to_owned();
        std::fs::write(&name, text).unwrap();
        names.push(name);
    }
    let answers = ask("configshow", &names.join("\n"));
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(answers.lines().count(), texts.len());
    let pair = |((text, name), line): ((&&str, &String), &str)| {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        let error = answer["error"].as_str().unwrap();
        let theirs = if error.is_empty() {
            Ok(answer["config"].as_str().unwrap().to_owned())
        } else {
            Err(error.to_owned())
        };
        let ours = Config::load(text, name).map(|c| c.to_yaml()).map_err(|e| e.to_string());
        (ours, theirs)
    };
    texts.iter().zip(&names).zip(answers.lines()).map(pair).collect()
}

#[test]
fn accepted_configurations_are_shown_alike() {
    compare_accepted(ACCEPTED);
}

pub(crate) fn compare_accepted(texts: &[&str]) {
    for (text, (ours, theirs)) in texts.iter().zip(both(texts)) {
        // A key that Prometheus does not know is there to see that both refuse it.
        if text.starts_with("x:") {
            assert!(ours.is_err() && theirs.is_err());
            continue;
        }
        let ours = ours.unwrap_or_else(|e| panic!("{text}\nis refused here: {e}"));
        let theirs = theirs.unwrap_or_else(|e| panic!("{text}\nis refused there: {e}"));
        for (a, b) in ours.lines().zip(theirs.lines()) {
            assert_eq!(a, b, "{text}\nhere:\n{ours}\nthere:\n{theirs}");
        }
        assert_eq!(ours.trim_end(), theirs.trim_end().trim_end_matches("alerting: {}").trim_end(), "{text}");
    }
}

#[test]
fn refused_configurations_are_refused_in_the_same_words() {
    compare_refused(REFUSED);
}

pub(crate) fn compare_refused(texts: &[&str]) {
    let mut unlike = Vec::new();
    for (text, (ours, theirs)) in texts.iter().zip(both(texts)) {
        let (Err(ours), Err(theirs)) = (&ours, &theirs) else {
            unlike.push(format!("{text}here {ours:?}\nthere {theirs:?}\n"));
            continue;
        };
        let words = theirs.split_once(".yml: ").map_or(theirs.as_str(), |(_, w)| w);
        // The library's own messages speak of Go's types and have no column.
        let of_library = words.starts_with("yaml:") || words.contains("of type");
        if !of_library && !ours.contains(words) {
            unlike.push(format!("{text}here {ours}\nthere {words}\n"));
        }
    }
    assert!(unlike.is_empty(), "{}", unlike.join("\n"));
}
