//! From the groups of a whole cluster to those that a job may want, by index.
//!
//! The first rules of a monitor's job only keep or drop by what was discovered, and nothing before them changes that. So the
//! groups can be looked up by these labels, and the rules need to run for what is found only. The result after the rules
//! is the same as without: a group or target is left out only where one of these rules would drop it.

use crate::TargetGroup;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use tortie_model::Labels;
use tortie_model::regex::Regex;
use tortie_model::relabel::{Action, Rule};

/// What is discovered begins with this; no rule before the first ones writes it.
const DISCOVERED: &str = "__meta_";
const NAMESPACE: &str = "__meta_kubernetes_namespace";

/// Why a candidate of a job is none of its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// It is in another namespace.
    Namespace,
    /// The labels of its Service, pod or Ingress are not those that the monitor selects.
    Selector,
    /// It is another port.
    Port,
    /// Its pod has ended.
    Ended,
    /// A rule that the user wrote drops it by what was discovered.
    Rule,
}

impl Cause {
    /// The name in answers of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Namespace => "namespace",
            Cause::Selector => "selector",
            Cause::Port => "port",
            Cause::Ended => "ended",
            Cause::Rule => "rule",
        }
    }
}

/// The conditions that a job's first rules make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Narrow {
    /// Namespaces to look in; all when there are none.
    namespaces: Vec<String>,
    tests: Vec<Test>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Test {
    sources: Vec<String>,
    separator: String,
    regex: Regex,
    keep: bool,
    cause: Cause,
}

/// What is left for a job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Narrowed {
    /// Groups with the targets that passed; none is empty.
    pub groups: Vec<TargetGroup>,
    /// How many targets did not pass, by the first condition that they fail.
    pub dropped: BTreeMap<Cause, usize>,
}

impl Narrow {
    /// The conditions of a job: its namespaces, and its rules up to the first that a condition cannot stand for.
    pub fn new(namespaces: &[String], rules: &[Rule]) -> Narrow {
        let mut tests = Vec::new();
        for rule in rules {
            let discovered = rule.source_labels.iter().all(|s| s.starts_with(DISCOVERED));
            match rule.action {
                Action::Keep | Action::Drop if discovered && !rule.source_labels.is_empty() => {
                    tests.push(Test {
                        sources: rule.source_labels.clone(),
                        separator: rule.separator.clone(),
                        regex: rule.regex.clone(),
                        keep: rule.action == Action::Keep,
                        cause: cause(&rule.source_labels),
                    });
                }
                // It looks at what rules write; those after it may still look at what was discovered.
                Action::Keep | Action::Drop | Action::KeepEqual | Action::DropEqual => {}
                Action::Replace | Action::HashMod | Action::Lowercase | Action::Uppercase
                    if !rule.target_label.contains('$') && !rule.target_label.starts_with(DISCOVERED) => {}
                _ => break,
            }
        }
        Narrow { namespaces: namespaces.to_vec(), tests }
    }

    /// What is left of all groups for this job.
    pub fn apply(&self, all: &Indexed) -> Narrowed {
        let mut out = Narrowed::default();
        let mut passed_over = all.targets;
        let (candidates, cause) = self.candidates(all);
        for group in candidates.iter().filter_map(|i| all.groups.get(*i as usize)) {
            passed_over = passed_over.saturating_sub(group.targets.len());
            let mut kept = Vec::new();
            for target in &group.targets {
                match self.fails(group, target) {
                    None => kept.push(target.clone()),
                    Some(cause) => *out.dropped.entry(cause).or_default() += 1,
                }
            }
            if !kept.is_empty() {
                out.groups.push(TargetGroup {
                    source: group.source.clone(),
                    labels: group.labels.clone(),
                    targets: kept,
                });
            }
        }
        if passed_over > 0 {
            *out.dropped.entry(cause).or_default() += passed_over;
        }
        out
    }

