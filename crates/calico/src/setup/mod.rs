//! `tortie setup`: brings a cluster's chain up, one written step at a time, and takes it back.
//!
//! [`plan()`] is pure: facts in, steps out. Each step is made on a copy of the snapshot before the next is thought of, so
//! that ports and labels of later steps are those that the cluster will have then ([`future`]). [`apply`] makes the steps
//! with a journal, [`undo`] takes them back, [`standing`] tells what became of them. Reading order: [`step`], [`build`],
//! [`apply`], [`undo`].

mod admission;
mod alone;
pub mod apply;
mod boards;
mod build;
mod chain;
pub mod effect;
pub mod export;
mod export_helm;
mod future;
mod hand;
mod history;
pub mod journal;
mod managers;
mod mending;
pub mod options;
mod own;
mod patch;
mod pointer;
mod ports;
pub mod rights;
pub mod saved;
pub mod screen;
pub mod standing;
pub mod step;
mod switches;
pub mod trial;
pub mod undo;
mod unread;

pub use build::{arriving, plan};
pub use options::{FelixThrough, Options, PlanError};
pub use step::{Change, Checked, Plan, Step, Target, Write};
pub use unread::unread;

/// The name under which fields are written.
pub const MANAGER: &str = "tortie-setup";
/// Name of the ConfigMap that holds the journal.
pub const JOURNAL: &str = "tortie-setup-journal";

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // tests make files
mod apply_tests;
#[cfg(test)]
mod plan_found_tests;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
#[allow(clippy::disallowed_methods)] // tests make files
mod rights_tests;
