//! Warped scrapes: a past made through the real path, faster than time goes.

use crate::manager::ScrapeManager;
use crate::scrape_loop::Entry;
use crate::shared::Shared;
use std::sync::Arc;

/// Most scrapes of one instant that run at the same time.
const AT_ONCE: usize = 64;

impl ScrapeManager {
    /// Scrapes every target at each instant of its grid in `from_ms..to_ms`, in the order of time, with that instant as
    /// timestamp. Before the scrapes of an instant `step` is called with it, so that a simulated fleet can set its
    /// clock. Scrapes are real requests; live loops go on with the same grid afterwards.
    ///
    /// Must not be called while the loops run. When `step` returns `false` the warp ends. Returns the number of scrapes.
    pub async fn run_warped<F: FnMut(i64) -> bool>(&self, from_ms: i64, to_ms: i64, mut step: F) -> u64 {
        let shared = self.shared();
        let seed = shared.options.offset_seed;
        let entries: Vec<Arc<Entry>> = self.pools_by_name().iter().flat_map(|p| p.entries()).collect();
        let mut due: Vec<(i64, usize)> =
            entries.iter().enumerate().map(|(i, e)| (e.target.next_instant(from_ms, seed), i)).collect();
        let mut queue = std::collections::BinaryHeap::from_iter(due.drain(..).map(std::cmp::Reverse));
        let mut scrapes = 0;
        let mut together = Vec::new();
        while let Some(std::cmp::Reverse((at, first))) = queue.pop() {
            if at >= to_ms || !step(at) {
                break;
            }
            together.push(first);
            while let Some(&std::cmp::Reverse((same, i))) = queue.peek()
                && same == at
            {
                queue.pop();
                together.push(i);
            }
            scrapes += together.len() as u64;
            for some in together.chunks(AT_ONCE) {
                scrape_all(some.iter().filter_map(|&i| entries.get(i)), shared, at).await;
            }
            for i in together.drain(..) {
                let interval = entries.get(i).map_or(1, |e| e.target.interval_ms);
                queue.push(std::cmp::Reverse((at + interval, i)));
            }
        }
        scrapes
    }
}

async fn scrape_all(entries: impl Iterator<Item = &Arc<Entry>>, shared: &Arc<Shared>, at_ms: i64) {
    let all = entries.map(|e| e.scrape_at(shared, at_ms));
    futures_util::future::join_all(all).await;
}
