//! Scrape pools, loops, connections and target status.
//!
//! The way of a scrape: [`pool_config`] says what, [`target`] where; a loop fetches (`http`), reads (`ingest`, with what
//! `body` knows of the last one), commits to a [`sink::Sink`] and reports (`report`, [`status`]).

mod beat;
#[doc(hidden)]
pub mod bench;
mod body;
pub mod failure;
mod from_config;
mod http;
mod ingest;
mod manager;
mod metadata;
mod pool;
pub mod pool_config;
mod report;
mod scrape_loop;
mod scraper;
mod scratch;
mod shared;
pub mod sink;
pub mod stats;
pub mod status;
pub mod target;
mod warp;
mod words;

pub use from_config::Unsupported;
pub use http::BODY_SAFETY_LIMIT;
pub use manager::{ApplyError, PoolInput, ScrapeManager};
pub use metadata::TargetMetadata;
pub use pool_config::PoolConfig;
pub use shared::Options;
