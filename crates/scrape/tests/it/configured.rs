//! From the text of a configuration to pools.

use std::path::Path;
use tortie_config::Config;
use tortie_host::{Fs, MemFs};
use tortie_scrape::{PoolConfig, Unsupported};
use tortie_wire::content_type::Protocol;

fn pool(job: &str) -> Result<PoolConfig, Unsupported> {
    let text = format!("scrape_configs:\n- job_name: j\n{job}");
    let config = Config::load(&text, "prometheus.yml").unwrap_or_else(|e| panic!("{text}\n{e:?}"));
    PoolConfig::from_config(&config.scrape_configs[0])
}

#[test]
fn defaults_are_those_of_a_new_pool() {
    let got = pool("").unwrap();
    assert_eq!(got, PoolConfig::new("j"));
}

#[test]
fn everything_is_taken_over() {
    let got = pool(
        "  scrape_interval: 15s\n  scrape_timeout: 5s\n  metrics_path: /m\n  params: {x: [a, b]}\n  honor_labels: true\n  honor_timestamps: false\n  \
         sample_limit: 1\n  label_limit: 2\n  label_name_length_limit: 3\n  label_value_length_limit: 4\n  target_limit: 5\n  body_size_limit: 6MB\n  \
         keep_dropped_targets: 7\n  enable_compression: false\n  follow_redirects: false\n  track_timestamps_staleness: true\n  \
         scrape_protocols: [OpenMetricsText1.0.0, PrometheusText0.0.4]\n  fallback_scrape_protocol: PrometheusText0.0.4\n  \
         metric_relabel_configs: [{action: drop, source_labels: [__name__], regex: go_.*}]\n",
    )
    .unwrap();
    assert_eq!((got.interval_ms, got.timeout_ms, got.metrics_path.as_str()), (15_000, 5_000, "/m"));
    assert_eq!(got.params, [("x".to_owned(), vec!["a".to_owned(), "b".to_owned()])]);
    assert_eq!(
        (got.sample_limit, got.label_limit, got.label_name_length_limit, got.label_value_length_limit),
        (1, 2, 3, 4)
    );
    assert_eq!((got.target_limit, got.body_size_limit, got.keep_dropped_targets), (5, 6 << 20, 7));
    assert_eq!((got.honor_labels, got.honor_timestamps, got.track_timestamps_staleness), (true, false, true));
    assert_eq!((got.enable_compression, got.http.follow_redirects), (false, false));
    assert_eq!(got.protocols, [Protocol::Text0], "only what can be parsed is asked for");
    assert_eq!(got.fallback_protocol, Some(Protocol::Text0));
    assert_eq!(got.metric_relabel.len(), 1);
}

#[test]
fn what_cannot_be_done_is_named() {
    let protocols = pool("  scrape_protocols: [OpenMetricsText1.0.0]\n").map_err(|e| e.to_string());
    assert_eq!(
        protocols.unwrap_err(),
        "scrape_protocols of job \"j\": none of OpenMetricsText1.0.0 can be parsed; hint: add PrometheusText1.0.0"
    );
    let fallback = pool("  fallback_scrape_protocol: OpenMetricsText1.0.0\n").map_err(|e| e.to_string());
    assert!(fallback.unwrap_err().contains("fallback_scrape_protocol of job \"j\""));
}

#[tokio::test]
async fn credentials_in_a_file_are_read_for_each_request() {
    use crate::rig::{config, group};
    let fs = std::sync::Arc::new(MemFs::new());
    fs.create(Path::new("/token")).unwrap().append(b"one\n").unwrap();
    let server = crate::server::Server::start().await;
    server.body("a 1\n");
    let sink = std::sync::Arc::new(crate::sink::TestSink::default());
    let manager = tortie_scrape::ScrapeManager::new(
        sink,
        std::sync::Arc::new(tortie_host::SystemClock::new()),
        std::sync::Arc::clone(&fs) as _,
        tortie_host::CpuPool::start(1, 4),
        tortie_scrape::Options::default(),
    );
    let groups = tokio::sync::watch::Sender::new(group(&[server.addr.to_string()]));
    let credentials = tortie_config::http_client::Source::File("/token".into());
    let auth = Some(tortie_config::http_client::Auth::Scheme { kind: "Bearer".into(), credentials });
    let http = tortie_config::HttpClientConfig { auth, ..Default::default() };
    let config = PoolConfig { http, ..config() };
    manager.apply(vec![tortie_scrape::PoolInput { config, groups: groups.subscribe() }]).unwrap();
    manager.scrape_all_at(1000).await;
    fs.create(Path::new("/token")).unwrap().append(b"two\n").unwrap();
    manager.scrape_all_at(2000).await;
    fs.remove_file(Path::new("/token")).unwrap();
    manager.scrape_all_at(3000).await;
    let sent: Vec<bool> = ["one", "two"]
        .iter()
        .zip(server.requests())
        .map(|(t, r)| r.contains(&format!("Bearer {t}\r\n")))
        .collect();
    assert_eq!((sent, server.requests().len()), (vec![true, true], 2));
    assert!(
        manager.targets()[0].last_error.contains("unable to read file /token"),
        "{}",
        manager.targets()[0].last_error
    );
}
