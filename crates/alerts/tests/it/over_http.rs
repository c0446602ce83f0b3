//! One request over a real socket: what stands in it, and what is made of the answer.

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tortie_host::{RealFs, SystemClock};

#[tokio::test]
async fn a_request_carries_credentials_and_json() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let fs: Arc<dyn Fs> = Arc::new(RealFs);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let yaml = format!(
        "alerting: {{alertmanagers: [{{path_prefix: /am, basic_auth: {{username: me, password: pw}}, static_configs: \
         [{{targets: ['{address}']}}]}}]}}"
    );
    let config = Config::load(&yaml, "prometheus.yml").unwrap();
    let settings = Settings::from_config(&config, "tortie/test", &fs, &clock).unwrap();
    let manager = Manager::new(Options::default(), fs, Arc::clone(&clock));
    manager.apply(settings);
    let now = clock.now_ms();
    manager.notify(vec![Alert {
        labels: Labels::from_pairs([("alertname", "x")]),
        annotations: Arc::new([]),
        starts_at_ms: now,
        ends_at_ms: now + 60_000,
        resolved: false,
        generator_url: Arc::from(""),
    }]);
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"]") {
        let mut part = [0; 4096];
        let n = stream.read(&mut part).await.unwrap();
        assert!(n > 0, "the request ends early");
        request.extend_from_slice(&part[..n]);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    let text = String::from_utf8(request).unwrap().to_ascii_lowercase();
    assert!(text.starts_with("post /am/api/v2/alerts http/1.1\r\n"), "{text}");
    for header in
        ["content-type: application/json\r\n", "user-agent: tortie/test\r\n", "authorization: basic "]
    {
        assert!(text.contains(header), "{text}");
    }
    manager.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn one_that_cannot_be_reached_by_tls_is_told_once_it_can() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let fs: Arc<dyn Fs> = Arc::new(RealFs);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let settings = |scheme: &str| {
        let yaml = format!(
            "alerting: {{alertmanagers: [{{scheme: {scheme}, static_configs: [{{targets: ['{address}']}}]}}]}}"
        );
        Settings::from_config(&Config::load(&yaml, "prometheus.yml").unwrap(), "x", &fs, &clock).unwrap()
    };
    let manager = Manager::new(Options::default(), Arc::clone(&fs), Arc::clone(&clock));
    manager.apply(settings("https"));
    let now = clock.now_ms();
    manager.notify(vec![Alert {
        labels: Labels::from_pairs([("alertname", "x")]),
        annotations: Arc::new([]),
        starts_at_ms: now - 60_000,
        ends_at_ms: now,
        resolved: true,
        generator_url: Arc::from(""),
    }]);
    // It speaks no TLS.
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    drop(stream);
    let failed = async {
        while manager.status()[0].last_error.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), failed).await.unwrap();
    let status = manager.status().remove(0);
    assert_eq!((status.waiting, status.dropped, status.sent), (1, 0, 0), "{:?}", status.last_error);
    assert!(status.url.starts_with("https://"));
    manager.apply(settings("http"));
    // Connections of the first try may still come.
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !request.ends_with(b"]") && !request.starts_with(&[22]) {
            let n = stream.read(&mut part).await.unwrap();
            if n == 0 {
                break;
            }
            request.extend_from_slice(&part[..n]);
        }
        if request.starts_with(b"POST ") {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            assert!(String::from_utf8(request).unwrap().contains(r#""labels":{"alertname":"x"}"#));
            break;
        }
    }
    manager.stop(Duration::from_secs(5)).await;
}
