//! # Prometheus has loaded the configuration
//!
//! **Looks at** what the process says of itself: `/api/v1/status/config`, `prometheus_config_last_reload_successful`, and the
//! lines of its log about reloading.
//!
//! **Why it breaks silently.** Prometheus refuses a configuration as a whole when one part is wrong, mostly a job written by
//! hand in `additionalScrapeConfigs`, and goes on with the last good one. Everything that came since is missing, and the
//! page of targets looks healthy.
//!
//! **How to mend.** The log names the line. Mend that part; the reloader tries again by itself.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::checks::t518_pending::{DELAY, age};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::prometheus::{Prometheus, Taken};
use crate::generated;
use crate::snapshot::Collector;

pub(crate) static CHECK: Check = Check {
    id: "T606",
    slug: "not-loaded",
    title: "Prometheus has loaded the configuration",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T605", "T608", "T701"],
    evidence: &[Evidence::Prometheus],
    symptom: false,
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
    let own: Vec<&Collector> = facts.reachable().filter(|c| c.object == prometheus.name).collect();
    let pool = monitor.pool();
    let lacks = |c: &&&Collector| c.config.as_deref().is_some_and(|text| !generated::has_job(text, &pool));
    if own.iter().all(|c| c.config.is_none() && c.reload_ok.is_none()) {
        return None;
    }
    let Some(bad) = own.iter().find(lacks) else {
        // The job is there and the newest configuration is not: something else is held up.
        let Some(stuck) = own.iter().find(|c| c.reload_ok == Some(false)) else {
            return Some(Judged::pass(entity));
        };
        return Some(Judged::warn(entity, refused(facts, prometheus, stuck)));
    };
    if bad.reload_ok == Some(false) {
        return Some(Judged::fail(entity, refused(facts, prometheus, bad)));
    }
    if age(facts, monitor).is_some_and(|a| a < DELAY) {
        return Some(Judged::pending(entity, "kubelet and reloader need up to 2 min"));
    }
    let in_secret = generated::of(facts.snap, &prometheus.name).map(|text| generated::has_job(&text, &pool));
    if in_secret == Some(false) {
        return Some(Judged::skipped(entity, "the operator's own configuration has no such job (T605)"));
    }
    let title = match in_secret {
        Some(true) => format!(
            "the newest configuration is in the Secret and not in {}: the reloader has not brought it",
            bad.replica
        ),
        _ => format!("{} is selected, and {} has no job of it", monitor.object.reference(), bad.replica),
    };
    let advice =
        "look at the container config-reloader of the Prometheus pod, and at the log of prometheus-operator";
    let mut finding = Finding::new(title).confidence(Confidence::Observed).cause(monitor.object, "");
    if in_secret == Some(true) {
        // A reloader that hangs keeps every job back: one finding.
        finding = finding.cause(prometheus.object, "");
        finding.cause.path = "config-reloader".to_owned();
    }
    let finding = finding
        .row("asked", bad.replica.clone(), bad.via.clone())
        .row("job", pool, "not in /api/v1/status/config")
        .fix(Fix::Outside(advice.to_owned()));
    Some(Judged::fail(entity, finding))
}

/// A reload that failed concerns all that the Prometheus reads: one finding.
fn refused(facts: &Facts<'_>, prometheus: &Prometheus<'_>, collector: &Collector) -> Finding {
    let namespace = &prometheus.object.meta.namespace;
    let pods = format!("prometheus-{}", prometheus.object.meta.name);
    let line =
        facts.snap.logs.iter().rev().filter(|l| l.pod.0 == *namespace && l.pod.1.starts_with(&pods)).find(
            |l| {
                l.text.contains("reload")
                    || l.text.contains("loading configuration")
                    || l.text.contains("parsing YAML")
            },
        );
    let mut finding = Finding::new(format!(
        "{} refused its newest configuration and goes on with an old one",
        collector.replica
    ))
    .confidence(Confidence::Observed)
    .cause(prometheus.object, "")
    .row("asked", collector.replica.clone(), collector.via.clone())
    .row("prometheus_config_last_reload_successful", "0", "");
    if let Some(line) = line {
        finding = finding.row("log", line.text.clone(), "");
    }
    finding.cause.path = "last reload".to_owned();
    let advice = "mend what the log of the Prometheus container names (mostly a job in additionalScrapeConfigs); it is loaded by itself then";
    finding.fix(Fix::Outside(advice.to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::snapshot::{Collector, Snapshot};
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::Options;

    fn with(jobs: &[&str], reload_ok: bool) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |_| {});
        let jobs: String =
            jobs.iter().map(|c| format!("- job_name: serviceMonitor/monitoring/calico-{c}/0\n")).collect();
        snap.collectors.push(Collector {
            object: "monitoring/prometheus-kube-prometheus-prometheus".to_owned(),
            replica: "pod/prometheus-0".to_owned(),
            config: Some(format!("scrape_configs:\n{jobs}")),
            reload_ok: Some(reload_ok),
            ..Collector::default()
        });
        snap
    }

    #[track_caller]
    fn check(jobs: &[&str], reload_ok: bool, expect: &[&str]) {
        let got = findings("T606", &with(jobs, reload_ok));
        let got: Vec<&str> = got.iter().filter_map(|f| Some(f.split_once(": ")?.1)).collect();
        assert_eq!(got, expect);
    }

    const ALL: [&str; 3] = ["felix", "typha", "kube-controllers"];

    #[test]
    fn the_process_is_asked() {
        check(&ALL, true, &[]);
        check(
            &ALL[1..],
            true,
            &["ServiceMonitor monitoring/calico-felix is selected, and pod/prometheus-0 has no job of it"],
        );
        check(
            &ALL[1..],
            false,
            &["pod/prometheus-0 refused its newest configuration and goes on with an old one"; 3],
        );
    }

    #[test]
    fn nothing_can_be_typed() {
        assert!(mends("T606", &with(&[], false)).iter().all(|m| m.starts_with("outside: mend what the log")));
    }
}
