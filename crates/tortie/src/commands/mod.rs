//! One file a command.

pub(crate) mod alerts;
mod asked;
pub(crate) mod check;
pub(crate) mod collect;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod fix;
mod look;
pub(crate) mod man;
pub(crate) mod query;
pub(crate) mod rbac;
pub(crate) mod relabel;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod scrape;
pub(crate) mod setup;
pub(crate) mod sim;
pub(crate) mod targets;
pub(crate) mod test;
pub(crate) mod version;
pub(crate) mod why;

/// A usage error or a configuration that does not load.
pub(crate) const EXIT_USAGE: u8 = 2;
