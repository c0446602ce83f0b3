//! # Prometheus' pods are ready
//!
//! **Looks at** the StatefulSet and the pods of the Prometheus object, at its claims of storage, and at how far it has
//! replayed its log.
//!
//! **Why it breaks silently.** A Prometheus that starts, waits for its volume or is killed for memory again and again scrapes
//! nothing. Replaying a large log takes many minutes after each restart, and meanwhile all graphs have a hole.
//!
//! **How to mend.** `kubectl describe` of the pod says what it waits for; a replay only takes time.

use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::prometheus::Prometheus;
use serde_json::Value;
use tortie_cluster::object::Pod;

pub(crate) static CHECK: Check = Check {
    id: "T608",
    slug: "prometheus-not-ready",
    title: "Prometheus' pods are ready",
    station: Station::Targets,
    level: Level::Fail,
    needs: &["T602", "T601", "T603"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.reading().into_iter().map(|p| of(facts, p)).collect()
}

fn of(facts: &Facts<'_>, prometheus: &Prometheus<'_>) -> Judged {
    let entity = Entity::prometheus(prometheus.name.clone());
    if let Some(judged) = blind::list(facts, &entity, "pods") {
        return judged;
    }
    let replaying =
        facts.snap.collectors.iter().filter(|c| c.object == prometheus.name).find_map(|c| c.replaying);
    if let Some(done) = replaying.filter(|d| *d < 1.0) {
        let text = format!("{} replays its log: {:.0} % done", prometheus.object.reference(), done * 100.0);
        let finding = Finding::new(text)
            .cause(prometheus.object, "")
            .row("replayed", format!("{:.0} %", done * 100.0), "")
            .fix(Fix::Outside("wait; it answers when the log is read".to_owned()));
        return Judged::fail(entity, finding);
    }
    let pods = pods(facts, prometheus);
    let wanted =
        prometheus.object.at("/spec/replicas").and_then(Value::as_u64).unwrap_or(1) * prometheus.shards();
    let sets: Vec<_> = facts
        .snap
        .of("apps", "StatefulSet")
        .filter(|s| {
            s.meta.controller().is_some_and(|c| {
                c.kind == prometheus.object.gvk.kind && c.name == prometheus.object.meta.name
            })
        })
        .filter(|s| s.meta.namespace == prometheus.object.meta.namespace)
        .collect();
    if wanted == 0 {
        let finding = Finding::new(format!("{} has 0 replicas", prometheus.object.reference()))
            .cause(prometheus.object, "/spec/replicas")
            .fix(crate::doctor::mend::set(facts, prometheus.object, "/spec/replicas", 1.into(), Auto::Ask));
        return Judged::fail(entity, finding);
    }
    // No controller has looked at the set (a dump of an API server alone): its pods cannot be expected.
    let looked_at = !pods.is_empty() || sets.iter().any(|s| s.at("/status/observedGeneration").is_some());
    if !looked_at {
        return blind::absent(facts, entity, "a pod of Prometheus");
    }
    let ready = pods.iter().filter(|p| p.ready).count() as u64;
    if ready >= wanted {
        return Judged::pass_with(entity, format!("{ready}/{wanted}"));
    }
    let why =
        pods.iter().find(|p| !p.ready).map(|p| reason(p)).unwrap_or_else(|| pending_claim(facts, prometheus));
    let title = format!("{ready} of {wanted} pods of {} are ready{why}", prometheus.object.reference());
    let meta = &prometheus.object.meta;
    let advice = format!(
        "look at what the pod waits for: kubectl -n {} describe pods -l operator.prometheus.io/name={}",
        meta.namespace, meta.name
    );
    let mut finding = Finding::new(title).cause(prometheus.object, "/status/availableReplicas").row(
        "pods ready",
        format!("{ready} of {wanted}"),
        "",
    );
    for pod in pods.iter().filter(|p| !p.ready).take(3) {
        finding = finding.row(
            format!("Pod {}/{}", pod.meta.namespace, pod.meta.name),
            if pod.phase == "Running" { "running, not ready".to_owned() } else { pod.phase.to_lowercase() },
            reason(pod).trim_start_matches(": ").to_owned(),
        );
    }
    let finding = finding.fix(Fix::Outside(advice));
    // With one left, samples arrive.
    if ready == 0 { Judged::fail(entity, finding) } else { Judged::warn(entity, finding) }
}

fn pods<'f>(facts: &'f Facts<'_>, prometheus: &Prometheus<'_>) -> Vec<&'f Pod> {
    let meta = &prometheus.object.meta;
    let named = |p: &&Pod| {
        p.meta.namespace == meta.namespace
            && p.meta.labels.get("operator.prometheus.io/name").is_some_and(|n| *n == meta.name)
            && p.meta.labels.get("app.kubernetes.io/name").is_none_or(|n| n.starts_with("prometheus"))
    };
    facts.snap.pods.iter().filter(named).collect()
}

