//! Merging blocks into longer ones: what is due ([`plan`]), and how series and chunks come together ([`MergeSource`]).

mod chunks;
mod merge;
mod plan;

pub use merge::MergeSource;
pub use plan::{plan, ranges};
