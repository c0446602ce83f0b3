//! The `tortie` command line: parses arguments and wires the crates together.

mod cli;
mod commands;
mod logging;
mod server;
mod signals;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use std::process::ExitCode;

/// One allocator for the whole program; see docs/decisions for what was measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let args = match commands::run::without_refused(args) {
        Ok(a) => a,
        Err(code) => return code,
    };
    match Cli::parse_from(args).command {
        Command::Demo(c) => c.execute(),
        Command::Run(c) => c.execute(),
        Command::Sim(c) => c.execute(),
        Command::Test(c) => c.execute(),
        Command::Check(c) => c.execute(),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "tortie", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
    }
}
