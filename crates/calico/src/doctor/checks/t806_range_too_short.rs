//! # Ranges hold two samples
//!
//! **Looks at** the ranges of `rate`, `increase` and their like in dashboards that read Calico's series, against the interval at which
//! the component is scraped.
//!
//! **Why it breaks silently.** A rate needs two samples in its window. `[30s]` at an interval of 30 s holds one and gives nothing, ever; at
//! 20 s it holds one or two, and the panel blinks. Two expressions of Calico's Typha dashboard use `[30s]`, and 30 s is the
//! operator's default interval.
//!
//! **How to mend.** Use `$__rate_interval`, which Grafana computes from the interval, or four intervals.

use crate::component::Component;
use crate::doctor::bisect::{Diagnosis, Oracle, diagnose};
use crate::doctor::check::{Check, Evidence, Judged, Station, without_boards};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::panel_causes::panels;
use crate::doctor::rewrite::{self, Replacement};
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::doctor::wording::listed;
use crate::facts::Facts;
use crate::facts::panels::{Board, PanelQuery};
use crate::facts::queries::{relaxed, windows};
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T806",
    slug: "range-too-short",
    title: "ranges hold two samples",
    station: Station::Panels,
    level: Level::Fail,
    needs: &["T710"],
    evidence: &[Evidence::Objects, Evidence::Grafana],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if let Some(judged) = without_boards(facts) {
        return vec![judged];
    }
    facts.boards().iter().flat_map(|b| of(facts, b)).collect()
}

fn of(facts: &Facts<'_>, board: &Board) -> Vec<Judged> {
    let mut short: BTreeMap<(Component, i64), Vec<&PanelQuery>> = BTreeMap::new();
    let oracle = Oracle::new(facts);
    for query in &board.queries {
        let (Ok(expr), Some(component)) = (&query.expr, query.component) else { continue };
        if !facts.has(component) {
            continue;
        }
        let interval = facts.scrape_interval(component);
        let least = windows(expr).into_iter().map(|(_, m)| m.range_ms()).min();
        let Some(range) = least.filter(|ms| (*ms as f64) < 2000.0 * interval) else { continue };
        // What was seen to have data, and whose window holds two samples at times, is only a warning; one sample is none.
        let seen = facts.some_samples(component) && diagnose(&oracle, &relaxed(expr)) == Diagnosis::Data;
        if !(seen && range as f64 > 1000.0 * interval) {
            short.entry((component, range)).or_default().push(query);
        }
    }
    if short.is_empty() {
        let component = board.components.first().copied();
        return component.map(|c| Judged::pass(entity(c, board))).into_iter().collect();
    }
    short.into_iter().map(|((c, range), queries)| judged(facts, board, c, range, &queries)).collect()
}

fn entity(component: Component, board: &Board) -> Entity {
    Entity::of(component).item(format!("dashboard {}", board.name()))
}

fn judged(
    facts: &Facts<'_>,
    board: &Board,
    component: Component,
    range: i64,
    queries: &[&PanelQuery],
) -> Judged {
    let interval = facts.scrape_interval(component);
    let text = tortie_model::duration::format(range);
    let never = range as f64 <= 1000.0 * interval;
    let holds = if never { "holds one sample; a rate needs two" } else { "holds two samples only at times" };
    let names = panels(queries);
    let title = format!(
        "[{text}] at an interval of {interval:.0} s {holds}: {} of \"{}\"",
        counted(names.len(), "panel"),
        board.name()
    );
    let mut finding = Finding::new(title).row("panels", listed(&names, 5), "");
    if let Some(object) = &board.object {
        finding = finding.cause(object, &board.pointer);
    }
    finding.cause.path = board.pointer.clone();
    finding.cause.have = format!("[{text}]");
    let written: Vec<String> = queries.iter().filter_map(|q| range_as_written(&q.raw, range)).collect();
    finding = match written.first() {
        Some(raw) => {
            let change = Replacement::text(&format!("[{raw}]"), "[$__rate_interval]");
            finding.fix(rewrite::board(facts, board, &[change]))
        }
        None => finding.fix(Fix::Outside(
            "use [$__rate_interval] in these panels, and leave the panel's min step empty".to_owned(),
        )),
    };
    if never {
        Judged::fail(entity(component, board), finding)
    } else {
        Judged::warn(entity(component, board), finding)
    }
}

/// The range as the dashboard writes it, when it is a plain duration.
fn range_as_written(raw: &str, range: i64) -> Option<String> {
    let mut rest = raw;
    while let Some((_, tail)) = rest.split_once('[') {
        let (inner, after) = tail.split_once(']')?;
        if tortie_model::duration::parse(inner.trim()).ok() == Some(range) {
            return Some(inner.to_owned());
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::snapshot::Snapshot;
    use crate::testing::{dashboard, findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    fn with(range: &str, interval: &str) -> Snapshot {
        snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-typha"), "/spec/endpoints/0/interval", json!(interval));
            o.add(dashboard("d", &[&format!("rate(typha_connections_accepted[{range}])")]));
        })
    }

    #[track_caller]
    fn check(range: &str, interval: &str, expect: &[&str]) {
        assert_eq!(findings("T806", &with(range, interval)), expect, "{range} at {interval}");
    }

    #[test]
    fn two_samples_must_fit() {
        check("30s", "15s", &[]);
        check("$__rate_interval", "30s", &[]);
        check(
            "30s",
            "30s",
            &[
                "fail typha dashboard Board d: [30s] at an interval of 30 s holds one sample; a rate needs two: 1 panel of \"Board d\"",
            ],
        );
        check(
            "30s",
            "20s",
            &[
                "warn typha dashboard Board d: [30s] at an interval of 20 s holds two samples only at times: 1 panel of \"Board d\"",
            ],
        );
        assert!(mends("T806", &with("30s", "30s"))[0].contains("rate_interval"));
    }
}
