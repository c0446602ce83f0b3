//! `tortie test`: runs test scripts and unit tests of rules.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use tortie_host::{Clock, Fs, RealFs, SystemClock};
use tortie_model::regex::Regex;
use tortie_script::unit;

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
    /// Runs unit tests of rules in promtool's format, with its verdicts and exit codes
    Rules(Box<RuleTests>),
}

#[derive(Debug, Args)]
struct RuleTests {
    /// Files of tests
    #[arg(required = true)]
    files: Vec<String>,
    /// Only tests whose name matches; may be given several times
    #[arg(long, value_name = "REGEX")]
    run: Vec<String>,
    /// Show how alerts differ from what was expected, in colours
    #[arg(long)]
    diff: bool,
    /// Say when a test begins and ends, and show all samples at its end
    #[arg(long)]
    debug: bool,
    /// Pass over keys of rule files that mean nothing
    #[arg(long)]
    ignore_unknown_fields: bool,
    /// Write the results to this file too, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Features to turn on, separated by commas: those of the query language
    #[arg(long = "enable-feature", value_delimiter = ',', value_name = "NAME")]
    features: Vec<String>,
}

impl Test {
    pub(crate) fn execute(self) -> ExitCode {
        match self.what {
            What::Promql { files, quiet } => promql(&files, quiet),
            What::Rules(tests) => tests.execute(),
        }
    }
}

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn promql(files: &[PathBuf], quiet: bool) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    for path in files {
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

/// The query language with features turned on, and whether metric names go at the end of a query.
///
/// # Errors
/// When a feature is none of the language.
pub(crate) fn language(features: &[String]) -> Result<(tortie_promql::Options, bool), String> {
    let mut language = tortie_promql::Options::default();
    let mut delayed = false;
    for name in features.iter().filter(|n| !n.is_empty()) {
        match name.as_str() {
            "promql-experimental-functions" => language.experimental_functions = true,
            "promql-binop-fill-modifiers" => language.binop_fill_modifiers = true,
            "promql-unquoted-utf8-names" => language.unquoted_utf8_names = true,
            "promql-delayed-name-removal" => delayed = true,
            other => return Err(format!("--enable-feature={other}: not a feature of the query language")),
        }
    }
    Ok((language, delayed))
}

impl RuleTests {
    fn options(&self) -> Result<unit::Options, String> {
        let mut options = unit::Options {
            ignore_unknown_fields: self.ignore_unknown_fields,
            diff: self.diff,
            debug: self.debug,
            ..Default::default()
        };
        for pattern in &self.run {
            // promtool looks for the pattern anywhere in the name.
            let pattern = format!("(?s:.*)(?:{pattern})(?s:.*)");
            options.run.push(Regex::anchored(&pattern).map_err(|e| format!("--run={pattern}: {e}"))?);
        }
        (options.language, options.delayed_name_removal) = language(&self.features)?;
        Ok(options)
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn execute(&self) -> ExitCode {
        let options = match self.options() {
            Ok(o) => o,
            Err(e) => {
                eprintln!("{e}");
                return ExitCode::from(super::EXIT_USAGE);
            }
        };
        let mut failed = false;
        let mut outcomes = Vec::new();
        for file in &self.files {
            println!("Processing test file: {file}");
            let outcome = unit::run(file, &RealFs, &options);
            for w in &outcome.warnings {
                eprintln!("  WARNING: {w}");
            }
            for line in &outcome.debug {
                eprintln!("{line}");
            }
            if outcome.passed() {
                println!("  SUCCESS");
            } else {
                failed = true;
                eprintln!("  FAILED:");
                for (_, e) in &outcome.errors {
                    eprintln!("{e}");
                    println!();
                }
            }
            println!();
            outcomes.push((file.clone(), outcome));
        }
        if let Some(path) = &self.junit {
            let now = tortie_model::timestamp::format_rfc3339(SystemClock::new().now_ms());
            let document = unit::junit::document(&outcomes, now.get(..19).unwrap_or(&now));
            if let Err(e) = RealFs.write_atomic(path, document.as_bytes()) {
                eprintln!("{}: {e}", path.display());
                return ExitCode::FAILURE;
            }
        }
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
