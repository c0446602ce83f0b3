//! Targets: from discovered labels to something that can be scraped.

mod bound;
mod populate;
mod remarks;
mod url;

pub use populate::{Populated, populate};
pub use url::TargetUrl;

use crate::pool_config::PoolConfig;
use crate::status::{Health, TargetStatus};
use std::sync::{Arc, Mutex, PoisonError};
use tortie_model::labels::RESERVED_PREFIX;
use tortie_model::{Labels, duration, labels_hash};

/// One endpoint: its identity, and what the last scrapes said.
#[derive(Debug)]
pub struct Target {
    /// Name of its pool.
    pub pool: Arc<str>,
    /// Labels that its series carry.
    pub public: Labels,
    /// Where it is scraped.
    pub url: TargetUrl,
    /// Identity: equal targets are scraped once.
    pub hash: u64,
    /// Milliseconds between scrapes.
    pub interval_ms: i64,
    /// Milliseconds that a scrape may take.
    pub timeout_ms: i64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    discovered: Labels,
    last: LastScrape,
    health: Health,
    /// Health of the last scrapes, newest in the lowest bit.
    history: u32,
    scrapes: u32,
    since_ms: i64,
}

/// What a scrape leaves behind for the Targets page.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastScrape {
    pub(crate) at_ms: i64,
    pub(crate) seconds: f64,
    pub(crate) error: String,
    pub(crate) warning: String,
    pub(crate) remarks: Vec<&'static str>,
    pub(crate) samples: u64,
    pub(crate) series_added: u64,
    pub(crate) body_bytes: u64,
}

/// How many scrapes [`TargetStatus::history`] goes back.
const HISTORY: u32 = 20;

impl Target {
    /// A target of what [`populate`] made; `labels` keeps the reserved ones.
    pub fn new(config: &PoolConfig, labels: &Labels, discovered: Labels) -> Target {
        let url = TargetUrl::new(labels, &config.params);
        let ms = |name: &str, default: i64| duration::parse(labels.value(name)).unwrap_or(default);
        Target {
            pool: Arc::clone(&config.job_name),
            public: Labels::from_sorted(labels.iter().filter(|(n, _)| !n.starts_with(RESERVED_PREFIX))),
            hash: labels_hash::target(labels, url.as_str()),
            interval_ms: ms(populate::INTERVAL, config.interval_ms).max(1),
            timeout_ms: ms(populate::TIMEOUT, config.timeout_ms).max(1),
            url,
            state: Mutex::new(State { discovered, ..State::default() }),
        }
    }

    /// When in the interval the target is scraped, in milliseconds: its scrapes fall on the instants that leave this
    /// remainder when divided by the interval. As Prometheus' `Target.offset`.
    pub fn offset_ms(&self, seed: u64) -> i64 {
        let interval_ns = (self.interval_ms as u64).saturating_mul(1_000_000);
        ((self.hash ^ seed) % interval_ns / 1_000_000) as i64
    }

    /// The first scheduled instant at or after `from_ms`.
    pub fn next_instant(&self, from_ms: i64, seed: u64) -> i64 {
        from_ms + (self.offset_ms(seed) - from_ms).rem_euclid(self.interval_ms)
    }

    /// Replaces the labels before relabelling, which may change without changing the target.
    pub(crate) fn set_discovered(&self, discovered: Labels) {
        self.state().discovered = discovered;
    }

    pub(crate) fn discovered(&self) -> Labels {
        self.state().discovered.clone()
    }

    pub(crate) fn report(&self, last: LastScrape) {
        let mut s = self.state();
        let health = if last.error.is_empty() { Health::Up } else { Health::Down };
        if health != s.health {
            s.since_ms = last.at_ms;
        }
        s.health = health;
        s.history = s.history << 1 | u32::from(health == Health::Up);
        s.scrapes = s.scrapes.saturating_add(1).min(HISTORY);
        s.last = last;
    }

    /// When a configuration's credentials are withheld: which host they are for, and which one relabelling made of it. Asked
    /// for each scrape: a target outlives changes of credentials and of what was discovered.
    pub(crate) fn withheld(&self, config: &PoolConfig) -> Option<String> {
        config.foreign.then(|| bound::withheld(config, &self.state().discovered, &self.url)).flatten()
    }

    /// What is to be known of how it is asked.
    pub(crate) fn remarks(&self, config: &PoolConfig, withheld: bool) -> Vec<&'static str> {
        remarks::of(&config.http, self.url.scheme(), withheld)
    }

    /// What the Targets page shows.
    pub fn status(&self) -> TargetStatus {
        let s = self.state();
        TargetStatus {
            pool: Arc::clone(&self.pool),
            discovered: s.discovered.clone(),
            labels: self.public.clone(),
            url: self.url.as_str().to_owned(),
            health: s.health,
            last_error: s.last.error.clone(),
            last_warning: s.last.warning.clone(),
            remarks: s.last.remarks.clone(),
            last_scrape_ms: s.last.at_ms,
            last_duration: s.last.seconds,
            samples: s.last.samples,
            series_added: s.last.series_added,
            body_bytes: s.last.body_bytes,
            interval_ms: self.interval_ms,
            timeout_ms: self.timeout_ms,
            history: (0..s.scrapes).rev().map(|i| s.history >> i & 1 == 1).collect(),
            since_ms: s.since_ms,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_those_of_prometheus_offsets() {
        let labels = Labels::from_pairs([
            ("__address__", "10.0.0.1:9091"),
            ("__scheme__", "http"),
            ("__metrics_path__", "/metrics"),
            ("__scrape_interval__", "15s"),
            ("__scrape_timeout__", "10s"),
        ]);
        let t = Target::new(&PoolConfig::new("j"), &labels, Labels::empty());
        assert_eq!((t.interval_ms, t.timeout_ms), (15_000, 10_000));
        for seed in [0, 1, u64::MAX] {
            let offset = t.offset_ms(seed);
            assert_eq!(offset, ((t.hash ^ seed) % 15_000_000_000 / 1_000_000) as i64);
            for from in [-20_000, 0, offset, offset + 1, 1_700_000_000_123] {
                let next = t.next_instant(from, seed);
                assert!((0..15_000).contains(&(next - from)), "{from} {next}");
                assert_eq!(next.rem_euclid(15_000), offset);
            }
        }
    }

    #[test]
    fn history_keeps_the_last_twenty_in_order() {
        let t = Target::new(&PoolConfig::new("j"), &Labels::empty(), Labels::empty());
        assert_eq!(t.status().health, Health::Unknown);
        for i in 0..30 {
            let error = if i % 3 == 0 { "x" } else { "" };
            t.report(LastScrape { at_ms: i, error: error.into(), ..LastScrape::default() });
        }
        let s = t.status();
        assert_eq!(s.history, (10..30).map(|i| i % 3 != 0).collect::<Vec<_>>());
        assert_eq!((s.health, s.since_ms, s.last_scrape_ms), (Health::Up, 28, 29));
    }
}
