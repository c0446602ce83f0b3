//! The doctor: pure judgement of a [`crate::snapshot::Snapshot`], and the search for root causes.

pub(crate) mod answers;
pub mod bisect;
pub(crate) mod blind;
pub mod check;
pub mod checks;
pub(crate) mod dropping;
pub mod engine;
pub mod entity;
pub mod finding;
pub mod fix;
pub mod last_error;
pub mod mend;
pub(crate) mod mend_link;
pub mod nearest;
pub(crate) mod panel_causes;
pub(crate) mod questions;
pub(crate) mod rewrite;
pub mod verdict;
pub(crate) mod wording;

#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod unread_tests;