/// Why a pod is not ready, as the end of a sentence.
fn reason(pod: &Pod) -> String {
    let waiting =
        pod.containers.iter().find_map(|c| c.waiting.as_ref().map(|w| format!(": {} waits, {w}", c.name)));
    let ended = || {
        pod.containers.iter().find_map(|c| {
            c.ended.as_ref().filter(|_| c.restarts > 0).map(|e| format!(": {} ended with {e}", c.name))
        })
    };
    let phase =
        || if pod.phase == "Running" { String::new() } else { format!(": {}", pod.phase.to_lowercase()) };
    waiting.or_else(ended).unwrap_or_else(phase)
}

fn pending_claim(facts: &Facts<'_>, prometheus: &Prometheus<'_>) -> String {
    let meta = &prometheus.object.meta;
    let set = format!("-prometheus-{}-", meta.name);
    let claim = facts.snap.of("", "PersistentVolumeClaim").find(|c| {
        c.meta.namespace == meta.namespace
            && c.meta.name.contains(&set)
            && c.text("/status/phase") == Some("Pending")
    });
    claim.map(|c| format!(": claim {} waits for a volume", c.meta.name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    const POD: &str = "prometheus-prometheus-kube-prometheus-prometheus-0";
    const SET: &str = "prometheus-prometheus-kube-prometheus-prometheus";
    const OBJECT: &str = "Prometheus monitoring/prometheus-kube-prometheus-prometheus";

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: Option<&str>) {
        let got = findings("T608", &snapshot(&Options::default(), change));
        assert_eq!(got.first().and_then(|f| f.split_once(": ")).map(|f| f.1), expect);
    }

    fn crashing(o: &mut Objects) {
        let pod = o.get("Pod", POD);
        set(pod, "/status/conditions/0/status", json!("False"));
        set(pod, "/status/containerStatuses/0/state", json!({"waiting": {"reason": "CrashLoopBackOff"}}));
    }

    #[test]
    fn pods_are_counted_against_what_is_asked() {
        check(|_| {}, None);
        check(
            crashing,
            Some(&format!("0 of 1 pods of {OBJECT} are ready: prometheus waits, CrashLoopBackOff")),
        );
        check(
            |o| {
                o.remove("Pod", POD);
            },
            Some(&format!("0 of 1 pods of {OBJECT} are ready")),
        );
        // No controller has looked at the set.
        check(
            |o| {
                o.remove("Pod", POD);
                set(o.get("StatefulSet", SET), "/status/observedGeneration", Value::Null);
            },
            None,
        );
    }

    #[test]
    fn the_pods_say_what_they_wait_for() {
        assert_eq!(
            mends("T608", &snapshot(&Options::default(), crashing)),
            ["outside: look at what the pod waits for: kubectl -n monitoring describe pods -l \
              operator.prometheus.io/name=prometheus-kube-prometheus-prometheus"]
        );
    }
}
