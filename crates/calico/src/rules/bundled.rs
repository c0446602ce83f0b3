//! The rule files that come with the program.

use super::{Group, Rule};
use std::sync::LazyLock;
use tortie_config::rules::{Checks, RuleFile};
use tortie_model::names::NameScheme;

/// Name and text of each file, in the order of a sample's way through Calico.
pub const FILES: [(&str, &str); 4] = [
    ("felix.yaml", include_str!("../../rules/felix.yaml")),
    ("typha.yaml", include_str!("../../rules/typha.yaml")),
    ("kube-controllers.yaml", include_str!("../../rules/kube-controllers.yaml")),
    ("tortie.yaml", include_str!("../../rules/tortie.yaml")),
];

/// All groups of all files, as they stand there.
pub fn all() -> &'static [Group] {
    // A test rules out that a bundled file cannot be read.
    static ALL: LazyLock<Vec<Group>> =
        LazyLock::new(|| FILES.iter().filter_map(|(name, text)| read(name, text).ok()).flatten().collect());
    &ALL
}

/// Reads a rule file; expressions and templates are not looked at.
pub(super) fn read(name: &str, text: &str) -> Result<Vec<Group>, String> {
    let checks = Checks {
        scheme: NameScheme::Utf8,
        ignore_unknown: false,
        expr: &|_| Ok(()),
        template: &|_, _| Ok(()),
    };
    let file = RuleFile::load(text, name, &checks).map_err(|e| e.to_string())?;
    Ok(file
        .groups
        .into_iter()
        .map(|g| Group { name: g.name, rules: g.rules.into_iter().map(of).collect() })
        .collect())
}

fn of(rule: tortie_config::rules::Rule) -> Rule {
    Rule {
        alert: !rule.alert.is_empty(),
        name: rule.name().to_owned(),
        expr: rule.expr.trim_end().to_owned(),
        for_ms: rule.for_ms,
        labels: rule.labels,
        annotations: rule.annotations,
    }
}
