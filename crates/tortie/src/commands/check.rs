//! `tortie check`: looks at files without starting anything.

use crate::server::reload::{Source, read};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use tortie_host::RealFs;

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Reads a prometheus.yml as `tortie run` would
    Config {
        /// The file
        #[arg(default_value = "prometheus.yml")]
        file: PathBuf,
    },
}

impl Check {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let What::Config { file } = self.what;
        match read(&Source::File(file.clone()), &RealFs) {
            Ok(c) => {
                println!("{}: fine, {} scrape jobs", file.display(), c.scrape_configs.len());
                ExitCode::SUCCESS
            }
            Err(e) => {
                eprintln!("{e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }
}
