//! Scrape pools, loops, connections and target status.

pub mod status;
