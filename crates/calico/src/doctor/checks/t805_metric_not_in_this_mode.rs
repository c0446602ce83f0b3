//! # Panels of other modes are empty by nature
//!
//! **Looks at** panels without data whose metric exists only in another mode: the eBPF dataplane, nftables, flow logs, WireGuard, a
//! later version of Calico, or after an event that has not happened yet.
//!
//! **Why it matters.** Ten of the 36 expressions of Calico's Felix dashboard are empty on a healthy cluster with iptables. This is
//! never a failure; the check only says which they are, so that nobody looks for the fault.
//!
//! **How to mend.** Nothing is broken.

use crate::component::Component;
use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::panel_causes::{Culprit, of_board, panels};
use crate::doctor::verdict::Level;
use crate::doctor::wording::listed;
use crate::facts::Facts;
use crate::facts::panels::PanelQuery;
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T805",
    slug: "metric-not-in-this-mode",
    title: "panels of other modes are empty by nature",
    station: Station::Panels,
    level: Level::Info,
    needs: &["T710"],
    evidence: &[Evidence::Prometheus, Evidence::Grafana],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if let Some(judged) = unasked(facts, Entity::cluster()) {
        return vec![judged];
    }
    let mut out = Vec::new();
    for board in facts.boards() {
        let judged = of_board(facts, board);
        let mut by_need: BTreeMap<(Option<Component>, &str), Vec<&PanelQuery>> = BTreeMap::new();
        for (query, culprit) in &judged {
            if let Culprit::Mode(need) = culprit {
                by_need.entry((query.component, need)).or_default().push(query);
            }
        }
        out.extend(by_need.into_iter().map(|((component, need), queries)| {
            let entity = component
                .map_or_else(Entity::cluster, Entity::of)
                .item(format!("dashboard {}", board.name()));
            Judged::skipped(entity, format!("{} need {need}", listed(&panels(&queries), 5)))
        }));
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::doctor::verdict::Verdict;
    use crate::testing::{answered, dashboard, findings, judged, running};
    use tortie_sim::installs::Options;

    #[test]
    fn other_modes_are_skipped_and_never_found() {
        let snap = running(&Options::default(), |o| {
            o.add(dashboard("d", &["felix_host", "felix_bpf_events", "felix_nft_flowtable_devices"]));
        });
        let snap = answered(snap, &["felix_host{}"], &[]);
        assert_eq!(findings("T805", &snap), Vec::<String>::new());
        let said: Vec<(Verdict, String)> =
            judged("T805", &snap).into_iter().map(|j| (j.verdict, j.note)).collect();
        assert_eq!(
            said,
            [
                (Verdict::Skipped, "p2 need Calico 3.33 or later".to_owned()),
                (Verdict::Skipped, "p1 need the eBPF dataplane".to_owned()),
            ]
        );
    }
}
