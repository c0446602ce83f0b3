//! `--emit-events`: what the operator never says of monitors and rules, as Events of Kubernetes beside them: who is refused,
//! whom nobody selects, who has no target and where its candidates fell out. One Event an object, reason and hour.

use super::crds::Following;
use super::running::Running;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tortie_cluster::Object;
use tortie_cluster::writer::{ApplyError, Mode, Writer};
use tortie_discovery::crds::follow::State;
use tortie_model::timestamp::format_rfc3339;
use tortie_wire::MetricType::Counter;
use tortie_wire::text::Writer as Metrics;

/// First look after the start: discovery has to find something first.
const FIRST: Duration = Duration::from_secs(5);
/// From one look to the next.
const EVERY: Duration = Duration::from_secs(30);
/// Most Events of one look; the rest comes with the next ones.
const MOST: usize = 100;
/// Longest text, bytes, as the API server takes it.
const NOTE: usize = 1024;
const HOUR_MS: i64 = 3_600_000;
/// As whom it is reported.
const CONTROLLER: &str = "tortie";

/// How often Events were written.
#[derive(Debug, Default)]
pub(super) struct Counts {
    created: AtomicU64,
    exists: AtomicU64,
    failed: AtomicU64,
}

impl Counts {
    pub(super) fn write_metrics(&self, out: &mut Vec<u8>) {
        const NAME: &str = "tortie_kubernetes_event_writes_total";
        let mut w = Metrics::with_buffer(std::mem::take(out));
        w.family(NAME, Counter, "Events of Kubernetes that were to be written, by what became of them.");
        for (result, n) in [("created", &self.created), ("exists", &self.exists), ("failed", &self.failed)] {
            w.sample(NAME, [("result", result)], n.load(Ordering::Relaxed) as f64);
        }
        *out = w.into_bytes();
    }
}

fn count(n: &AtomicU64) {
    n.fetch_add(1, Ordering::Relaxed);
}

/// Something that is to be known of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Happening {
    kind: &'static str,
    /// `namespace/name`.
    key: String,
    reason: &'static str,
    action: &'static str,
    note: String,
}

/// Tells of what happens until the server ends.
pub(super) async fn tell(running: Weak<Running>) {
    let mut told = Told::default();
    let mut empty = BTreeSet::new();
    let mut wait = FIRST;
    loop {
        tokio::time::sleep(wait).await;
        wait = EVERY;
        let Some(running) = running.upgrade() else { return };
        let Some(following) = running.crds.get() else { continue };
        let targets = following.targets(&running);
        // A monitor whose only pod is being replaced is no news: twice in a row it must have none.
        let now_empty: BTreeSet<String> =
            targets.iter().filter(|(_, t)| t.targets == 0).map(|(object, _)| object.clone()).collect();
        let still: BTreeSet<String> = empty.intersection(&now_empty).cloned().collect();
        empty = now_empty;
        let all = happenings(&following.state(), &targets, &still);
        told.tell(&running, following, all).await;
    }
}

/// What one object has of targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Targets {
    pub(super) kind: &'static str,
    pub(super) key: String,
    pub(super) targets: usize,
    /// Why candidates are none, and how many.
    pub(super) fell_out: BTreeMap<String, usize>,
}

fn happenings(
    state: &State,
    targets: &BTreeMap<String, Targets>,
    empty: &BTreeSet<String>,
) -> Vec<Happening> {
    let mut out = Vec::new();
    for v in &state.verdicts {
        let Some(words) = &v.refused else { continue };
        let name = v.key.split_once('/').map_or(v.key.as_str(), |(_, n)| n);
        let action = match v.kind {
            "PrometheusRule" => "SelectingPrometheusRuleResources",
            _ => "SelectingConfigurationResources",
        };
        let details = v.details.as_ref().map_or_else(String::new, |d| format!("\n{d}"));
        let (reason, what) = match v.unavailable {
            true => ("CredentialsUnavailable", "is left out by tortie"),
            false => ("InvalidConfiguration", "was rejected due to invalid configuration"),
        };
        let note = format!("{} {name} {what}: {words}{details}", v.kind);
        out.push(Happening { kind: v.kind, key: v.key.clone(), reason, action, note });
    }
    for u in &state.unselected {
        let note = format!("no Prometheus object selects this {}: {}", u.kind, u.why.join("; "));
        let (reason, action) = ("NotSelected", "Selecting");
        out.push(Happening { kind: u.kind, key: u.key.clone(), reason, action, note });
    }
    for t in targets.iter().filter(|(object, _)| empty.contains(*object)).map(|(_, t)| t) {
        let why: Vec<String> = t.fell_out.iter().map(|(cause, n)| format!("{cause} {n}")).collect();
        let why = match why.is_empty() {
            true => "there was no candidate".to_owned(),
            false => format!("candidates fell out by {}", why.join(", ")),
        };
        let note = format!("this {} of Prometheus {} has no target: {why}", t.kind, state.prometheus);
        let (reason, action) = ("NoTargets", "Discovering");
        out.push(Happening { kind: t.kind, key: t.key.clone(), reason, action, note });
    }
    out
}

