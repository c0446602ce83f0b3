//! # The operator's configuration has the job
//!
//! **Looks at** the Secret `prometheus-NAME`, in which prometheus-operator puts what it made of the monitors: is there a job of
//! this monitor's endpoint? Reading that one Secret is optional; without the right, the next station tells as much.
//!
//! **Why it is asked.** It is the second of three stations: the monitor, the Secret, the process. A monitor that is selected
//! and is not here was rejected, or the operator is behind.
//!
//! **How to mend.** The log of prometheus-operator says why: search it for the name of the monitor.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::checks::t518_pending::{DELAY, age};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::operators::operators;
use crate::facts::prometheus::Taken;
use crate::generated;

pub(crate) static CHECK: Check = Check {
    id: "T605",
    slug: "not-in-generated-config",
    title: "the operator's configuration has the job",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T502", "T503", "T504", "T510", "T517", "T601", "T603", "T604"],
    evidence: &[Evidence::Secret],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branch = facts.best(component).filter(|b| b.taken.as_ref().is_some_and(Taken::yes))?;
    let prometheus = facts.prometheus(branch)?;
    let monitor = facts.monitor(branch);
    let entity = Entity::of(component).in_prometheus(prometheus.name.clone());
    let Some(config) = generated::of(facts.snap, &prometheus.name) else {
        return Some(Judged::skipped(entity, "the Secret of the configuration was not read"));
    };
    let pool = monitor.pool();
    if generated::has_job(&config, &pool) {
        return Some(Judged::pass(entity));
    }
    if age(facts, monitor).is_some_and(|a| a < DELAY) {
        return Some(Judged::pending(entity, "the operator needs a moment for a new monitor"));
    }
    let title = format!(
        "{} is selected, and the operator's configuration has no job of it",
        monitor.object.reference()
    );
    let secret =
        format!("Secret {}/prometheus-{}", prometheus.object.meta.namespace, prometheus.object.meta.name);
    let finding = Finding::new(title)
        .confidence(Confidence::Observed)
        .cause(monitor.object, "")
        .row(secret, "", "")
        .row("jobs", generated::jobs(&config).count().to_string(), format!("none is {pool}"));
    let advice = match operators(facts.snap).first() {
        Some(operator) => {
            let object = operator.object.reference();
            format!(
                "search the log of the operator for {}: kubectl -n {} logs deployment/{}",
                monitor.object.meta.name, object.namespace, object.name
            )
        }
        None => format!("search the log of prometheus-operator for {}", monitor.object.meta.name),
    };
    let fix = Fix::Outside(advice);
    Some(Judged::fail(entity, finding.fix(fix)))
}

#[cfg(test)]
mod tests {
    use crate::snapshot::Snapshot;
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::Options;

    fn with(config: &str) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |_| {});
        snap.generated
            .insert("monitoring/prometheus-kube-prometheus-prometheus".to_owned(), config.to_owned());
        snap
    }

    #[track_caller]
    fn check(snap: &Snapshot, expect: usize) {
        assert_eq!(findings("T605", snap).len(), expect, "{:?}", findings("T605", snap));
    }

    #[test]
    fn the_job_is_looked_for_by_its_pool() {
        let jobs = ["felix", "typha", "kube-controllers"]
            .map(|c| format!("- job_name: serviceMonitor/monitoring/calico-{c}/0\n"));
        check(&with(&jobs.concat()), 0);
        check(&with(&jobs[..2].concat()), 1);
        // Without the Secret nothing is said.
        check(&snapshot(&Options::default(), |_| {}), 0);
    }

    #[test]
    fn the_operators_log_is_where_to_look() {
        assert_eq!(
            mends("T605", &with("- job_name: other\n"))[0],
            "outside: search the log of the operator for calico-felix: kubectl -n monitoring logs deployment/prometheus-kube-prometheus-operator"
        );
    }
}
