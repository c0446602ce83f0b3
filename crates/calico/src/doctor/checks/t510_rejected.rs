//! # The operator accepts the monitor
//!
//! **Looks at** `status.bindings` of the monitor, at events with the reason `InvalidConfiguration`, and at the rules of the
//! monitor themselves: relabellings that do not parse.
//!
//! **Why it breaks silently.** A monitor that prometheus-operator does not accept is left out of the configuration, and the
//! rest goes on. It says so in its log, in an event that lives an hour, and only behind a feature gate in the status.
//!
//! **How to mend.** The message names the field. The usual causes: a Secret that is not in the monitor's own namespace, a
//! regular expression that does not parse, a scrape class that does not exist.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::facts::discovered::rules;
use crate::facts::monitors::Monitor;
use crate::generated;
use serde_json::Value;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T510",
    slug: "rejected",
    title: "the operator accepts the monitor",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T502", "T503", "T512"],
    evidence: &[Evidence::Objects, Evidence::Events],
    // What makes it be rejected may have its own check (T512): then this follows from it.
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branch = facts.best(component)?;
    let monitor = facts.monitor(branch);
    let name = facts.prometheus(branch)?.name.clone();
    let entity = Entity::of(component).in_prometheus(name.clone());
    for field in ["relabelings", "metricRelabelings"] {
        if let Err((index, error)) = rules(monitor, field) {
            let title = format!(
                "{} is not valid, so the operator leaves the monitor out: {error}",
                monitor.label(&format!("{field}/{index}"))
            );
            let finding = Finding::new(title)
                .cause(monitor.object, &format!("{}/{index}", monitor.pointer(field)))
                .heading(monitor.object.reference().to_string())
                .row(
                    format!("{field}[{index}]"),
                    monitor.field(field)?.get(index).map(Value::to_string).unwrap_or_default(),
                    "",
                )
                .fix(Fix::Outside(format!("correct {field}[{index}] of {}", monitor.object.reference())));
            return Some(Judged::fail(entity, finding));
        }
    }
    let told = || event(facts, monitor).filter(|_| !has_job(facts, &name, monitor));
    let Some(message) = bindings(monitor.object, &name).or_else(told) else {
        return Some(Judged::pass(entity));
    };
    let finding = Finding::new(format!("the operator does not accept the monitor: {message}"))
        .confidence(Confidence::Observed)
        .cause(monitor.object, "")
        .heading(monitor.object.reference().to_string())
        .row("message", message.clone(), "by prometheus-operator")
        .fix(fix(monitor, &message));
    Some(Judged::fail(entity, finding))
}

/// Whether the configuration has a job of the monitor, which an operator that rejects it takes out. An event lives an hour, and
/// the time of the last change is not always known: who takes back what was his alone leaves no entry in managedFields.
/// The operator's Secret is asked where it was read, else the processes.
fn has_job(facts: &Facts<'_>, prometheus: &str, monitor: &Monitor<'_>) -> bool {
    let pool = monitor.pool();
    let has = |config: &str| generated::has_job(config, &pool);
    match generated::of(facts.snap, prometheus) {
        Some(config) => has(&config),
        None => facts.reachable().any(|c| c.object == prometheus && c.config.as_deref().is_some_and(has)),
    }
}

/// When the message quotes a Secret or ConfigMap that a field of the endpoint refers to, that field is the place.
fn fix(monitor: &Monitor<'_>, message: &str) -> Fix {
    const REFER: [&str; 5] = ["basicAuth", "authorization", "bearerTokenSecret", "tlsConfig", "oauth2"];
    let object = monitor.object.reference();
    // Quotes inside a quoted message come escaped.
    let plain = message.replace('\\', "");
    let quoted: Vec<&str> = plain.split('"').skip(1).step_by(2).collect();
    let names = |v: &Value| quoted.iter().any(|q| v.to_string().contains(&format!("\"name\":\"{q}\"")));
    let field = REFER.into_iter().find(|f| monitor.field(f).is_some_and(names));
    let Some(field) = field else {
        return Fix::Outside(format!("correct what the message names in {object}"));
    };
    let note = format!(
        "or create what it refers to, in namespace {}: secrets are looked for beside the monitor",
        object.namespace
    );
    Fix::Edit { object, path: monitor.pointer(field), value: Value::Null, note }
}

/// What the status says of the Prometheus object, when the operator writes it. What it says of an earlier generation than
/// the one that stands says nothing.
fn bindings(object: &Object, prometheus: &str) -> Option<String> {
    let ours = object.list("/status/bindings").iter().find(|b| {
        format!("{}/{}", b["namespace"].as_str().unwrap_or_default(), b["name"].as_str().unwrap_or_default())
            == prometheus
    })?;
    let accepted =
        ours["conditions"].as_array()?.iter().find(|c| c["type"] == "Accepted" && c["status"] == "False")?;
    if accepted["observedGeneration"].as_i64().is_some_and(|seen| seen < object.meta.generation) {
        return None;
    }
    Some(accepted["message"].as_str().or(accepted["reason"].as_str())?.to_owned())
}

