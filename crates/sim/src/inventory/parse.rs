//! Reads an inventory file; `inventory/felix.txt` explains the format.

use super::{Component, Dist, Grid, Release, Var};

/// A metric family.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    /// Metric name.
    pub name: &'static str,
    /// `counter`, `gauge`, `summary` or `histogram`.
    pub kind: &'static str,
    /// HELP text.
    pub help: &'static str,
    /// Its lines or groups of lines.
    pub children: Vec<Child>,
}

/// One line of an inventory below a family.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    /// Labels as they are served, without braces.
    pub labels: &'static str,
    /// What is served.
    pub value: Value,
    /// Whether it is absent while zero.
    pub optional: bool,
}

/// What stands behind a line.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Always this text.
    Text(&'static str),
    /// A number of the target.
    Var(Var),
    /// A number for each pool or node.
    Grid(Grid),
    /// A summary, and whether it has quantiles.
    Summary(Dist, bool),
    /// An empty histogram with these bounds.
    Histogram(Vec<&'static str>),
}

/// The families of `component` at `release` when `modes` are on, in the order they are served. A line that cannot be
/// read is left out; a test reads all inventories whole.
pub(crate) fn families(component: Component, release: Release, modes: &[&str]) -> Vec<Family> {
    let mut out: Vec<Family> = Vec::new();
    let mut skip = true;
    for line in component.text().lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let Some(rest) = line.strip_prefix("  ") else {
            let mut words = line.split(' ');
            let (name, kind) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            skip = !words.all(|w| applies(w, release, modes));
            if !skip {
                out.push(Family { name, kind, help: "", children: Vec::new() });
            }
            continue;
        };
        let Some(family) = out.last_mut().filter(|_| !skip) else { continue };
        if family.help.is_empty() {
            family.help = rest;
        } else if let Some(child) = child(rest) {
            family.children.push(child);
        }
    }
    out
}

/// Whether a condition such as `@iptables,bpf`, `since=3.33` or `until=3.31` holds.
fn applies(condition: &str, release: Release, modes: &[&str]) -> bool {
    if let Some(any) = condition.strip_prefix('@') {
        return any.split(',').any(|m| modes.contains(&m));
    }
    match condition.split_once('=') {
        Some(("since", v)) => version(v).is_some_and(|v| release >= v),
        Some(("until", v)) => version(v).is_some_and(|v| release <= v),
        _ => false,
    }
}

fn version(text: &str) -> Option<Release> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A line below a family; `None` when it cannot be read.
fn child(line: &'static str) -> Option<Child> {
    if let Some(bounds) = line.strip_prefix("| ") {
        let value = Value::Histogram(bounds.split(' ').collect());
        return Some(Child { labels: "", value, optional: false });
    }
    let (labels, sign, value) = split(line)?;
    if sign == '~' {
        let (name, quantiles) = match value.strip_suffix(" quantiles=none") {
            Some(name) => (name, false),
            None => (value, true),
        };
        let value = Value::Summary(Dist::named(name)?, quantiles);
        return Some(Child { labels, value, optional: false });
    }
    let (value, optional) = match value.strip_suffix(" ?") {
        Some(v) => (v, true),
        None => (value, false),
    };
    let value = match (Var::named(value), Grid::named(value)) {
        (Some(var), _) => Value::Var(var),
        (_, Some(grid)) => Value::Grid(grid),
        _ if value.parse::<f64>().is_ok() => Value::Text(value),
        _ => return None,
    };
    Some(Child { labels, value, optional })
}

/// Splits `LABELS = VALUE` at its sign, which stands after the labels' last quote.
fn split(line: &'static str) -> Option<(&'static str, char, &'static str)> {
    let from = line.rfind('"').map_or(0, |i| i + 1);
    let at = from + line.get(from..)?.find(['=', '~'])?;
    let labels = line.get(..at)?.trim_end();
    let sign = line.get(at..)?.chars().next()?;
    Some((labels, sign, line.get(at + 1..)?.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of every inventory means something, and families stand in the order of their names.
    #[test]
    fn inventories_are_whole_and_sorted() {
        for component in [Component::Felix, Component::Typha, Component::KubeControllers] {
            for modes in [&["iptables", "nftables", "bpf", "ipam"][..], &[]] {
                let all = families(component, (3, 33), modes);
                assert!(all.windows(2).all(|w| w[0].name < w[1].name), "{component:?}");
                assert!(all.iter().all(|f| !f.help.is_empty() && !f.children.is_empty()), "{component:?}");
            }
            let lines = component.text().lines().filter(|l| l.starts_with("  "));
            let read: Vec<&str> = lines.filter(|l| child(&l[2..]).is_none()).collect();
            let helps =
                component.text().lines().filter(|l| l.starts_with(|c: char| c.is_ascii_lowercase())).count();
            assert_eq!(read.len(), helps, "{component:?}: only HELP texts are no values: {read:#?}");
        }
    }

    #[track_caller]
    fn check(component: Component, release: Release, modes: &[&str], name: &str, expect: bool) {
        assert_eq!(families(component, release, modes).iter().any(|f| f.name == name), expect, "{name}");
    }

    #[test]
    fn releases_and_modes_choose_families() {
        check(Component::Typha, (3, 33), &[], "felix_resync_state", true);
        check(Component::Typha, (3, 32), &[], "felix_resync_state", false);
        check(Component::Felix, (3, 32), &["iptables"], "felix_iptables_chains", true);
        check(Component::Felix, (3, 32), &["nftables"], "felix_iptables_chains", false);
        check(Component::Felix, (3, 31), &["bpf"], "promhttp_metric_handler_requests_total", true);
        check(Component::Felix, (3, 33), &["bpf"], "promhttp_metric_handler_requests_total", false);
        check(Component::Felix, (3, 33), &["bpf"], "felix_bpf_conntrack_cleaner_seconds", true);
        check(Component::KubeControllers, (3, 33), &[], "ipam_ippool_size", false);
        check(Component::KubeControllers, (3, 33), &["ipam"], "ipam_ippool_size", true);
    }
}