/// What was told in this hour.
#[derive(Default)]
struct Told {
    hour: i64,
    done: BTreeSet<(&'static str, String, &'static str)>,
    failing: bool,
}

impl Told {
    async fn tell(&mut self, running: &Arc<Running>, following: &Following, all: Vec<Happening>) {
        let now = running.clock.now_ms();
        let hour = now.div_euclid(HOUR_MS);
        if hour != self.hour {
            self.hour = hour;
            self.done.clear();
        }
        let new = all.into_iter().filter(|h| !self.done.contains(&(h.kind, h.key.clone(), h.reason)));
        let new: Vec<Happening> = new.take(MOST).collect();
        if new.is_empty() {
            return;
        }
        let result = match following.cluster().await {
            Err(e) => Err(e),
            Ok(cluster) => self.write(&Writer::new(&cluster), running, following, new).await,
        };
        if let (Err(e), false) = (&result, self.failing) {
            tracing::warn!(
                component = "events",
                err = e.as_str(),
                "Events cannot be written; they are tried again"
            );
        }
        self.failing = result.is_err();
    }

    async fn write(
        &mut self,
        writer: &Writer,
        running: &Running,
        following: &Following,
        new: Vec<Happening>,
    ) -> Result<(), String> {
        let state = following.state();
        for h in new {
            let uid = state.uids.get(&(h.kind, h.key.clone()));
            let body = event(&h, uid.map(String::as_str), &running.hostname, running.clock.now_ms());
            let object = Object::parse(body).map_err(|e| format!("BUG: an Event that is none: {e}"))?;
            let counts = &following.events;
            match writer.create(&object, CONTROLLER, Mode::Real).await {
                Ok(_) => count(&counts.created),
                // Before a restart in the same hour it was told too.
                Err(ApplyError::Exists { .. }) => count(&counts.exists),
                // Its namespace ends, or the like: others may go.
                Err(e @ (ApplyError::Invalid { .. } | ApplyError::Denied { .. })) => {
                    count(&counts.failed);
                    tracing::warn!(component = "events", object = %h.key, err = %e, "An Event is not taken");
                }
                Err(e) => {
                    count(&counts.failed);
                    return Err(format!("{e}\nhint: tortie rbac run --emit-events prints the right"));
                }
            }
            self.done.insert((h.kind, h.key, h.reason));
        }
        Ok(())
    }
}

fn event(h: &Happening, uid: Option<&str>, instance: &str, now_ms: i64) -> serde_json::Value {
    let (namespace, name) = h.key.split_once('/').unwrap_or(("", &h.key));
    let mut hash = DefaultHasher::new();
    (h.kind, &h.key, h.reason, now_ms.div_euclid(HOUR_MS)).hash(&mut hash);
    let short: String = name.chars().take(200).collect();
    let short = short.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let version = if matches!(h.kind, "ScrapeConfig" | "AlertmanagerConfig") { "v1alpha1" } else { "v1" };
    let second = format_rfc3339(now_ms.div_euclid(1000) * 1000);
    let micros = now_ms.rem_euclid(1000) * 1000;
    let mut regarding = json!({
        "apiVersion": format!("monitoring.coreos.com/{version}"), "kind": h.kind, "namespace": namespace, "name": name,
    });
    if let Some(uid) = uid {
        regarding["uid"] = json!(uid);
    }
    let instance: String = instance.chars().take(128).collect();
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": namespace, "name": format!("{short}.{:016x}", hash.finish())},
        "eventTime": format!("{}.{micros:06}Z", second.trim_end_matches('Z')),
        "reportingController": CONTROLLER,
        "reportingInstance": if instance.is_empty() { CONTROLLER.to_owned() } else { instance },
        "action": h.action,
        "reason": h.reason,
        "type": "Warning",
        "regarding": regarding,
        "note": cut(&h.note),
    })
}

