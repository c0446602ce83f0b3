//! Calico's own rules, on by default in the demo: written beside its data, named in its configuration.

use super::cluster::CALICO;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tortie_calico::facts::install::Version;
use tortie_calico::rules::{Scope, rules, write};
use tortie_host::{Fs, RealFs};

/// Name of the rule file.
const FILE: &str = "calico-rules.yaml";

/// The rules that fit the demo's cluster: its version of Calico, all three dataplanes. It does not scrape itself.
fn scope() -> Scope {
    let version = Version { major: CALICO.0.into(), minor: CALICO.1.into(), patch: 0 };
    Scope { version: Some(version), own: false, ..Scope::default() }
}

/// Writes the rule file into `dir`.
///
/// # Errors
/// When it cannot be written.
pub(super) fn place(dir: &Path) -> Result<PathBuf, String> {
    // The configuration has no folder of its own that a relative name could count from.
    let dir = std::path::absolute(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let file = dir.join(FILE);
    RealFs
        .create_dir_all(&dir)
        .and_then(|()| RealFs.write_atomic(&file, write::yaml(&rules(&scope())).as_bytes()))
        .map_err(|e| format!("{}: {e}", file.display()))?;
    Ok(file)
}

/// A configuration with the rule file named in it.
pub(super) fn named(mut yaml: String, file: &Path) -> String {
    // Writing to a String cannot fail.
    let _ = writeln!(yaml, "rule_files: [{:?}]", file.display().to_string());
    yaml
}

#[cfg(test)]
mod tests {
    use super::{named, place};
    use tortie_host::{Fs, RealFs};

    #[test]
    fn the_file_is_written_and_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = place(dir.path()).expect("written");
        let text = String::from_utf8(RealFs.read(&file).expect("there")).expect("text");
        assert!(text.contains("alert: CalicoFelixDown") && text.contains("alert: Watchdog"), "{text}");
        assert!(
            !text.contains("TortieNoAlertmanager") && !text.contains("CalicoNftFlowtableMissing"),
            "{text}"
        );
        let yaml = named("scrape_configs: []\n".to_owned(), &file);
        assert!(yaml.ends_with("calico-rules.yaml\"]\n"), "{yaml}");
    }
}
