//! `prometheus.yml` to a [`Config`]: strict, all errors at once, defaults and checks as Prometheus has them.

mod alerting;
mod dns;
mod global;
mod http;
mod job;
mod kubernetes;
mod oauth2;
mod render;
mod render_alerting;
mod render_http;
mod render_kubernetes;
mod rules;
mod targets;
mod tls;

use crate::alerting::AlertingConfig;
use crate::diagnostics::{Diagnostics, Position};
use crate::read::{Errors, Section};
use crate::scrape::{NameEscaping, ScrapeConfig, ScrapeProtocol};
use crate::{bytes, paths, yaml};
use std::collections::HashMap;
use tortie_model::names::NameScheme;

/// A whole configuration, checked, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Section `global`.
    pub global: Global,
    /// Section `runtime`.
    pub runtime: Runtime,
    /// Section `storage`.
    pub storage: Storage,
    /// Section `alerting`.
    pub alerting: AlertingConfig,
    /// Patterns of rule files, seen from the folder of the configuration.
    pub rule_files: Vec<String>,
    /// Section `scrape_configs`, in the order of the file.
    pub scrape_configs: Vec<ScrapeConfig>,
}

/// Section `global`: what jobs take where they say nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Global {
    /// Time between scrapes, milliseconds.
    pub scrape_interval_ms: i64,
    /// Most time for one scrape, milliseconds.
    pub scrape_timeout_ms: i64,
    /// Formats to ask for, when the section names any.
    pub protocols: Option<Vec<ScrapeProtocol>>,
    /// Time between evaluations of rules, milliseconds.
    pub evaluation_interval_ms: i64,
    /// How far in the past rules are evaluated, milliseconds.
    pub rule_query_offset_ms: i64,
    /// Most bytes of a body, 0 for no limit.
    pub body_size_limit: u64,
    /// Most samples of a scrape, 0 for no limit.
    pub sample_limit: u64,
    /// Most targets of a job, 0 for no limit.
    pub target_limit: u64,
    /// Most labels of a sample, 0 for no limit.
    pub label_limit: u64,
    /// Longest label name, 0 for no limit.
    pub label_name_length_limit: u64,
    /// Longest label value, 0 for no limit.
    pub label_value_length_limit: u64,
    /// Most dropped targets to remember, 0 for no limit.
    pub keep_dropped_targets: u64,
    /// Which names are valid.
    pub name_scheme: NameScheme,
    /// How targets are asked to escape names, when the section says so.
    pub name_escaping: Option<NameEscaping>,
    /// Whether the additional scrape metrics are stored.
    pub extra_scrape_metrics: bool,
    /// Labels of this server for whoever reads from it, ascending by name.
    pub external_labels: Vec<(String, String)>,
}

/// Section `runtime`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// `debug`, `info`, `warn` or `error`, when the section says so.
    pub log_level: Option<String>,
    /// Shown in the effective configuration; there is no Go garbage collector here.
    pub gogc: i64,
}

/// Section `storage`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Storage {
    /// How long samples are kept, milliseconds, when the section says so.
    pub retention_time_ms: Option<i64>,
    /// Most bytes of all blocks, when the section says so.
    pub retention_size: Option<u64>,
}

impl Config {
    /// Reads the text of a configuration. `file` is its name for errors and the start of relative paths.
    ///
    /// # Errors
    /// All that is wrong or not supported, with places.
    pub fn load(text: &str, file: &str) -> Result<Config, Diagnostics> {
        let mut errors = Errors::default();
        let config = match yaml::parse(text) {
            Ok(root) => Some(read(&root, paths::folder(file), &mut errors)),
            Err(d) => {
                errors.add(d);
                None
            }
        };
        match config {
            Some(config) if errors.items.is_empty() => Ok(config),
            _ => Err(Diagnostics::new(file, text, errors.items)),
        }
    }

    /// Replaces `$NAME` and `${NAME}` in external labels by variables of the environment, as Prometheus does; `$$` is a
    /// dollar sign, an unknown name gives nothing, and a label may so become empty. Returns the names that were not found.
    pub fn expand_external_labels(&mut self, environment: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let mut missing = Vec::new();
        for (_, value) in &mut self.global.external_labels {
            *value = expand(value, &environment, &mut missing);
        }
        missing
    }

    /// The effective configuration as YAML, as `/api/v1/status/config` shows it: defaults filled in, secrets masked.
    pub fn to_yaml(&self) -> String {
        render::config(self)
    }
}