/// The text, no longer than the API server takes it.
fn cut(note: &str) -> &str {
    let mut end = note.len().min(NOTE);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note.get(..end).unwrap_or(note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_discovery::crds::{Unselected, Verdict};

    #[test]
    fn each_trouble_is_told_with_its_cause() {
        let refused = |kind, key: &str, words: &str, details: Option<&str>| Verdict {
            kind,
            key: key.into(),
            refused: Some(words.into()),
            unavailable: false,
            details: details.map(str::to_owned),
        };
        let unread = "credentials unavailable: basicAuth: no right";
        let state = State {
            prometheus: "m/k8s".into(),
            verdicts: vec![
                Verdict { refused: None, ..refused("ServiceMonitor", "a/fine", "", None) },
                refused("PrometheusRule", "a/bad", "invalid rule", Some("a/bad:3:7: no expression")),
                Verdict { unavailable: true, ..refused("Probe", "a/secret", unread, None) },
            ],
            unselected: vec![Unselected {
                kind: "PodMonitor",
                key: "a/alone".into(),
                why: vec!["m/k8s takes none: its podMonitorSelector is not set".into()],
            }],
            ..State::default()
        };
        let targets = |n, fell_out: &[(&str, usize)]| Targets {
            kind: "ServiceMonitor",
            key: "a/fine".into(),
            targets: n,
            fell_out: fell_out.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect(),
        };
        let all = BTreeMap::from([("x".to_owned(), targets(0, &[("port", 2), ("selector", 40)]))]);
        let said = happenings(&state, &all, &BTreeSet::from(["x".to_owned()]));
        let notes: Vec<(&str, &str, &str)> =
            said.iter().map(|h| (h.key.as_str(), h.reason, h.note.as_str())).collect();
        assert_eq!(
            notes,
            [
                (
                    "a/bad",
                    "InvalidConfiguration",
                    "PrometheusRule bad was rejected due to invalid configuration: invalid rule\na/bad:3:7: no expression"
                ),
                (
                    "a/secret",
                    "CredentialsUnavailable",
                    "Probe secret is left out by tortie: credentials unavailable: basicAuth: no right"
                ),
                (
                    "a/alone",
                    "NotSelected",
                    "no Prometheus object selects this PodMonitor: m/k8s takes none: its podMonitorSelector is not set"
                ),
                (
                    "a/fine",
                    "NoTargets",
                    "this ServiceMonitor of Prometheus m/k8s has no target: candidates fell out by port 2, selector 40"
                ),
            ]
        );
        assert_eq!(happenings(&state, &all, &BTreeSet::new()).len(), 3);
    }

    #[test]
    fn an_event_has_one_name_an_hour() {
        let h = Happening {
            kind: "ScrapeConfig",
            key: "ns/x".into(),
            reason: "NoTargets",
            action: "Discovering",
            note: "ß".repeat(600),
        };
        let name = |now| event(&h, Some("u"), "pod", now)["metadata"]["name"].clone();
        assert_eq!(name(0), name(HOUR_MS - 1));
        assert_ne!(name(0), name(HOUR_MS));
        let e = event(&h, Some("u"), "pod", 1_433_337_718_555);
        assert_eq!(e["eventTime"], json!("2015-06-03T13:21:58.555000Z"));
        assert_eq!(e["regarding"]["apiVersion"], json!("monitoring.coreos.com/v1alpha1"));
        assert_eq!((&e["regarding"]["uid"], &e["metadata"]["namespace"]), (&json!("u"), &json!("ns")));
        assert_eq!(e["note"].as_str().unwrap().len(), NOTE);
        assert!(Object::parse(e).is_ok());
    }
}
