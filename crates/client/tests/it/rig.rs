//! A client with files in memory and a clock that a test moves.

use std::path::Path;
use std::sync::Arc;
use tortie_client::{Client, Error, Request, Response, Url};
use tortie_config::http_client::{HttpClientConfig, Source};
use tortie_config::{Config, Secret};
use tortie_host::{Fs, ManualClock, MemFs};

/// 2026-11-27.
pub(crate) const NOW_MS: i64 = 1_795_737_600_000;

pub(crate) struct Rig {
    pub(crate) fs: Arc<MemFs>,
    pub(crate) clock: Arc<ManualClock>,
}

/// A configuration as it is written in a job; paths count from `/`.
pub(crate) fn written(keys: &str) -> HttpClientConfig {
    let text = format!(
        "scrape_configs:\n- job_name: j\n{}",
        keys.lines().map(|l| format!("  {l}\n")).collect::<String>()
    );
    let config = Config::load(&text, "/prometheus.yml").unwrap_or_else(|e| panic!("{e}"));
    config.scrape_configs[0].http.clone()
}

pub(crate) fn inline(text: &str) -> Source {
    Source::Inline(Secret::new(text))
}

impl Rig {
    pub(crate) fn new() -> Rig {
        Rig { fs: Arc::new(MemFs::new()), clock: Arc::new(ManualClock::at(NOW_MS)) }
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        self.fs.create(Path::new(path)).unwrap().append(text.as_bytes()).unwrap();
    }

    pub(crate) fn client(&self, config: &HttpClientConfig) -> Result<Client, String> {
        Client::new(config, "test/1", Arc::clone(&self.fs) as _, Arc::clone(&self.clock) as _)
    }

    /// One GET with a new client.
    pub(crate) async fn get(&self, config: &HttpClientConfig, url: &str) -> Result<Response, Error> {
        get(&self.client(config).unwrap_or_else(|e| panic!("{e}")), url).await
    }
}

pub(crate) async fn get(client: &Client, url: &str) -> Result<Response, Error> {
    client.send(Request::get(Url::parse(url).unwrap())).await
}

/// The reason of a failure, without method and URL.
#[track_caller]
pub(crate) fn reason(result: Result<Response, Error>) -> String {
    match result {
        Err(Error::Request { reason, .. }) => reason,
        other => panic!("no failed request: {other:?}"),
    }
}
