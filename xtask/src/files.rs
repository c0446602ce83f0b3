//! Size, opening and names of source files, and words that must not stand in the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest file, lines.
const LONGEST: usize = 900;
/// Nine of ten files are at most this long.
const P90: usize = 450;
/// Files that may be longer, with the reason.
const LONG_FILES: &[(&str, &str)] = &[];
/// File names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc"];

/// Strings that belong to a machine or a registry, split so that this file does not hold them.
fn foreign_words() -> Vec<String> {
    [
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("registry.npm", "js.org"),
        ("proxy.golang", ".org"),
        ("static.crates", ".io"),
    ]
    .iter()
    .map(|(a, b)| format!("{a}{b}"))
    .collect()
}

/// One complaint for each file that breaks a rule.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut complaints = Vec::new();
    let mut lengths = Vec::new();
    let words = foreign_words();
    for path in tracked(root)? {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if !name.ends_with(".lock") && !name.ends_with(".sum") {
            for w in words.iter().filter(|w| text.contains(w.as_str())) {
                complaints.push(format!("{name}: holds {w:?}, which belongs to a machine"));
            }
        }
        if !name.ends_with(".rs") {
            continue;
        }
        let lines = text.lines().count();
        lengths.push(lines);
        complaints.extend(source(&name, &text, lines));
    }
    anyhow::ensure!(lengths.len() > 10, "only {} source files found: is this the workspace?", lengths.len());
    lengths.sort_unstable();
    let p90 = lengths[lengths.len() * 9 / 10];
    if p90 > P90 {
        complaints.push(format!("one of ten source files has more than {p90} lines; {P90} is the limit"));
    }
    Ok(complaints)
}

fn source(name: &str, text: &str, lines: usize) -> Vec<String> {
    let mut complaints = Vec::new();
    if !text.starts_with("//!") {
        complaints.push(format!("{name}: does not begin with `//!` and what it is for"));
    }
    let excused = LONG_FILES.iter().any(|(f, _)| *f == name);
    if lines > LONGEST && !excused {
        complaints.push(format!("{name}: {lines} lines, {LONGEST} is the limit"));
    }
    let stem = Path::new(name).file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem.as_str()) {
        complaints.push(format!("{name}: the name says nothing"));
    }
    complaints
}

/// Files that git knows or would add.
fn tracked(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let out = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()?;
    anyhow::ensure!(out.status.success(), "git ls-files: {}", String::from_utf8_lossy(&out.stderr));
    let list = String::from_utf8_lossy(&out.stdout).into_owned();
    Ok(list.split('\0').filter(|s| !s.is_empty()).map(|s| root.join(s)).collect())
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn each_rule_speaks() {
        assert!(source("a/b.rs", "//! Fine.\n", 1).is_empty());
        assert_eq!(source("a/b.rs", "fn x() {}\n", 1).len(), 1);
        assert_eq!(source("a/utils.rs", "//! x\n", 1).len(), 1);
        assert_eq!(source("a/b.rs", "//! x\n", 901).len(), 1);
    }
}
