//! Rules in the server: storage as they see it, and their files.

use super::storage::Storage;
use std::path::Path;
use std::sync::Arc;
use tortie_config::Config;
use tortie_config::rules::{Checks, RuleFile};
use tortie_host::Fs;
use tortie_model::Labels;
use tortie_rules::{GroupSpec, Notice, Notify, Settings, Store, from_config, templates};
use tortie_scrape::sink::Sink;
use tortie_tsdb::append::{AppendError, Batch, Committed, Slot};

impl Store for Storage {
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError> {
        Sink::commit(self, batch)
    }

    fn release(&self, slots: &[Slot]) {
        Sink::release(self, slots);
    }
}

/// Whom alerts are told to: whoever is put in, one after the other.
#[derive(Default)]
pub(crate) struct Told {
    to: std::sync::RwLock<Vec<Arc<dyn Notify>>>,
    /// Whether nobody is told, because another Prometheus does it.
    pub(crate) silent: std::sync::atomic::AtomicBool,
}

impl Told {
    /// Tells `who` too from now on.
    pub(crate) fn add(&self, who: Arc<dyn Notify>) {
        self.to.write().unwrap_or_else(std::sync::PoisonError::into_inner).push(who);
    }
}

impl Notify for Told {
    fn notify(&self, alerts: Vec<Notice>) {
        if self.silent.load(std::sync::atomic::Ordering::Relaxed) {
            return;
        }
        let to = self.to.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some((last, others)) = to.split_last() else { return };
        for who in others {
            who.notify(alerts.clone());
        }
        last.notify(alerts);
    }
}

/// The groups of all rule files of a configuration.
///
/// # Errors
/// What is wrong with the files, with places; nothing is to be taken over then.
pub(crate) fn groups(
    config: &Config,
    fs: &dyn Fs,
    language: &tortie_promql::Options,
) -> Result<Vec<GroupSpec>, String> {
    let mut groups = Vec::new();
    let mut wrong = Vec::new();
    for name in files(config, fs) {
        let result = read(&name, fs, config.global.name_scheme, language).and_then(|file| {
            from_config::groups(&file, &name, config.global.evaluation_interval_ms, language)
        });
        match result {
            Ok(more) => groups.extend(more),
            Err(e) => wrong.push(e),
        }
    }
    if wrong.is_empty() { Ok(groups) } else { Err(wrong.join("\n")) }
}

/// Rule files that the patterns of a configuration name, each once.
fn files(config: &Config, fs: &dyn Fs) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for pattern in &config.rule_files {
        for name in tortie_host::glob::expand(fs, pattern) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
    all
}

/// Reads and checks one rule file.
pub(crate) fn read(
    name: &str,
    fs: &dyn Fs,
    scheme: tortie_model::names::NameScheme,
    language: &tortie_promql::Options,
) -> Result<RuleFile, String> {
    let bytes = fs.read(Path::new(name)).map_err(|e| format!("{name}: {e}"))?;
    let text = String::from_utf8(bytes)
        .map_err(|e| format!("{name}: not UTF-8 at byte {}", e.utf8_error().valid_up_to()))?;
    check(&text, name, scheme, language)
}

/// The groups of the text of one rule file.
///
/// # Errors
/// What is wrong with it, with places.
pub(crate) fn groups_of_text(
    text: &str,
    name: &str,
    config: &Config,
    language: &tortie_promql::Options,
) -> Result<Vec<GroupSpec>, String> {
    let file = check(text, name, config.global.name_scheme, language)?;
    from_config::groups(&file, name, config.global.evaluation_interval_ms, language)
}

/// Checks the text of one rule file.
fn check(
    text: &str,
    name: &str,
    scheme: tortie_model::names::NameScheme,
    language: &tortie_promql::Options,
) -> Result<RuleFile, String> {
    let checks = Checks {
        scheme,
        ignore_unknown: false,
        expr: &|expr| from_config::check_expr(expr, language),
        template: &templates::check,
    };
    let file = RuleFile::load(text, name, &checks).map_err(|d| d.to_string())?;
    if file.more_documents {
        tracing::warn!(file = name, "only the first document of a rule file is read");
    }
    Ok(file)
}

/// What of a configuration all groups share.
pub(crate) fn settings(config: &Config) -> Settings {
    let labels = config.global.external_labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    Settings {
        external_labels: Labels::from_pairs(labels),
        query_offset_ms: config.global.rule_query_offset_ms,
        evaluation_interval_ms: config.global.evaluation_interval_ms,
    }
}