    /// The first condition that a target fails.
    fn fails(&self, group: &TargetGroup, target: &Labels) -> Option<Cause> {
        let namespace = || value(group, target, NAMESPACE);
        if !self.namespaces.is_empty() && !self.namespaces.iter().any(|n| n == namespace()) {
            return Some(Cause::Namespace);
        }
        let mut failing = self.tests.iter().filter(|t| {
            let joined = joined(&t.sources, &t.separator, |name| value(group, target, name));
            t.regex.is_match(&joined) != t.keep
        });
        failing.next().map(|t| t.cause)
    }

    /// The groups that may hold targets of the job, ascending, by the condition that leaves the fewest; and what the
    /// others fail.
    fn candidates(&self, all: &Indexed) -> (Vec<u32>, Cause) {
        let mut best: Option<(Vec<u32>, Cause)> = None;
        let mut offer = |found: Vec<u32>, cause| {
            if best.as_ref().is_none_or(|(b, _)| found.len() < b.len()) {
                best = Some((found, cause));
            }
        };
        if !self.namespaces.is_empty() {
            let by = all.by(&[NAMESPACE.to_owned()], ";");
            offer(by.find(self.namespaces.iter().map(String::as_str)), Cause::Namespace);
        }
        for test in self.tests.iter().filter(|t| t.keep) {
            let by = all.by(&test.sources, &test.separator);
            offer(
                match test.regex.set_matches() {
                    Some(words) => by.find(words.iter().map(String::as_str)),
                    None => by.find(by.values.keys().map(String::as_str).filter(|v| test.regex.is_match(v))),
                },
                test.cause,
            );
        }
        best.unwrap_or_else(|| ((0..all.groups.len() as u32).collect(), Cause::Selector))
    }
}

fn cause(sources: &[String]) -> Cause {
    let first = sources.first().map_or("", String::as_str);
    if first.contains("_label_") || first.contains("_labelpresent_") {
        Cause::Selector
    } else if first.ends_with("_port_name") || first.ends_with("_port_number") {
        Cause::Port
    } else if first.ends_with("_pod_phase") {
        Cause::Ended
    } else {
        Cause::Rule
    }
}

/// A label of a target: its own, or that of its group.
fn value<'a>(group: &'a TargetGroup, target: &'a Labels, name: &str) -> &'a str {
    target.get(name).filter(|v| !v.is_empty()).or_else(|| group.labels.get(name)).unwrap_or("")
}

fn joined<'a>(sources: &[String], separator: &str, value: impl Fn(&str) -> &'a str) -> Cow<'a, str> {
    match sources {
        [one] => Cow::Borrowed(value(one)),
        many => {
            let mut out = String::new();
            for (i, name) in many.iter().enumerate() {
                if i > 0 {
                    out.push_str(separator);
                }
                out.push_str(value(name));
            }
            Cow::Owned(out)
        }
    }
}

/// All groups of a cluster that several jobs look through; an index is made when the first one asks for it.
pub struct Indexed {
    groups: Arc<Vec<TargetGroup>>,
    targets: usize,
    by: Mutex<HashMap<Labelled, Arc<ByValue>>>,
}

/// Which labels an index is of, and what stands between them.
type Labelled = (Vec<String>, String);

/// Groups by the values of some labels.
#[derive(Default)]
struct ByValue {
    values: HashMap<String, Vec<u32>>,
    /// Groups whose targets have such labels of their own: candidates whatever is asked for.
    own: Vec<u32>,
}

impl ByValue {
    fn find<'a>(&self, values: impl Iterator<Item = &'a str>) -> Vec<u32> {
        let mut out = self.own.clone();
        for v in values {
            out.extend(self.values.get(v).into_iter().flatten());
        }
        out.sort_unstable();
        out.dedup();
        out
    }
}

impl Indexed {
    /// Groups without an index yet.
    pub fn new(groups: Arc<Vec<TargetGroup>>) -> Indexed {
        let targets = groups.iter().map(|g| g.targets.len()).sum();
        Indexed { groups, targets, by: Mutex::default() }
    }

    /// Whether these are the groups.
    pub fn is_of(&self, groups: &Arc<Vec<TargetGroup>>) -> bool {
        Arc::ptr_eq(&self.groups, groups)
    }

