//! `tortie rules check`: rule files, with the verdicts and exit codes of `promtool check rules`.

use clap::Args;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use tortie_config::rules::{Checks, RuleFile};
use tortie_host::{Fs, RealFs};
use tortie_model::names::NameScheme;
use tortie_rules::{from_config, lint, templates};

/// Exit code of lints with `--lint-fatal`.
const EXIT_LINT: u8 = 3;

/// Checks rule files and PrometheusRule objects; without a file, standard input
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie rules check rules/*.yml\n  tortie rules check --lint=can-never-fire,slow --lint-fatal rules.yml\n\n\
Lints: duplicate-rules, alerts-always, blind-to-absence, can-never-fire, native-histograms, slow; all, none\n\n\
Exit: 0 all are rule files, 1 one is not, 2 usage, 3 with --lint-fatal: a lint found something"
)]
pub(crate) struct Check {
    /// Rule files, or files with a PrometheusRule object each
    files: Vec<String>,
    /// Which lints to apply, separated by commas
    #[arg(long, value_name = "LINTS", default_value = "all")]
    lint: String,
    /// Exit with 3 when a lint finds something
    #[arg(long)]
    lint_fatal: bool,
    /// Pass over keys that mean nothing
    #[arg(long)]
    ignore_unknown_fields: bool,
    /// Features to turn on, separated by commas: those of the query language
    #[arg(long = "enable-feature", value_delimiter = ',', value_name = "NAME")]
    features: Vec<String>,
}

/// What was found in all files.
#[derive(Default)]
struct Verdict {
    broken: bool,
    lint: bool,
}

impl Check {
    fn lints(&self) -> impl Iterator<Item = &str> {
        self.lint.split(',')
    }

    fn applies(&self, lint: &str) -> bool {
        self.lints().any(|n| n == "all" || n == lint)
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let language = match super::super::test::language(&self.features) {
            Ok((language, _)) => language,
            Err(e) => {
                eprintln!("{e}");
                return ExitCode::from(super::super::EXIT_USAGE);
            }
        };
        for name in self.lints().filter(|n| !["all", "none", ""].contains(n) && !lint::NAMES.contains(n)) {
            println!("WARNING: unknown lint option: {name:?}");
        }
        let mut verdict = Verdict::default();
        if self.files.is_empty() {
            let mut bytes = Vec::new();
            let read = std::io::stdin().read_to_end(&mut bytes).map(|_| bytes);
            self.one("standard input", read, &language, &mut verdict);
        }
        for file in &self.files {
            self.one(file, RealFs.read(Path::new(file)), &language, &mut verdict);
        }
        match verdict {
            Verdict { broken: true, .. } => ExitCode::FAILURE,
            Verdict { lint: true, .. } if self.lint_fatal => ExitCode::from(EXIT_LINT),
            _ => ExitCode::SUCCESS,
        }
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn one(
        &self,
        name: &str,
        bytes: std::io::Result<Vec<u8>>,
        language: &tortie_promql::Options,
        verdict: &mut Verdict,
    ) {
        println!("Checking {name}");
        let (file, text) = match self.read(name, bytes, language) {
            Ok(read) => read,
            Err(e) => {
                eprintln!("  FAILED:\n{e}\n");
                verdict.broken = true;
                return;
            }
        };
        if file.more_documents {
            eprintln!("  WARNING: only the first document of the file is read");
        }
        let remarks = lint::remarks(&file, &text, language, &tortie_calico::catalogue::unknown);
        for r in remarks.iter().filter(|r| self.applies(r.lint)) {
            eprintln!("  WARNING: {name}:{}:{}: {} [{}]", r.at.line, r.at.column, r.text, r.lint);
            verdict.lint = true;
        }
        let duplicates = if self.applies("duplicate-rules") { lint::duplicates(&file) } else { Vec::new() };
        if duplicates.is_empty() {
            println!("  SUCCESS: {} rules found\n", file.rules());
            return;
        }
        verdict.lint = true;
        eprintln!("  FAILED:\nlint error {} duplicate rule(s) found.", duplicates.len());
        for (metric, labels) in &duplicates {
            eprintln!("Metric: {metric}\nLabel(s):");
            for (n, v) in labels {
                eprintln!("\t{n}: {v}");
            }
        }
        eprintln!("Might cause inconsistency while recording expressions\n");
    }

    fn read(
        &self,
        name: &str,
        bytes: std::io::Result<Vec<u8>>,
        language: &tortie_promql::Options,
    ) -> Result<(RuleFile, String), String> {
        let bytes = bytes.map_err(|e| format!("{name}: {e}"))?;
        let text = String::from_utf8(bytes)
            .map_err(|e| format!("{name}: not UTF-8 at byte {}", e.utf8_error().valid_up_to()))?;
        let checks = Checks {
            scheme: NameScheme::Utf8,
            ignore_unknown: self.ignore_unknown_fields,
            expr: &|expr| from_config::check_expr(expr, language),
            template: &templates::check,
        };
        let file = RuleFile::load_or_object(&text, name, &checks).map_err(|d| d.to_string())?;
        Ok((file, text))
    }
}
