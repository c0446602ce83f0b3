//! Keys of section `alerting`: its own, and those that its Alertmanagers share with scrape jobs.

use super::{ROWS as JOBS, Row, Status};

/// Section of one set of Alertmanagers, and that of a job.
const OURS: &str = "alerting.alertmanagers[]";
const JOB: &str = "scrape_configs[]";

/// Whether a key of a job, seen from the job, is one of a set of Alertmanagers too: discovery and its relabelling.
fn is_shared(key: &str) -> bool {
    let name = key.split(['.', '[']).next().unwrap_or("");
    name.ends_with("_sd_configs") || matches!(name, "static_configs" | "relabel_configs")
}

/// The row of a key.
pub(super) fn find(path: &str) -> Option<&'static Row> {
    if let Ok(i) = ROWS.binary_search_by(|r| r.path.cmp(path)) {
        return ROWS.get(i);
    }
    if let Some(row) = super::refused_above(ROWS, path) {
        return Some(row);
    }
    let key = path.strip_prefix(OURS)?.strip_prefix('.')?;
    if !is_shared(key) {
        return None;
    }
    let theirs = format!("{JOB}.{key}");
    match JOBS.binary_search_by(|r| r.path.cmp(theirs.as_str())) {
        Ok(i) => JOBS.get(i),
        Err(_) => super::refused_above(JOBS, &theirs),
    }
}

/// All keys with their whole paths.
pub(super) fn all() -> impl Iterator<Item = (String, Status)> {
    let shared = JOBS.iter().filter_map(|r| {
        let key = r.path.strip_prefix(JOB)?.strip_prefix('.')?;
        is_shared(key).then(|| (format!("{OURS}.{key}"), r.status))
    });
    ROWS.iter().map(|r| (r.path.to_owned(), r.status)).chain(shared)
}

/// The keys below a section, seen from it.
pub(super) fn below(section: &str) -> impl Iterator<Item = &'static str> {
    let own = ROWS.iter().filter_map(move |r| r.path.strip_prefix(section)?.strip_prefix('.'));
    let shared = JOBS
        .iter()
        .filter(move |_| section == OURS)
        .filter_map(|r| r.path.strip_prefix(JOB)?.strip_prefix('.'))
        .filter(|key| is_shared(key));
    own.chain(shared)
}

/// Its own rows, ascending by path.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row { path: "alerting", status: Status::Honoured { test: "load::alertmanagers" } },
    Row { path: "alerting.alert_relabel_configs", status: Status::Honoured { test: "load::alertmanagers" } },
    Row { path: "alerting.alert_relabel_configs[].action", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alert_relabel_configs[].modulus", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alert_relabel_configs[].regex", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alert_relabel_configs[].replacement", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alert_relabel_configs[].separator", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alert_relabel_configs[].source_labels", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alert_relabel_configs[].target_label", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alertmanagers", status: Status::Honoured { test: "load::alertmanagers" } },
    Row { path: "alerting.alertmanagers[].alert_relabel_configs", status: Status::Honoured { test: "load::alertmanagers" } },
    Row { path: "alerting.alertmanagers[].alert_relabel_configs[].action", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alertmanagers[].alert_relabel_configs[].modulus", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alertmanagers[].alert_relabel_configs[].regex", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alertmanagers[].alert_relabel_configs[].replacement", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alertmanagers[].alert_relabel_configs[].separator", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alertmanagers[].alert_relabel_configs[].source_labels", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alertmanagers[].alert_relabel_configs[].target_label", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "alerting.alertmanagers[].api_version", status: Status::Honoured { test: "load::alertmanagers" } },
    Row { path: "alerting.alertmanagers[].path_prefix", status: Status::Honoured { test: "load::alertmanagers" } },
    Row { path: "alerting.alertmanagers[].scheme", status: Status::Honoured { test: "load::alertmanagers" } },
    Row { path: "alerting.alertmanagers[].sigv4", status: Status::Refused { reason: "requests are not signed for AWS; the other ways to authenticate work", neutral: &[] } },
    Row { path: "alerting.alertmanagers[].timeout", status: Status::Honoured { test: "load::alertmanagers" } },
];