    fn by(&self, sources: &[String], separator: &str) -> Arc<ByValue> {
        let mut by = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (sources.to_vec(), separator.to_owned());
        Arc::clone(by.entry(key).or_insert_with(|| Arc::new(self.build(sources, separator))))
    }

    fn build(&self, sources: &[String], separator: &str) -> ByValue {
        let mut out = ByValue::default();
        for (i, group) in (0u32..).zip(self.groups.iter()) {
            let own = |t: &Labels| sources.iter().any(|s| t.get(s).is_some_and(|v| !v.is_empty()));
            if group.targets.iter().any(own) {
                out.own.push(i);
                continue;
            }
            let joined = joined(sources, separator, |name| group.labels.get(name).unwrap_or(""));
            match out.values.get_mut(&*joined) {
                Some(list) => list.push(i),
                None => drop(out.values.insert(joined.into_owned(), vec![i])),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(source: &str, labels: &[(&str, &str)], targets: &[&[(&str, &str)]]) -> TargetGroup {
        let of = |l: &[(&str, &str)]| Labels::from_pairs(l.iter().copied());
        TargetGroup {
            source: source.into(),
            labels: of(labels),
            targets: targets.iter().map(|t| of(t)).collect(),
        }
    }

    fn rule(action: Action, sources: &[&str], regex: &str) -> Rule {
        Rule {
            action,
            source_labels: sources.iter().map(|s| (*s).to_owned()).collect(),
            regex: Regex::anchored(regex).unwrap(),
            ..Rule::default()
        }
    }

    fn cluster() -> Indexed {
        let app = "__meta_kubernetes_service_label_app";
        let port = "__meta_kubernetes_endpoint_port_name";
        Indexed::new(Arc::new(vec![
            group("a", &[(NAMESPACE, "x"), (app, "api")], &[&[(port, "http")], &[(port, "dns")]]),
            group("b", &[(NAMESPACE, "x"), (app, "db")], &[&[(port, "http")]]),
            group("c", &[(NAMESPACE, "y"), (app, "api")], &[&[(port, "http")]]),
            group("d", &[(NAMESPACE, "y")], &[&[(port, "http"), (app, "api")]]),
        ]))
    }

    #[track_caller]
    fn check(namespaces: &[&str], rules: &[Rule], left: &[(&str, usize)], dropped: &[(Cause, usize)]) {
        let namespaces: Vec<String> = namespaces.iter().map(|n| (*n).to_owned()).collect();
        let got = Narrow::new(&namespaces, rules).apply(&cluster());
        let groups: Vec<(&str, usize)> =
            got.groups.iter().map(|g| (g.source.as_str(), g.targets.len())).collect();
        assert_eq!(groups, left);
        assert_eq!(got.dropped, dropped.iter().copied().collect());
    }

    #[test]
    fn groups_are_found_by_labels() {
        let app = rule(Action::Keep, &["__meta_kubernetes_service_label_app"], "api");
        let port = rule(Action::Keep, &["__meta_kubernetes_endpoint_port_name"], "h.+");
        check(&[], std::slice::from_ref(&app), &[("a", 2), ("c", 1), ("d", 1)], &[(Cause::Selector, 1)]);
        check(
            &["x"],
            &[app, port],
            &[("a", 1)],
            &[(Cause::Namespace, 2), (Cause::Selector, 1), (Cause::Port, 1)],
        );
    }

    #[test]
    fn rules_that_write_what_is_looked_at_end_it() {
        let writes = Rule { target_label: "__meta_kubernetes_service_label_app".into(), ..Rule::default() };
        let app = rule(Action::Keep, &["__meta_kubernetes_service_label_app"], "none");
        check(&[], &[writes, app], &[("a", 2), ("b", 1), ("c", 1), ("d", 1)], &[]);
    }

    #[test]
    fn drops_need_no_index() {
        let app = rule(Action::Drop, &["__meta_kubernetes_service_label_app"], "api");
        check(&[], &[app], &[("b", 1)], &[(Cause::Selector, 4)]);
    }
}
