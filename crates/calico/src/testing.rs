//! Clusters for the tests of checks: a healthy one, changed in one place, judged.

mod answers;
pub(crate) mod symptoms;

pub(crate) use answers::{answered, dashboard, rule, running, series, with_answer};
pub(crate) use symptoms::{judged_whole, sick};

use crate::doctor::check::Judged;
use crate::doctor::checks::{ALL, find};
use crate::doctor::engine::{Report, judge};
use crate::doctor::verdict::Verdict;
use crate::facts::Facts;
use crate::snapshot::{Snapshot, Source};
use serde_json::Value;
use tortie_cluster::object::Object;
use tortie_sim::installs::{Objects, Options};

/// A whole cluster as a dump, with `change` made to its objects.
pub(crate) fn snapshot(options: &Options, change: impl FnOnce(&mut Objects)) -> Snapshot {
    let mut objects = Objects::of(options);
    change(&mut objects);
    dump(objects)
}

/// Objects as a dump of a whole cluster.
pub(crate) fn dump(objects: Objects) -> Snapshot {
    let mut snap = Snapshot::new(Source::Dump);
    snap.identity.context = "test".to_owned();
    // 2026-01-07, a day after the last change of the builders.
    snap.at = 1_767_776_400_000;
    let bad = snap.add(objects.0.into_iter().map(parsed).collect());
    assert!(bad.is_empty(), "{bad:?}");
    snap
}

fn parsed(value: Value) -> Object {
    let text = value.to_string();
    Object::parse(value).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// What one check says of a cluster.
pub(crate) fn judged(id: &str, snap: &Snapshot) -> Vec<Judged> {
    let check = find(id).unwrap_or_else(|| panic!("no check {id}"));
    (check.judge)(&Facts::of(snap))
}

/// The findings of one check: verdict, title and the commands or edits that mend it, as lines.
pub(crate) fn findings(id: &str, snap: &Snapshot) -> Vec<String> {
    let mut out = Vec::new();
    for j in judged(id, snap) {
        if let Some(f) = j.finding.filter(|_| j.verdict.is_finding() || j.verdict == Verdict::Ahead) {
            out.push(format!("{} {}: {}", j.verdict, j.entity, f.title));
        }
    }
    out
}

/// The whole report.
pub(crate) fn report(snap: &Snapshot) -> Report {
    judge(ALL, &Facts::of(snap))
}

/// The ids of the root findings of a cluster at warn or fail, best first.
pub(crate) fn roots(snap: &Snapshot) -> Vec<&'static str> {
    use crate::doctor::verdict::Level;
    report(snap).findings.iter().filter(|f| f.level >= Level::Warn).map(|f| f.id).collect()
}

/// How the findings of one check are mended: commands as they are pasted, edits, or advice.
pub(crate) fn mends(id: &str, snap: &Snapshot) -> Vec<String> {
    use crate::doctor::fix::Fix;
    let fixes = judged(id, snap).into_iter().filter_map(|j| j.finding?.fix);
    fixes
        .flat_map(|fix| match fix {
            Fix::Commands { commands, .. } => commands.iter().map(ToString::to_string).collect(),
            Fix::Edit { object, path, value, note } => {
                vec![format!("edit {object} {path} = {value}: {note}")]
            }
            Fix::Outside(text) => vec![format!("outside: {text}")],
        })
        .collect()
}

/// Compares a text with a file of the repository; with `TORTIE_BLESS=1` in the environment the file is written instead.
#[allow(clippy::disallowed_methods)]
#[track_caller]
pub(crate) fn same_as_file(file: &str, text: &str) {
    if std::env::var_os("TORTIE_BLESS").is_some() {
        std::fs::write(file, text).unwrap_or_else(|e| panic!("{file}: {e}"));
        return;
    }
    let expect = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{file}: {e}"));
    assert_eq!(text, expect, "{file} (with TORTIE_BLESS=1 it is written anew)");
}
