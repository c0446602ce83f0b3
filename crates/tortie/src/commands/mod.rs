//! One file a command.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod run;
pub(crate) mod sim;
pub(crate) mod test;

/// A usage error or a configuration that does not load.
pub(crate) const EXIT_USAGE: u8 = 2;
