//! The report as metrics, for a textfile collector or a scrape.

use crate::doctor::engine::{GoalState, Report};
use std::collections::BTreeMap;

pub(super) fn render(report: &Report) -> String {
    let mut out = String::from(
        "# HELP tortie_doctor_goal Whether fresh samples of the component arrive: 1 yes, 0 no, -1 unknown.\n# TYPE tortie_doctor_goal gauge\n",
    );
    for (component, state) in &report.goals {
        let value = match state {
            GoalState::Pass | GoalState::Warn => 1,
            GoalState::Fail => 0,
            GoalState::Pending | GoalState::Unknown => -1,
        };
        out.push_str(&format!("tortie_doctor_goal{{goal=\"{component}\"}} {value}\n"));
    }
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for f in &report.findings {
        *counts.entry((f.id, f.level.as_str())).or_default() += 1;
    }
    out.push_str(
        "# HELP tortie_doctor_finding Findings by check and level.\n# TYPE tortie_doctor_finding gauge\n",
    );
    for ((id, level), n) in counts {
        out.push_str(&format!("tortie_doctor_finding{{id=\"{id}\",level=\"{level}\"}} {n}\n"));
    }
    out
}