fn expand(text: &str, environment: &impl Fn(&str) -> Option<String>, missing: &mut Vec<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('$') {
        out.push_str(plain);
        let braced = after.strip_prefix('{').and_then(|s| s.split_once('}'));
        let len = after.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        // Special names of shells have one character; `$$` is the one that matters.
        let len = if after.starts_with(['$', '*', '#', '@', '!', '?', '-'])
            || after.starts_with(|c: char| c.is_ascii_digit())
        {
            1
        } else {
            len
        };
        let (name, tail) = braced.unwrap_or_else(|| after.split_at(len));
        rest = tail;
        match name {
            "$" => out.push('$'),
            "" if braced.is_none() => out.push('$'),
            "" => {}
            name => match environment(name).filter(|v| !v.is_empty()) {
                Some(value) => out.push_str(&value),
                None => missing.push(name.to_owned()),
            },
        }
    }
    out.push_str(rest);
    out
}

fn read(root: &yaml::Node, dir: &str, errors: &mut Errors) -> Config {
    let mut file = Section::open(root, "", errors);
    let global = global::read(file.take("global").map(|n| &**n), errors);
    let runtime = runtime(&mut file, errors);
    let storage = storage(&mut file, errors);
    if let Some(node) = file.take("otlp") {
        // All its keys are refused unless they say what is so anyway; opening it looks at them.
        Section::open(node, "otlp", errors);
    }
    let alerting = alerting::read(file.take("alerting").map(|n| &**n), global.name_scheme, dir, errors);
    let rule_files = rule_files(&mut file, dir, errors);
    let mut scrape_configs = Vec::new();
    let mut names: HashMap<String, Position> = HashMap::new();
    for node in file.list("scrape_configs", errors).unwrap_or_default() {
        if matches!(node.value, yaml::Value::Null) {
            errors.push(node.at, "empty or null scrape config section");
            continue;
        }
        let Some(job) = job::read(node, &global, dir, errors) else { continue };
        if let Some(first) = names.insert(job.job_name.clone(), node.at) {
            errors.push(
                node.at,
                format!(
                    "found multiple scrape configs with job name {:?} (first in line {})",
                    job.job_name, first.line
                ),
            );
        }
        scrape_configs.push(job);
    }
    Config { global, runtime, storage, alerting, rule_files, scrape_configs }
}

/// Patterns may have one star, in the last part of the path.
fn rule_files(file: &mut Section<'_>, dir: &str, errors: &mut Errors) -> Vec<String> {
    let mut out = Vec::new();
    for (pattern, at) in file.texts("rule_files", errors).unwrap_or_default() {
        let fine = pattern.split_once('*').is_none_or(|(_, rest)| !rest.contains('/'));
        if !fine {
            errors.push(at, format!("invalid rule file path {pattern:?}"));
        }
        out.push(paths::join(dir, &pattern));
    }
    out
}

fn runtime(file: &mut Section<'_>, errors: &mut Errors) -> Runtime {
    let mut out = Runtime { log_level: None, gogc: 75 };
    let Some(node) = file.take("runtime") else { return out };
    let mut section = Section::open(node, "runtime", errors);
    if let Some((level, at)) = section.text("log_level", errors) {
        let lower = level.to_ascii_lowercase();
        if matches!(lower.as_str(), "debug" | "info" | "warn" | "error") {
            out.log_level = Some(lower);
        } else if !level.is_empty() {
            errors.push(at, format!("unrecognized log level {level}"));
        }
    }
    if let Some((gogc, at)) = section.text("gogc", errors) {
        match gogc.parse() {
            Ok(v) => out.gogc = v,
            Err(_) => errors.push(at, format!("cannot unmarshal `{gogc}` into int")),
        }
    }
    out
}

fn storage(file: &mut Section<'_>, errors: &mut Errors) -> Storage {
    let mut out = Storage::default();
    let Some(node) = file.take("storage") else { return out };
    let mut section = Section::open(node, "storage", errors);
    let Some(node) = section.take("tsdb") else { return out };
    let mut section = Section::open(node, "storage.tsdb", errors);
    let Some(node) = section.take("retention") else { return out };
    let mut section = Section::open(node, "storage.tsdb.retention", errors);
    out.retention_time_ms = section.duration("time", errors).map(|(ms, _)| ms);
    out.retention_size = size(&mut section, "size", errors);
    out
}

fn size(section: &mut Section<'_>, key: &str, errors: &mut Errors) -> Option<u64> {
    let (text, at) = section.text(key, errors)?;
    match bytes::parse(&text) {
        Ok(v) => Some(v),
        Err(message) => {
            errors.add(crate::Diagnostic::new(at, message).hint("write a number with a unit: 512MB, 10MiB"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
