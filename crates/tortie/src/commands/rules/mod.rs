//! `tortie rules`: rule files checked, rules of a server listed.

mod check;
mod list;

use clap::{Args, Subcommand};
use std::process::ExitCode;

/// Checks rule files and lists the rules of a server
#[derive(Debug, Args)]
pub(crate) struct Rules {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Check(check::Check),
    List(list::List),
}

impl Rules {
    pub(crate) fn execute(self) -> ExitCode {
        match self.what {
            What::Check(c) => c.execute(),
            What::List(l) => l.execute(),
        }
    }
}
