//! The demo's past: scraped from the simulation through the real path, faster than time goes.

use super::config::INTERVAL_MS;
use super::screen;
use crate::server::{Server, round};
use std::sync::Arc;
use tortie_host::Clock;
use tortie_sim::Fleet;

/// Simulated time between two background rounds of the database.
const ROUND_MS: i64 = 600_000;

/// What was made.
pub(super) struct Made {
    pub(super) scrapes: u64,
    pub(super) samples: u64,
    pub(super) seconds: f64,
    pub(super) history_ms: i64,
}

/// Scrapes `history_ms` of the past up to now.
pub(super) async fn make(
    server: &Server,
    fleet: &Fleet,
    clock: &Arc<dyn Clock>,
    history_ms: i64,
) -> Result<Made, String> {
    let scrape = server.running.scrape.get().ok_or("the scrape manager is not there")?;
    let started = clock.monotonic_ns();
    let from = clock.now_ms() - history_ms;
    // A kept directory already holds a part: go on behind it.
    let from = from.max(server.db().head().max_time().saturating_add(1));
    let progress = screen::Progress::start(history_ms);
    let mut next_round = from + ROUND_MS;
    let mut scrapes = 0;
    let mut at = from;
    // Making the past takes time, in which a little more past arises.
    loop {
        let until = clock.now_ms();
        if until - at < INTERVAL_MS / 2 {
            break;
        }
        scrapes += scrape
            .run_warped(at, until, |t| {
                fleet.set_time(t);
                progress.at(t - from);
                if t >= next_round {
                    round(server.db());
                    next_round = t + ROUND_MS;
                }
                true
            })
            .await;
        at = until;
    }
    progress.end();
    Ok(Made {
        scrapes,
        samples: server.db().stats().head.samples_appended,
        seconds: (clock.monotonic_ns() - started) as f64 / 1e9,
        history_ms,
    })
}
