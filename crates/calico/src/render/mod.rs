//! The doctor's report as text: for people, for pasting, and for machines. The exit code never depends on the form.

mod human;
pub mod ink;
pub mod json;
mod junit;
mod prometheus;
mod sarif;
mod short;
pub mod table;
mod why;
pub mod wrap;
pub(crate) mod yaml;

pub use why::why;
pub use yaml::yaml_of;

use crate::doctor::engine::Report;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use ink::Ink;

/// Forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The screen.
    Human,
    /// One line a finding.
    Short,
    /// The whole report, schema `tortie.doctor/v1`.
    Json,
    /// The same as YAML.
    Yaml,
    /// JUnit's XML: one case a check and entity.
    Junit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Metrics in Prometheus' text format.
    Prometheus,
}

impl Format {
    /// All names, as `-o` takes them.
    pub const NAMES: [&'static str; 7] = ["human", "short", "json", "yaml", "junit", "sarif", "prometheus"];

    /// By name.
    pub fn parse(name: &str) -> Option<Format> {
        use Format::{Human, Json, Junit, Prometheus, Sarif, Short, Yaml};
        let at = Format::NAMES.iter().position(|n| *n == name)?;
        [Human, Short, Json, Yaml, Junit, Sarif, Prometheus].get(at).copied()
    }
}

/// What the forms need beside the report.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Version of the program.
    pub tool: String,
    /// Milliseconds that looking and judging took.
    pub took_ms: u64,
    /// Level from which a finding makes exit 1.
    pub fail_on: Level,
    /// Shows every check.
    pub verbose: bool,
    /// Colour, marks and width.
    pub ink: Ink,
}

/// Writes the report.
pub fn render(format: Format, facts: &Facts<'_>, report: &Report, frame: &Frame) -> String {
    match format {
        Format::Human => human::render(facts, report, frame),
        Format::Short => short::render(report),
        Format::Json => {
            let mut text =
                serde_json::to_string_pretty(&json::report(facts, report, frame)).unwrap_or_default();
            text.push('\n');
            text
        }
        Format::Yaml => yaml_of(&json::report(facts, report, frame)),
        Format::Junit => junit::render(facts, report, frame),
        Format::Sarif => sarif::render(report, frame),
        Format::Prometheus => prometheus::render(report),
    }
}
