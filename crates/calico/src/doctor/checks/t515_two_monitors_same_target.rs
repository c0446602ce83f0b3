//! # No two monitors scrape the same targets
//!
//! **Looks at** the monitors that one Prometheus object takes: do two of them reach the metrics port of the same pods through
//! the same Service, by the same path?
//!
//! **Why it breaks silently.** Both give up targets. Every series is there twice, under two jobs or, worse, under one, where
//! the two overwrite each other; sums double and alerts page twice.
//!
//! **How to mend.** Delete one. Two Services with a monitor each are T408's.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::{Branch, Reach};
use crate::facts::monitors::Kind;
use crate::facts::ownership::kept_by;

pub(crate) static CHECK: Check = Check {
    id: "T515",
    slug: "two-monitors-same-target",
    title: "no two monitors scrape the same targets",
    station: Station::Monitor,
    level: Level::Warn,
    needs: &["T505"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branches: Vec<&Branch> = facts
        .branches
        .get(&component)?
        .iter()
        // What a ScrapeConfig reaches is not known well enough to say that it is the same.
        .filter(|b| b.whole() && facts.monitor(b).kind != Kind::ScrapeConfig)
        .collect();
    let first = branches.first()?;
    let second = branches.iter().skip(1).find(|b| same(facts, first, b));
    let entity = Entity::of(component);
    let Some(second) = second else { return Some(Judged::pass(entity)) };
    let (a, b) = (facts.monitor(first), facts.monitor(second));
    let (one, other) = (a.object.reference(), b.object.reference());
    let title = if one == other {
        format!("endpoints {} and {} of {one} scrape the same targets", a.index, b.index)
    } else {
        format!("{one} and {other} both scrape the pods of {}", component.title())
    };
    let mut finding = Finding::new(title).cause(b.object, &b.pointer("port"));
    for m in [a, b] {
        finding = finding.heading(m.object.reference().to_string()).row(m.label("port"), m.text("port"), "");
    }
    finding = finding.row("read by", facts.prometheus(first).map(|p| p.name.clone()).unwrap_or_default(), "");
    let fix = match kept_by(&b.object.meta, facts.snap) {
        Some(keeper) => Fix::Outside(format!(
            "delete one of the two; {other} is kept by {keeper}: {}",
            keeper.where_to_change()
        )),
        None if one == other => Fix::Outside(format!("remove one of the two endpoints of {one}")),
        None => {
            let command = Command::kubectl(&facts.snap.identity);
            let kind = format!("{}.{}.{}", b.plural(), other.gvk.version, other.gvk.group);
            Fix::Commands {
                auto: Auto::Ask,
                commands: vec![command.run(&other, &["delete", &kind, &other.name])],
            }
        }
    };
    Some(Judged::warn(entity, finding.fix(fix)))
}

/// One Prometheus object, one path, and the same Service (or pods straight).
fn same(facts: &Facts<'_>, a: &Branch, b: &Branch) -> bool {
    let path = |b: &Branch| {
        let path = facts.monitor(b).text("path").trim_start_matches('/');
        if path.is_empty() { "metrics" } else { path }.to_owned()
    };
    let service = match (&a.reach, &b.reach) {
        (Reach::Metrics(Some(x)), Reach::Metrics(Some(y))) => x == y,
        // Two different Services are T408's; pods straight and through a Service are the same pods.
        (Reach::Metrics(_), Reach::Metrics(_)) => true,
        _ => false,
    };
    a.prometheus == b.prometheus && a.monitor != b.monitor && service && path(a) == path(b)
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    fn copy(o: &mut Objects, release: Value) {
        let mut monitor = o.get("ServiceMonitor", "calico-felix").clone();
        set(&mut monitor, "/metadata/name", json!("felix-again"));
        set(&mut monitor, "/metadata/labels/release", release);
        o.add(monitor);
    }

    #[track_caller]
    fn check(release: Value, expect: &[&str]) {
        assert_eq!(findings("T515", &snapshot(&Options::default(), |o| copy(o, release))), expect);
    }

    #[test]
    fn only_monitors_that_are_taken_count() {
        check(json!("other"), &[]);
        check(
            json!("prometheus"),
            &[
                "warn felix: ServiceMonitor monitoring/calico-felix and ServiceMonitor monitoring/felix-again both scrape the pods of Felix",
            ],
        );
    }

    #[test]
    fn the_command_deletes_the_second() {
        assert_eq!(
            mends("T515", &snapshot(&Options::default(), |o| copy(o, json!("prometheus")))),
            [
                "kubectl --context=test -n monitoring delete servicemonitors.v1.monitoring.coreos.com felix-again"
            ]
        );
    }
}
