//! Where a job's targets come from: lists in the configuration and files.

use crate::paths;
use crate::read::{self, Errors, Section};
use crate::scrape::{FileSdConfig, StaticConfig};
use crate::yaml::{Node, Value};

/// Time between readings of files without a change, milliseconds.
const REFRESH: i64 = 300_000;

/// The lists of `static_configs`. Addresses are checked only for jobs without relabelling, which could mend them.
pub(super) fn statics(s: &mut Section<'_>, check_addresses: bool, errors: &mut Errors) -> Vec<StaticConfig> {
    let path = format!("{}[]", s.path_of("static_configs"));
    let mut out = Vec::new();
    for node in s.list("static_configs", errors).unwrap_or_default() {
        if matches!(node.value, Value::Null) {
            errors.push(node.at, "empty or null section in static_configs");
            continue;
        }
        let mut group = Section::open(node, &path, errors);
        let mut config = StaticConfig::default();
        for (address, at) in group.texts("targets", errors).unwrap_or_default() {
            if check_addresses && address.contains('/') {
                let d = crate::Diagnostic::new(at, format!("{address:?} is not a valid hostname"));
                errors.add(
                    d.hint("write host:port; the path goes into metrics_path and the scheme into scheme"),
                );
            }
            config.targets.push(address);
        }
        if let Some(labels) = group.take("labels") {
            config.labels = self::labels(labels, errors);
        }
        out.push(config);
    }
    out
}

fn labels(node: &Node, errors: &mut Errors) -> Vec<(String, String)> {
    let Value::Map(entries) = &node.value else {
        errors.push(node.at, format!("labels must be a mapping, not {}", node.kind()));
        return Vec::new();
    };
    let mut out = Vec::new();
    for (key, value) in entries {
        if key.text.is_empty() {
            errors.push(key.at, "\"\" is not a valid label name");
        }
        if let Some(text) = read::text(value, errors) {
            out.push((key.text.clone(), text));
        }
    }
    out
}

/// The lists of `file_sd_configs`.
pub(super) fn files(s: &mut Section<'_>, dir: &str, errors: &mut Errors) -> Vec<FileSdConfig> {
    let path = format!("{}[]", s.path_of("file_sd_configs"));
    let mut out = Vec::new();
    for node in s.list("file_sd_configs", errors).unwrap_or_default() {
        if matches!(node.value, Value::Null) {
            errors.push(node.at, "empty or null section in file_sd_configs");
            continue;
        }
        let mut section = Section::open(node, &path, errors);
        let mut files = Vec::new();
        for (name, at) in section.texts("files", errors).unwrap_or_default() {
            if !is_file_pattern(&name) {
                let d =
                    crate::Diagnostic::new(at, format!("path name {name:?} is not valid for file discovery"));
                errors.add(
                    d.hint("it must end in .json, .yml or .yaml, and * may stand in its last part only"),
                );
            }
            files.push(paths::join(dir, &name));
        }
        if files.is_empty() {
            errors.push(node.at, "file service discovery config must contain at least one path name");
        }
        let refresh = section.duration("refresh_interval", errors).map(|(ms, _)| ms).unwrap_or(REFRESH);
        out.push(FileSdConfig { files, refresh_interval_ms: refresh });
    }
    out
}

/// `^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$`
fn is_file_pattern(name: &str) -> bool {
    let Some(stem) = ["json", "yml", "yaml", "JSON", "YML", "YAML"]
        .iter()
        .find_map(|e| name.strip_suffix(e)?.strip_suffix('.'))
    else {
        return false;
    };
    match stem.split_once('*') {
        None => true,
        Some((_, rest)) => !rest.contains('/'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_files() {
        for (name, fine) in [
            ("a.json", true),
            ("/x/*.yml", true),
            ("x*y*.YAML", true),
            ("a.Json", false),
            ("*/a.json", false),
            ("a.txt", false),
            (".json", true),
            ("json", false),
        ] {
            assert_eq!(is_file_pattern(name), fine, "{name}");
        }
    }
}
