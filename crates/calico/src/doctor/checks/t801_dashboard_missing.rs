//! # Dashboards reach Grafana
//!
//! **Looks at** ConfigMaps that hold a dashboard of Calico, and at the side-car in Grafana's pod that turns labelled ConfigMaps
//! into dashboards: which label, which value, which namespaces.
//!
//! **Why it breaks silently.** A ConfigMap without the label is a ConfigMap like any other. Calico's own file
//! (`grafana-dashboards.yaml`) has no label and stands in a namespace of its own, so applied as it is it never appears in
//! kube-prometheus-stack's Grafana.
//!
//! **How to mend.** Give the ConfigMap the label that the side-car looks for, in a namespace where it looks.
//! `tortie setup` brings three that have both.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::fix::Fix;
use crate::doctor::mend_link::label;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::grafana::{SideCar, is_mounted, side_cars};
use crate::facts::panels::Board;

pub(crate) static CHECK: Check = Check {
    id: "T801",
    slug: "dashboard-missing",
    title: "dashboards reach Grafana",
    station: Station::Panels,
    level: Level::Warn,
    needs: &["T201"],
    evidence: &[Evidence::Objects, Evidence::Grafana],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let cars = side_cars(facts.snap);
    let boards = facts.boards();
    if boards.is_empty() {
        return none(facts, &cars);
    }
    if cars.is_empty() {
        return vec![Judged::skipped(
            Entity::cluster(),
            "no Grafana with a side-car for dashboards is in sight",
        )];
    }
    boards.iter().filter_map(|b| of(facts, b, &cars)).collect()
}

/// No dashboard at all is worth a word only when Grafana itself said so: it may keep some that ConfigMaps do not show.
fn none(facts: &Facts<'_>, cars: &[SideCar]) -> Vec<Judged> {
    if facts.snap.grafana.is_none() || cars.is_empty() {
        return vec![Judged::skipped(
            Entity::cluster(),
            "no dashboard that reads Calico's series is in sight",
        )];
    }
    let finding = Finding::new("Grafana has no dashboard that reads Calico's series").fix(Fix::Outside(
        "`tortie setup` puts three there: Felix, Typha, kube-controllers".to_owned(),
    ));
    vec![Judged::info(Entity::cluster(), finding)]
}

fn entity(board: &Board) -> Entity {
    let only: Option<Component> = board.components.first().copied().filter(|_| board.components.len() == 1);
    let entity = only.map_or_else(Entity::cluster, Entity::of);
    entity.item(format!("dashboard {}", board.name()))
}

fn of(facts: &Facts<'_>, board: &Board, cars: &[SideCar]) -> Option<Judged> {
    let object = board.object.as_ref().filter(|o| o.gvk.is("", "ConfigMap"))?;
    let labels = &object.meta.labels;
    let taken = cars.iter().any(|c| c.takes_label(labels) && c.looks_in(&object.meta.namespace));
    if taken || is_mounted(facts.snap, object) {
        return Some(Judged::pass(entity(board)));
    }
    let car = cars.iter().find(|c| c.looks_in(&object.meta.namespace)).or_else(|| cars.first())?;
    let wanted = format!("{}={}", car.label, car.value.as_deref().unwrap_or("1"));
    let mut finding = Finding::new("").cause(object, "/metadata/labels");
    if car.takes_label(labels) {
        finding.title = format!(
            "dashboard \"{}\" is in a namespace where Grafana's side-car does not look",
            board.name()
        );
        let namespaces = car.namespaces.clone().unwrap_or_default().join(", ");
        finding = finding.cause(object, "/metadata/namespace").row(
            "side-car looks in",
            namespaces,
            car.workload.to_string(),
        );
        let text = format!(
            "move the ConfigMap to one of these namespaces, or let the side-car of {} look everywhere (NAMESPACE=ALL)",
            car.workload
        );
        return Some(Judged::warn(entity(board), finding.fix(Fix::Outside(text))));
    }
    finding.title =
        format!("dashboard \"{}\" is not taken: its ConfigMap lacks the label {wanted}", board.name());
    let has =
        labels.get(&car.label).map_or_else(|| "(no such label)".to_owned(), |v| format!("{}={v}", car.label));
    finding = finding
        .row(object.reference().to_string(), has, "")
        .row("side-car takes", wanted.clone(), car.workload.to_string())
        .fix(label(facts, object, "configmaps", &[wanted], Auto::Yes));
    Some(Judged::warn(entity(board), finding))
}

#[cfg(test)]
mod tests {
    use crate::testing::{dashboard, findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(labels: serde_json::Value, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            let mut board = dashboard("d", &["felix_host"]);
            board["metadata"]["labels"] = labels;
            o.add(board);
        });
        assert_eq!(findings("T801", &snap), expect);
    }

    #[test]
    fn the_label_decides() {
        check(json!({"grafana_dashboard": "1"}), &[]);
        check(
            json!({"grafana_dashboard": "yes"}),
            &[
                "warn felix dashboard Board d: dashboard \"Board d\" is not taken: its ConfigMap lacks the label grafana_dashboard=1",
            ],
        );
        let snap = snapshot(&Options::default(), |o| {
            let mut board = dashboard("d", &["felix_host"]);
            board["metadata"]["labels"] = json!({});
            o.add(board);
        });
        assert_eq!(
            mends("T801", &snap),
            ["kubectl --context=test -n monitoring label configmaps d grafana_dashboard=1 --overwrite"]
        );
    }

    #[test]
    fn no_dashboard_is_no_finding() {
        assert_eq!(findings("T801", &snapshot(&Options::default(), |_| {})), Vec::<String>::new());
    }
}
