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
        generator_url: String::new(),
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
