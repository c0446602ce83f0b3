//! promtool's unit tests of rules: series in, rules evaluated, alerts and answers compared.
//!
//! Reading order: [`run`] (a file), `test` (one test), `store` (where its series stand), `texts` (how alerts and samples
//! are shown), `diff` (two lists of alerts side by side), `dump` (all that stands there).

mod diff;
mod dump;
pub mod junit;
pub mod store;
mod test;
mod texts;

use std::path::Path;
use tortie_config::rules::unit::{UnitFile, UnitTest};
use tortie_config::rules::{Checks, RuleFile};
use tortie_host::{Clock, Fs, SystemClock};
use tortie_model::names::NameScheme;
use tortie_model::regex::Regex;
use tortie_rules::{GroupSpec, from_config, templates};

/// What the command line decides.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which experimental parts of the language are on.
    pub language: tortie_promql::Options,
    /// Metric names go at the end of a query.
    pub delayed_name_removal: bool,
    /// Whether keys of rule files that mean nothing are passed over.
    pub ignore_unknown_fields: bool,
    /// Whether alerts that are not as they should be are shown as a difference.
    pub diff: bool,
    /// Whether [`Outcome::debug`] is filled.
    pub debug: bool,
    /// Only tests whose name one of these matches; all when there is none.
    pub run: Vec<Regex>,
}

/// How a file of tests went.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Names of the tests that were run; those without one are `unnamed#N`.
    pub tests: Vec<String>,
    /// What is not as it should be, in order, with the name of the test; empty for what concerns the file.
    pub errors: Vec<(String, String)>,
    /// What is odd and no error.
    pub warnings: Vec<String>,
    /// What `--debug` shows: when tests begin and end, all samples at their end.
    pub debug: Vec<String>,
}

impl Outcome {
    /// Whether all is as it should be.
    pub fn passed(&self) -> bool {
        self.errors.is_empty()
    }

    fn broken(error: String) -> Outcome {
        Outcome { errors: vec![(String::new(), error)], ..Outcome::default() }
    }
}

/// Runs all tests of a file.
pub fn run(path: &str, fs: &dyn Fs, options: &Options) -> Outcome {
    let file = match text_of(path, fs).and_then(|t| UnitFile::load(&t, path).map_err(|d| d.to_string())) {
        Ok(f) => f,
        Err(e) => return Outcome::broken(e),
    };
    let clock = SystemClock::new();
    let mut outcome = Outcome::default();
    let rule_files = rule_files(&file, path, fs, &mut outcome.warnings);
    for (i, name) in file.group_eval_order.iter().enumerate() {
        if file.group_eval_order.iter().take(i).any(|n| n == name) {
            return Outcome::broken(format!("group name repeated in evaluation order: {name}"));
        }
    }
    for (i, test) in file.tests.iter().enumerate() {
        if !options.run.is_empty() && !options.run.iter().any(|r| r.is_match(&test.name)) {
            continue;
        }
        let name = if test.name.is_empty() { format!("unnamed#{i}") } else { test.name.clone() };
        let began = clock.monotonic_ns();
        if options.debug {
            outcome.debug.push(format!("DEBUG: Starting test {name}"));
        }
        let errors = match groups(&rule_files, &file, test, fs, options) {
            Ok(groups) => test::run(&file, test, groups, options, &mut outcome.debug),
            Err(errors) => errors,
        };
        if options.debug {
            let took = dump::took(clock.monotonic_ns().saturating_sub(began));
            outcome.debug.push(format!("DEBUG: Test {name} finished, took {took}"));
        }
        outcome.errors.extend(errors.into_iter().map(|e| (name.clone(), e)));
        outcome.tests.push(name);
    }
    outcome
}

fn text_of(path: &str, fs: &dyn Fs) -> Result<String, String> {
    let bytes = fs.read(Path::new(path)).map_err(|e| format!("{path}: {e}"))?;
    String::from_utf8(bytes)
        .map_err(|e| format!("{path}: not UTF-8 at byte {}", e.utf8_error().valid_up_to()))
}

/// Existing files that the patterns name; relative ones count from the folder of the tests.
fn rule_files(file: &UnitFile, path: &str, fs: &dyn Fs, warnings: &mut Vec<String>) -> Vec<String> {
    let mut all = Vec::new();
    for pattern in &file.rule_files {
        let folder = Path::new(path).parent().map(|d| d.display().to_string()).unwrap_or_default();
        let whole = match folder.as_str() {
            _ if pattern.starts_with('/') => pattern.clone(),
            "" => pattern.clone(),
            folder => format!("{}/{pattern}", folder.trim_end_matches('/')),
        };
        let found = tortie_host::glob::expand(fs, &whole);
        if found.is_empty() {
            warnings.push(format!("no file match pattern {whole}"));
        }
        all.extend(found);
    }
    all
}

/// The groups of the rule files, in the order of evaluation.
fn groups(
    paths: &[String],
    file: &UnitFile,
    test: &UnitTest,
    fs: &dyn Fs,
    options: &Options,
) -> Result<Vec<GroupSpec>, Vec<String>> {
    let checks = Checks {
        scheme: NameScheme::Utf8,
        ignore_unknown: options.ignore_unknown_fields,
        expr: &|expr| from_config::check_expr(expr, &options.language),
        template: &templates::check,
    };
    let interval = interval_of(file, test);
    let mut groups: Vec<GroupSpec> = Vec::new();
    for path in paths {
        let read = text_of(path, fs)
            .and_then(|t| RuleFile::load(&t, path, &checks).map_err(|d| d.to_string()))
            .and_then(|f| from_config::groups(&f, path, interval, &options.language))
            .map_err(|e| vec![e])?;
        for group in read {
            // A file that two patterns name counts once.
            groups.retain(|g| (&g.file, &g.name) != (&group.file, &group.name));
            groups.push(group);
        }
    }
    let place = |name: &str| file.group_eval_order.iter().position(|n| n == name).unwrap_or(0);
    groups.sort_by_key(|g| place(&g.name));
    Ok(groups)
}

/// Time between samples of the input, which is also the interval of groups that name none; milliseconds.
fn interval_of(file: &UnitFile, test: &UnitTest) -> i64 {
    if test.interval_ms > 0 { test.interval_ms } else { evaluation_interval_of(file) }
}

fn evaluation_interval_of(file: &UnitFile) -> i64 {
    if file.evaluation_interval_ms > 0 { file.evaluation_interval_ms } else { 60_000 }
}