/// The newest rejection event about the monitor that is younger than its last change.
fn event(facts: &Facts<'_>, monitor: &Monitor<'_>) -> Option<String> {
    let meta = &monitor.object.meta;
    let changed = meta
        .managed
        .iter()
        .filter(|m| m.subresource.is_empty())
        .filter_map(|m| m.time)
        .max()
        .or(meta.created);
    let events = facts
        .snap
        .objects
        .iter()
        .filter(|o| o.gvk.kind == "Event" && o.text("/reason") == Some("InvalidConfiguration"));
    let about = events.filter(|e| {
        let regarding = e.at("/regarding").or_else(|| e.at("/involvedObject"));
        regarding.is_some_and(|r| {
            r["kind"] == monitor.object.gvk.kind && r["name"] == meta.name && r["namespace"] == meta.namespace
        })
    });
    let newest = about.max_by_key(|e| last_seen(e))?;
    // Its age is that of the newest repeat; one from before the change speaks of what was.
    let stale = matches!((last_seen(newest), changed), (Some(seen), Some(changed)) if seen < changed);
    if stale {
        return None;
    }
    newest.text("/note").or_else(|| newest.text("/message")).map(str::to_owned)
}

fn last_seen(event: &Object) -> Option<i64> {
    let paths = ["/series/lastObservedTime", "/lastTimestamp", "/deprecatedLastTimestamp", "/eventTime"];
    let time = |p: &str| event.text(p).and_then(|t| tortie_model::timestamp::parse(t).ok());
    paths.iter().find_map(|p| time(p)).or(event.meta.created)
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    fn event(time: &str) -> Value {
        json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "x", "namespace": "monitoring"},
            "reason": "InvalidConfiguration", "note": "secrets \"basic\" not found", "eventTime": time, "type": "Warning",
            "regarding": {"kind": "ServiceMonitor", "namespace": "monitoring", "name": "calico-felix"}})
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: Option<&str>) {
        let got = findings("T510", &snapshot(&Options::default(), change));
        assert_eq!(got.first().and_then(|f| f.split_once(": ")).map(|f| f.1), expect);
    }

    #[test]
    fn events_status_and_rules_are_read() {
        check(|_| {}, None);
        check(
            |o| {
                o.add(event("2026-01-06T10:00:00.000000Z"));
            },
            Some("the operator does not accept the monitor: secrets \"basic\" not found"),
        );
        // The monitor was changed after it.
        check(
            |o| {
                o.add(event("2026-01-06T08:00:00.000000Z"));
            },
            None,
        );
    }

    #[test]
    fn an_event_of_what_was_taken_back_is_old() {
        #[track_caller]
        fn check(config: &str, expect: usize) {
            let mut snap = snapshot(&Options::default(), |o| {
                o.add(event("2026-01-06T10:00:00.000000Z"));
            });
            snap.generated
                .insert("monitoring/prometheus-kube-prometheus-prometheus".to_owned(), config.to_owned());
            assert_eq!(findings("T510", &snap).len(), expect, "{config}");
        }
        check("- job_name: serviceMonitor/monitoring/calico-typha/0\n", 1);
        check("- job_name: serviceMonitor/monitoring/calico-felix/0\n", 0);
    }

    #[test]
    fn a_rule_that_does_not_parse_is_foretold() {
        let snap = snapshot(&Options::default(), |o| {
            let rule = json!([{"sourceLabels": ["pod"], "regex": "(", "action": "keep"}]);
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/relabelings", rule);
        });
        let got = findings("T510", &snap);
        assert_eq!(got.len(), 1);
        assert!(
            got[0].contains(
                ": endpoints[0].relabelings[0] is not valid, so the operator leaves the monitor out: "
            ),
            "{got:?}"
        );
    }

    #[test]
    fn a_secret_that_the_message_quotes_is_the_place() {
        let snap = snapshot(&Options::default(), |o| {
            let auth = json!({"username": {"name": "basic", "key": "user"}});
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/basicAuth", auth);
            o.add(event("2026-01-06T10:00:00.000000Z"));
        });
        let got = mends("T510", &snap);
        assert!(
            got[0].starts_with(
                "edit ServiceMonitor monitoring/calico-felix /spec/endpoints/0/basicAuth = null: or create"
            ),
            "{got:?}"
        );
    }

    /// A monitor whose status says that it is not accepted; `seen` is the generation that it speaks of.
    fn rejected(seen: Option<i64>) -> crate::snapshot::Snapshot {
        snapshot(&Options::default(), |o| {
            let mut told =
                json!({"type": "Accepted", "status": "False", "message": "scrape class x not found"});
            if let Some(seen) = seen {
                told["observedGeneration"] = json!(seen);
            }
            let bindings = json!([{"resource": "prometheuses", "namespace": "monitoring",
                "name": "prometheus-kube-prometheus-prometheus", "conditions": [told]}]);
            let monitor = o.get("ServiceMonitor", "calico-felix");
            set(monitor, "/status/bindings", bindings);
            set(monitor, "/metadata/generation", json!(3));
        })
    }

    #[test]
    fn a_status_of_an_earlier_generation_says_nothing() {
        #[track_caller]
        fn check(seen: Option<i64>, expect: usize) {
            assert_eq!(findings("T510", &rejected(seen)).len(), expect, "{seen:?}");
        }
        check(Some(2), 0);
        check(Some(3), 1);
        check(None, 1);
    }

    #[test]
    fn the_message_is_what_there_is_to_do() {
        assert_eq!(
            mends("T510", &rejected(None)),
            ["outside: correct what the message names in ServiceMonitor monitoring/calico-felix"]
        );
    }
}
