//! `tortie setup`: brings the chain up, shows what became of it, takes it back.

mod consent;
mod make;
mod proof;
mod session;
mod status;
mod undo;

use clap::{Args, Subcommand};
use std::process::ExitCode;

/// A wrong flag or a missing decision.
const USAGE: u8 = super::EXIT_USAGE;
/// It could not be finished: no API, a refusal, not verified.
const UNFINISHED: u8 = 3;

/// Brings the whole chain up: a plan first, then step by step, with a journal to undo it
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  tortie setup --dry-run\n  tortie setup -y --context prod\n  tortie setup --export kustomize --out deploy/\n  \
                  tortie setup undo\n\nExit: 0 done or nothing to do, 1 changes exist or something is left to others, 2 usage, \
                  3 refused, unreachable or not verified"
)]
pub(crate) struct Setup {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    make: make::Make,
}

#[derive(Debug, Subcommand)]
enum Action {
    Undo(Box<undo::Undo>),
    Status(Box<status::Status>),
}

/// Why a command ends early: exit code and words.
type Ended = (u8, String);

impl Setup {
    #[allow(clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let (name, ended) = match self.action {
            None => ("setup", self.make.run()),
            Some(Action::Undo(c)) => ("setup undo", c.run()),
            Some(Action::Status(c)) => ("setup status", c.run()),
        };
        match ended {
            Ok(code) => ExitCode::from(code),
            Err((code, text)) => {
                eprintln!("tortie {name}: {text}");
                ExitCode::from(code)
            }
        }
    }
}
