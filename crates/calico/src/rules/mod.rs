//! Calico's own rules: recording rules and alerts for Felix, Typha, kube-controllers and for tortie itself.
//!
//! They lie as plain rule files in `crates/calico/rules`, one for each component, which Prometheus and promtool read as they are.
//! [`rules()`] takes out of them what fits a cluster ([`Scope`]): its version of Calico, its dataplanes, its components, the names
//! of its jobs. [`write`] makes a rule file or a PrometheusRule of it. Each alert has a page in `docs/runbooks` ([`runbooks`]).
//! Reading order: [`bundled`], [`scope`], [`of_cluster`], [`standalone`], [`write`].

pub mod bundled;
pub mod of_cluster;
pub mod runbooks;
pub mod scope;
pub mod standalone;
#[cfg(test)]
mod tests;
pub mod write;

pub use scope::{Runbooks, Scope};
pub use standalone::standalone;

/// Rules that are evaluated one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, `calico.felix.dataplane`.
    pub name: String,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

/// A recording rule or an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is an alert.
    pub alert: bool,
    /// Name of the alert or of the recorded series.
    pub name: String,
    /// The expression.
    pub expr: String,
    /// How long the expression must hold before the alert fires, milliseconds.
    pub for_ms: i64,
    /// Labels, in the order of the file.
    pub labels: Vec<(String, String)>,
    /// Annotations, in the order of the file.
    pub annotations: Vec<(String, String)>,
}

impl Rule {
    /// A label's value; empty when there is none.
    pub fn label(&self, name: &str) -> &str {
        text(&self.labels, name)
    }

    /// An annotation; empty when there is none.
    pub fn annotation(&self, name: &str) -> &str {
        text(&self.annotations, name)
    }
}

fn text<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
}

/// The rules that fit a cluster. A group of which nothing is left is not there; an alert that reads a recorded series goes
/// where the recording rule does.
pub fn rules(scope: &Scope) -> Vec<Group> {
    let mut out = Vec::new();
    for group in bundled::all() {
        if !scope.has_group(&group.name) {
            continue;
        }
        let fitting = group.rules.iter().filter(|r| scope.has_rule(r));
        let rules: Vec<Rule> = fitting.map(|r| scope.fitted(r)).collect();
        if !rules.is_empty() {
            out.push(Group { name: group.name.clone(), rules });
        }
    }
    out
}
