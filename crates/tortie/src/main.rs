//! The `tortie` command line: parses arguments and wires the crates together.

mod cli;
mod commands;
mod logging;
mod server;
mod signals;

use clap::{CommandFactory, FromArgMatches};
use cli::{Cli, Command};
use std::process::ExitCode;

/// One allocator for the whole program; see docs/decisions for what was measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a program whose reader has gone, as a shell shows it: 128 and the number of SIGPIPE.
const READER_GONE: i32 = 141;

#[allow(clippy::print_stdout)] // the script is what was asked for
fn main() -> ExitCode {
    end_with_the_reader();
    let args: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let args = match commands::run::without_refused(args) {
        Ok(a) => a,
        Err(code) => return code,
    };
    // Less memory for all of them, and no more CPU: docs/decisions/0015-small-pages.md.
    tortie_host::limits::small_pages();
    match parsed(args).command {
        Command::Demo(c) => c.execute(),
        Command::Run(c) => c.execute(),
        Command::Doctor(c) => c.execute(),
        Command::Why(c) => c.execute(),
        Command::Explain(c) => c.execute(),
        Command::Fix(c) => c.execute(),
        Command::Collect(c) => c.execute(),
        Command::Targets(c) => c.execute(),
        Command::Query(c) => c.execute(),
        Command::Scrape(c) => c.execute(),
        Command::Relabel(c) => c.execute(),
        Command::Rules(c) => c.execute(),
        Command::Alerts(c) => c.execute(),
        Command::Setup(c) => c.execute(),
        Command::Rbac(c) => c.execute(),
        Command::Deploy(c) => c.execute(),
        Command::Man(c) => c.execute(),
        Command::Version(c) => c.execute(),
        Command::Sim(c) => c.execute(),
        Command::Test(c) => c.execute(),
        Command::Check(c) => c.execute(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tortie", &mut script);
            print!("{}", String::from_utf8_lossy(&script));
            ExitCode::SUCCESS
        }
    }
}

/// Ends without a word when whoever read standard output has gone (`tortie doctor | head`). Rust ignores SIGPIPE, and printing
/// panics then.
fn end_with_the_reader() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload_as_str().unwrap_or_default();
        if text.starts_with("failed printing to stdout") && text.contains("Broken pipe") {
            std::process::exit(READER_GONE);
        }
        before(panic);
    }));
}

/// Reads the arguments. Called `kubectl-tortie`, as kubectl finds its plugins, the help says `kubectl tortie`.
fn parsed(args: Vec<std::ffi::OsString>) -> Cli {
    let name = args.first().map(std::path::Path::new).and_then(|p| p.file_stem());
    let plugin = name.is_some_and(|n| n == "kubectl-tortie");
    let command = if plugin { Cli::command().bin_name("kubectl tortie") } else { Cli::command() };
    Cli::from_arg_matches(&command.get_matches_from(args)).unwrap_or_else(|e| e.exit())
}
