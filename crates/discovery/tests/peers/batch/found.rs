//! Active targets in a form that can be compared.

use std::collections::{BTreeMap, BTreeSet};

/// Targets by what they are; for each, the labels before relabelling. Several discovered targets may become one: which of
/// them it then shows is chance, so all of ours are kept.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub(crate) struct Found {
    by_target: BTreeMap<String, BTreeSet<String>>,
}

/// What Prometheus calls the settings of histograms; here they are always off, which COMPAT.md says.
const HISTOGRAMS: &str = "_histograms";

/// The words of one text that another does not have.
fn only(one: &str, other: &str) -> String {
    one.split("\" ").filter(|w| !other.contains(*w)).collect::<Vec<_>>().join("\" ")
}

fn shown(mut pairs: Vec<(&str, &str)>) -> String {
    pairs.retain(|(n, v)| !(v.is_empty() || n.starts_with("__") && n.contains(HISTOGRAMS)));
    pairs.sort_unstable();
    pairs.iter().map(|(n, v)| format!("{n}={v:?}")).collect::<Vec<_>>().join(" ")
}

impl Found {
    /// Adds a target: its pool, public labels, then URL, interval and timeout, and what was discovered.
    pub(super) fn add(
        &mut self,
        pool: &str,
        labels: &[(&str, &str)],
        at: &[String; 3],
        discovered: &[(&str, &str)],
    ) {
        let [url, interval, timeout] = at;
        let key = format!("{pool} {url} every {interval} within {timeout} {{{}}}", shown(labels.to_vec()));
        self.by_target.entry(key).or_default().insert(shown(discovered.to_vec()));
    }

    pub(super) fn len(&self) -> usize {
        self.by_target.len()
    }

    /// Names of the pools that have targets.
    pub(super) fn pools(&self) -> BTreeSet<&str> {
        self.by_target.keys().filter_map(|k| k.split(' ').next()).collect()
    }

    /// Whether some target has these characters in its labels or before relabelling.
    pub(super) fn any(&self, of_target: &str, of_discovered: &str) -> bool {
        self.by_target
            .iter()
            .any(|(k, all)| k.contains(of_target) && all.iter().any(|d| d.contains(of_discovered)))
    }

    /// What differs: `theirs` must show one of ours for each target, and no more targets.
    pub(super) fn differences(&self, theirs: &Found) -> Vec<String> {
        let mut out = Vec::new();
        for (key, all) in &self.by_target {
            match theirs.by_target.get(key) {
                None => out.push(format!("only ours: {key}")),
                Some(shown) => {
                    for d in shown.difference(all) {
                        let own = all.first().map_or("", String::as_str);
                        let (own, d) = (only(own, d), only(d, own));
                        out.push(format!("discovered of {key}:\n    ours   {own}\n    theirs {d}"));
                    }
                }
            }
        }
        out.extend(
            theirs
                .by_target
                .keys()
                .filter(|k| !self.by_target.contains_key(*k))
                .map(|k| format!("only theirs: {k}")),
        );
        out
    }
}
