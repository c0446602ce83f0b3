//! The demo's rules: Calico's own, on by default, and those of the PrometheusRule objects that its Prometheus takes, written
//! beside its data and named in its configuration.

use super::cluster::CALICO;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use tortie_calico::facts::Facts;
use tortie_calico::facts::install::Version;
use tortie_calico::facts::prometheus::Selected;
use tortie_calico::rules::{Scope, rules, write};
use tortie_config::rules::{Checks, RuleFile};
use tortie_host::{Fs, RealFs};
use tortie_model::names::NameScheme;
use tortie_rules::{from_config, templates};

/// Name of the file of Calico's own rules.
const FILE: &str = "calico-rules.yaml";
/// Name of the PrometheusRule that `tortie setup` makes.
const BUNDLED: &str = "tortie-calico";

/// A file of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OfObject {
    /// Another one for another text, so that a change is seen.
    name: String,
    text: String,
    /// Whether it is what `tortie setup` brings: the same rules as those that are on from the start.
    bundled: bool,
}

/// The rules that fit the demo's cluster: its version of Calico, all three dataplanes. It does not scrape itself.
fn scope() -> Scope {
    let version = Version { major: CALICO.0.into(), minor: CALICO.1.into(), patch: 0 };
    Scope { version: Some(version), own: false, ..Scope::default() }
}

/// Writes the file of Calico's own rules into `dir`.
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

/// The files that prometheus-operator would make: of the objects that the Prometheus takes, without those whose rules do not
/// parse.
pub(super) fn of_objects(facts: &Facts<'_>) -> Vec<OfObject> {
    let Some(prometheus) = facts.prometheuses.iter().find(|p| p.object.gvk.kind == "Prometheus") else {
        return Vec::new();
    };
    let objects = facts.snap.of("monitoring.coreos.com", "PrometheusRule");
    let taken = objects.filter(|o| prometheus.takes(Selected::Rule, o, facts.snap).yes());
    let text = |o: &tortie_cluster::object::Object| {
        let groups = o.at("/spec/groups").cloned().unwrap_or_default();
        // JSON is YAML too.
        serde_json::json!({"groups": groups}).to_string()
    };
    let mut out: Vec<OfObject> = taken
        .map(|o| (format!("{}-{}", o.meta.namespace, o.meta.name), text(o), o.meta.name == BUNDLED))
        .filter(|(name, text, _)| sound(name, text))
        .map(|(name, text, bundled)| {
            let mut hash = DefaultHasher::new();
            text.hash(&mut hash);
            OfObject { name: format!("object-{name}-{:016x}.yaml", hash.finish()), text, bundled }
        })
        .collect();
    out.sort_by(|a, b| a.name.cmp(&b.name));
    out
}

fn sound(name: &str, text: &str) -> bool {
    let language = tortie_promql::Options::default();
    let checks = Checks {
        scheme: NameScheme::Utf8,
        ignore_unknown: false,
        expr: &|expr| from_config::check_expr(expr, &language),
        template: &templates::check,
    };
    RuleFile::load(text, name, &checks).is_ok()
}

/// Writes the files of objects beside `own`, takes away those of `before` that are no more, and gives all of them. Calico's own
/// rules count once, when an object brings them too.
///
/// # Errors
/// When one cannot be written.
pub(super) fn files(own: &Path, objects: &[OfObject], before: &[OfObject]) -> Result<Vec<PathBuf>, String> {
    let dir = own.parent().unwrap_or(own);
    let twice = objects.iter().any(|o| o.bundled);
    let mut out = if twice { Vec::new() } else { vec![own.to_owned()] };
    for object in objects {
        let file = dir.join(&object.name);
        RealFs.write_atomic(&file, object.text.as_bytes()).map_err(|e| format!("{}: {e}", file.display()))?;
        out.push(file);
    }
    for gone in before.iter().filter(|b| !objects.contains(b)) {
        // One that stays is in nobody's way: no configuration names it.
        let _ = RealFs.remove_file(&dir.join(&gone.name));
    }
    Ok(out)
}

/// A configuration with the rule files named in it.
pub(super) fn named(mut yaml: String, files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|f| format!("{:?}", f.display().to_string())).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(yaml, "rule_files: [{}]", names.join(", "));
    yaml
}

#[cfg(test)]
mod tests {
    use super::{OfObject, files, named, place};
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
        let yaml = named("scrape_configs: []\n".to_owned(), std::slice::from_ref(&file));
        assert!(yaml.ends_with("calico-rules.yaml\"]\n"), "{yaml}");
        let object =
            |name: &str| OfObject { name: name.to_owned(), text: "groups: []".to_owned(), bundled: false };
        let one = files(&file, &[object("a.yaml")], &[]).expect("written");
        assert_eq!(one.len(), 2);
        let other = files(&file, &[object("b.yaml")], &[object("a.yaml")]).expect("written");
        assert!(RealFs.kind(&one[1]).is_none() && RealFs.kind(&other[1]).is_some());
        let bundled = files(&file, &[OfObject { bundled: true, ..object("c.yaml") }], &[]).expect("written");
        assert_eq!(bundled, [dir.path().join("c.yaml")]);
    }
}
