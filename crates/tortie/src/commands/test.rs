//! `tortie test`: runs test scripts.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use tortie_host::{Fs, RealFs};

#[derive(Debug, Args)]
pub(crate) struct Test {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Runs Prometheus' `.test` scripts of the query language; the last line counts evaluations
    Promql {
        /// Scripts
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print only the last line
        #[arg(short, long)]
        quiet: bool,
    },
}

impl Test {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let What::Promql { files, quiet } = self.what;
        let (mut passed, mut failed) = (0, 0);
        for path in &files {
            let name = path.display().to_string();
            let text = match RealFs.read(path).map(String::from_utf8) {
                Ok(Ok(t)) => t,
                Ok(Err(_)) => {
                    eprintln!("{name}: not UTF-8");
                    return ExitCode::from(super::EXIT_USAGE);
                }
                Err(e) => {
                    eprintln!("{name}: {e}");
                    return ExitCode::from(super::EXIT_USAGE);
                }
            };
            let summary = tortie_script::run(&text, &name, &mut |f| {
                if !quiet {
                    println!("{f}");
                }
            });
            passed += summary.passed;
            failed += summary.failed;
        }
        println!("{passed} passed, {failed} failed");
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
