//! Alertmanagers that discovery found: relabelled, as URLs.

use tortie_discovery::TargetGroup;
use tortie_model::relabel::{Rule, process};
use tortie_model::{Labels, LabelsBuilder};

/// Where alerts go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// URLs in the order of discovery, each once.
    pub active: Vec<String>,
    /// URLs that relabelling dropped.
    pub dropped: Vec<String>,
    /// Groups that could not be used, and why.
    pub problems: Vec<String>,
}

/// The URLs of the groups' targets. A group with a wrong address is left out whole, as in Prometheus.
pub fn of_groups(groups: &[TargetGroup], scheme: &str, path_prefix: &str, rules: &[Rule]) -> Targets {
    let mut out = Targets::default();
    let path = post_path(path_prefix);
    for group in groups {
        let (mut active, mut dropped, mut problem) = (Vec::new(), Vec::new(), None);
        for target in &group.targets {
            let mut labels = LabelsBuilder::new();
            for (name, value) in target {
                labels.set(name, value);
            }
            labels.set("__scheme__", scheme);
            labels.set("__alerts_path__", &path);
            for (name, value) in group.labels.iter().filter(|(name, _)| target.get(name).is_none()) {
                labels.set(name, value);
            }
            let before = labels.labels();
            if !process(rules, &mut labels) {
                dropped.push(url(&before));
                continue;
            }
            let labels = labels.labels();
            let address = labels.value("__address__");
            if address.contains('/') {
                problem = Some(format!("{address:?} is not a valid hostname"));
                break;
            }
            active.push(url(&labels));
        }
        match problem {
            Some(problem) => out.problems.push(problem),
            None => {
                out.active.append(&mut active);
                out.dropped.append(&mut dropped);
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    out.active.retain(|url| seen.insert(url.clone()));
    out
}

fn url(labels: &Labels) -> String {
    let (scheme, host, path) =
        (labels.value("__scheme__"), labels.value("__address__"), labels.value("__alerts_path__"));
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}:") };
    let slash = if host.is_empty() || path.is_empty() || path.starts_with('/') { "" } else { "/" };
    let host = if host.is_empty() { String::new() } else { format!("//{host}") };
    format!("{scheme}{host}{slash}{}", escaped(path))
}

/// A path as Go's `url.URL` prints it.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for b in path.bytes() {
        if b.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@!'()*[]".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// `/prefix/api/v2/alerts`, cleaned as Go's `path.Join` does.
fn post_path(prefix: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in prefix.split('/').chain(["api", "v2", "alerts"]) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_model::regex::Regex;
    use tortie_model::relabel::Action;

    fn group(labels: &[(&str, &str)], targets: &[&str]) -> TargetGroup {
        TargetGroup {
            source: "0".into(),
            labels: Labels::from_pairs(labels.iter().copied()),
            targets: targets.iter().map(|t| Labels::from_pairs([("__address__", *t)])).collect(),
        }
    }

    #[test]
    fn prefixes_are_joined() {
        let check = |prefix: &str, expect: &str| {
            let t = of_groups(&[group(&[], &["am:9093"])], "http", prefix, &[]);
            assert_eq!(t.active, [format!("http://am:9093{expect}")]);
        };
        check("", "/api/v2/alerts");
        check("/", "/api/v2/alerts");
        check("am", "/am/api/v2/alerts");
        check("/a/../b//c d/", "/b/c%20d/api/v2/alerts");
    }

    #[test]
    fn relabelling_changes_drops_and_refuses() {
        let keep = Rule {
            source_labels: vec!["__address__".into()],
            regex: Regex::anchored("good.*|bad/.*").unwrap(),
            action: Action::Keep,
            ..Rule::default()
        };
        let scheme =
            Rule { target_label: "__scheme__".into(), replacement: "https".into(), ..Rule::default() };
        let groups = [group(&[], &["good:1", "other:1", "good:1"]), group(&[], &["good:2", "bad/x"])];
        let t = of_groups(&groups, "http", "", &[keep, scheme]);
        assert_eq!(t.active, ["https://good:1/api/v2/alerts"]);
        assert_eq!(t.dropped, ["http://other:1/api/v2/alerts"]);
        assert_eq!(t.problems, ["\"bad/x\" is not a valid hostname"]);
    }
}
