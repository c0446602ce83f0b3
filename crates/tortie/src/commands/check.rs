//! `tortie check`: looks at files without starting anything.

use crate::server::reload::{Source, read};
use crate::server::rules;
use clap::{Args, Subcommand};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tortie_client::Transport;
use tortie_config::http_client::Auth;
use tortie_config::http_client::Source::File;
use tortie_config::{Config, ScrapeConfig};
use tortie_host::{Fs, RealFs, SystemClock};
use tortie_web::secure::Secure;

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Reads a prometheus.yml and its rule files as `tortie run` would
    Config {
        /// The file
        #[arg(default_value = "prometheus.yml")]
        file: PathBuf,
        /// Features to turn on, separated by commas: those of the query language
        #[arg(long = "enable-feature", value_delimiter = ',', value_name = "NAME")]
        features: Vec<String>,
    },
    /// Reads the file of --web.config.file, and the certificates that it names
    WebConfig {
        /// The file
        file: PathBuf,
    },
}

impl Check {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let looked = match self.what {
            What::Config { file, features } => read(&Source::File(file.clone()), &RealFs).and_then(|c| {
                c.scrape_configs.iter().try_for_each(files_of_client)?;
                let rules = rule_files(&c, &features)?;
                Ok(format!("{}: fine, {} scrape jobs{rules}", file.display(), c.scrape_configs.len()))
            }),
            What::WebConfig { file } => {
                let opened = Secure::open(file.clone(), Arc::new(RealFs), Arc::new(SystemClock::new()));
                opened.map(|_| format!("{}: fine", file.display()))
            }
        };
        match looked {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(e) => {
                eprintln!("{e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }
}

/// How many rules there are, for people. Unlike at the start of a server, a file that is named must be there.
fn rule_files(config: &Config, features: &[String]) -> Result<String, String> {
    let (language, _) = super::test::language(features)?;
    let is_pattern = |name: &str| name.contains(['*', '?', '[']);
    for name in config.rule_files.iter().filter(|n| !is_pattern(n)) {
        if RealFs.kind(Path::new(name)).is_none() {
            return Err(format!("rule_files: {name:?} does not point to an existing file"));
        }
    }
    let groups = rules::groups(config, &RealFs, &language)?;
    let files: BTreeSet<&str> = groups.iter().map(|g| g.file.as_str()).collect();
    let rules: usize = groups.iter().map(|g| g.rules.len()).sum();
    let s = if files.len() == 1 { "" } else { "s" };
    Ok(match config.rule_files.is_empty() {
        true => String::new(),
        false => format!(", {rules} rules in {} rule file{s}", files.len()),
    })
}

/// Whether certificates, keys and the file of the credentials of a job are there and can be used.
fn files_of_client(job: &ScrapeConfig) -> Result<(), String> {
    let named = |e: String| format!("job {:?}: {e}", job.job_name);
    Transport::new(&job.http, Arc::new(RealFs), Arc::new(SystemClock::new())).map_err(named)?;
    if let Some(Auth::Scheme { credentials: File(path), .. }) = &job.http.auth {
        RealFs.open(Path::new(path)).map_err(|e| {
            let why = tortie_client::open_text(path, &e);
            named(format!("error checking authorization credentials or bearer token file {path:?}: {why}"))
        })?;
    }
    Ok(())
}
