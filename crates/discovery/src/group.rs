//! Target groups: what discovery hands to scraping.

use tortie_model::Labels;

/// Targets that share labels, from one source of one job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetGroup {
    /// Where the group comes from, unique within a job: `0` for the first static group, `PATH:0` for the first group of
    /// a file, as Prometheus names them.
    pub source: String,
    /// Labels of every target of the group. Labels of a target win over these.
    pub labels: Labels,
    /// One label set a target; each has `__address__`.
    pub targets: Vec<Labels>,
}
