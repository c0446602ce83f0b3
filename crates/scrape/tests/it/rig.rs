//! A manager with one pool, a server as its target and a stand-in of the head.

use crate::server::Server;
use crate::sink::TestSink;
use std::sync::Arc;
use tokio::sync::watch;
use tortie_discovery::TargetGroup;
use tortie_host::{Clock, CpuPool, MemFs, SystemClock};
use tortie_model::Labels;
use tortie_scrape::status::TargetStatus;
use tortie_scrape::{Options, PoolConfig, PoolInput, ScrapeManager};

pub(crate) struct Rig {
    pub(crate) manager: ScrapeManager,
    pub(crate) sink: Arc<TestSink>,
    pub(crate) server: Server,
    pub(crate) groups: watch::Sender<Arc<Vec<TargetGroup>>>,
}

/// A pool that scrapes each second.
pub(crate) fn config() -> PoolConfig {
    PoolConfig { interval_ms: 1000, timeout_ms: 1000, ..PoolConfig::new("job") }
}

/// A group with these addresses.
pub(crate) fn group(addresses: &[String]) -> Arc<Vec<TargetGroup>> {
    let targets = addresses.iter().map(|a| Labels::from_pairs([("__address__", a.as_str())])).collect();
    Arc::new(vec![TargetGroup { source: "0".into(), labels: Labels::empty(), targets }])
}

impl Rig {
    pub(crate) async fn new(config: PoolConfig) -> Rig {
        Rig::with(config, Server::start().await, Options::default())
    }

    pub(crate) fn with(config: PoolConfig, server: Server, options: Options) -> Rig {
        let sink = Arc::new(TestSink::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let manager = ScrapeManager::new(
            Arc::clone(&sink) as _,
            clock,
            Arc::new(MemFs::new()),
            CpuPool::start(1, 16),
            options,
        );
        let groups = watch::Sender::new(group(&[server.addr.to_string()]));
        let rig = Rig { manager, sink, server, groups };
        rig.apply(config);
        rig
    }

    pub(crate) fn apply(&self, config: PoolConfig) {
        self.manager.apply(vec![PoolInput { config, groups: self.groups.subscribe() }]).unwrap();
    }

    /// Serves `body` and scrapes it with timestamp `at`.
    pub(crate) async fn scrape(&self, at: i64, body: &str) -> TargetStatus {
        self.server.body(body);
        self.again(at).await
    }

    /// Scrapes whatever is served.
    pub(crate) async fn again(&self, at: i64) -> TargetStatus {
        self.manager.scrape_all_at(at).await;
        self.status()
    }

    pub(crate) fn status(&self) -> TargetStatus {
        self.manager.targets().into_iter().next().expect("no target")
    }

    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> f64 {
        self.sink.samples(name).last().and_then(|s| s.1).unwrap_or_else(|| panic!("{name} is stale"))
    }
}
