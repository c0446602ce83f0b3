//! One symptom backwards: a metric, a panel, an alert or rule, a target or a component; the stations on its way from the
//! last to the first, and the findings that explain why it is missing.

use crate::catalogue;
use crate::component::Component;
use crate::doctor::check::Station;
use crate::doctor::checks;
use crate::doctor::engine::Report;
use crate::doctor::finding::Finding;
use crate::doctor::nearest::distance;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::samples::host_port;
use std::collections::BTreeSet;
use tortie_cluster::object::ObjectRef;

/// What is asked about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// `metric`, `panel`, `dashboard`, `alert`, `rule`, `target` or `component`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The components that it hangs on.
    pub components: BTreeSet<Component>,
    /// The last station on its way.
    pub end: Station,
    /// The objects that hold it: panels' and rules'.
    pub objects: Vec<ObjectRef>,
    /// What is known of it by itself, a sentence each.
    pub told: Vec<String>,
}

/// Finds what a name means, in this order: a component, a target, a rule, a panel or dashboard, a metric.
///
/// # Errors
/// When it means nothing; the text names what is near.
pub fn subject(facts: &Facts<'_>, name: &str) -> Result<Subject, String> {
    let found = component(name)
        .or_else(|| target(facts, name))
        .or_else(|| rule(facts, name))
        .or_else(|| panel(facts, name))
        .or_else(|| metric(facts, name));
    found.ok_or_else(|| {
        let near = near(facts, name).map(|n| format!("did you mean {n}? ")).unwrap_or_default();
        format!(
            "{name:?} is no component, target, rule, panel or metric of Calico that is known here \
             (hint: {near}names of metrics begin with felix_, typha_ or ipam_)"
        )
    })
}

/// The findings that stand in its way, most helpful first.
pub fn causes<'r>(subject: &Subject, report: &'r Report) -> Vec<&'r Finding> {
    let concerns = |f: &&Finding| {
        let Some(check) = checks::find(f.id) else { return false };
        let own = f.cause.object.as_ref().is_some_and(|o| subject.objects.contains(o));
        let path = f.entities.iter().any(|e| e.component.is_none_or(|c| subject.components.contains(&c)));
        // Of panels and rules only its own concern it.
        let before = check.station < Station::Panels && check.station <= subject.end;
        f.level > Level::Info && ((path && before) || own)
    };
    report.findings.iter().filter(concerns).collect()
}

fn component(name: &str) -> Option<Subject> {
    let component = Component::ALL.into_iter().find(|c| c.as_str().eq_ignore_ascii_case(name))?;
    Some(Subject {
        kind: "component",
        name: component.to_string(),
        components: [component].into(),
        end: Station::Fresh,
        objects: Vec::new(),
        told: Vec::new(),
    })
}

fn target(facts: &Facts<'_>, name: &str) -> Option<Subject> {
    for component in facts.installed() {
        for (collector, target) in facts.targets(component) {
            let (host, port) = host_port(&target.url);
            let address = port.map_or_else(|| host.to_owned(), |p| format!("{host}:{p}"));
            let label = |k: &str| target.labels.get(k).is_some_and(|v| v == name);
            if target.url != name && address != name && !label("pod") && !label("instance") {
                continue;
            }
            let mut told = vec![format!("job {} of {}: {}", target.pool, collector.replica, target.health)];
            if !target.last_error.is_empty() {
                told.push(format!("its last error: {}", target.last_error));
            }
            return Some(Subject {
                kind: "target",
                name: target.url.clone(),
                components: [component].into(),
                end: Station::Fresh,
                objects: Vec::new(),
                told,
            });
        }
        let pod = facts.workloads.get(&component).and_then(|w| w.pods.iter().find(|p| p.meta.name == name));
        if let Some(pod) = pod {
            return Some(Subject {
                kind: "target",
                name: format!("{}/{}", pod.meta.namespace, pod.meta.name),
                components: [component].into(),
                end: Station::Fresh,
                objects: Vec::new(),
                told: vec!["no Prometheus that answered has a target for it".to_owned()],
            });
        }
    }
    None
}

fn rule(facts: &Facts<'_>, name: &str) -> Option<Subject> {
    let rules: Vec<_> = facts.rules().iter().filter(|r| r.name.eq_ignore_ascii_case(name)).collect();
    let first = rules.first()?;
    let mut told = Vec::new();
    for rule in &rules {
        let kept = rule
            .object
            .as_ref()
            .map_or_else(|| "loaded alone".to_owned(), |(o, _)| o.reference().to_string());
        told.push(format!("group {} in {kept}: {}", rule.group, rule.text));
        if let Err(e) = &rule.expr {
            told.push(format!("its expression cannot be read: {e}"));
        }
    }
    Some(Subject {
        kind: if first.alert { "alert" } else { "rule" },
        name: first.name.clone(),
        components: rules.iter().flat_map(|r| r.components.iter().copied()).collect(),
        end: Station::Rules,
        objects: rules.iter().filter_map(|r| Some(r.object.as_ref()?.0.reference())).collect(),
        told,
    })
}

fn panel(facts: &Facts<'_>, name: &str) -> Option<Subject> {
    for board in facts.boards() {
        let whole = board.name().eq_ignore_ascii_case(name);
        let queries: Vec<_> =
            board.queries.iter().filter(|q| whole || q.panel.eq_ignore_ascii_case(name)).collect();
        if queries.is_empty() {
            continue;
        }
        let mut told = vec![format!("dashboard {}, {}", board.name(), board.kept())];
        if !whole {
            told.extend(queries.iter().map(|q| format!("it asks: {}", q.raw)));
        }
        let own: BTreeSet<Component> = queries.iter().filter_map(|q| q.component).collect();
        return Some(Subject {
            kind: if whole { "dashboard" } else { "panel" },
            name: if whole { board.name() } else { queries[0].panel.clone() },
            components: if own.is_empty() { board.components.clone() } else { own },
            end: Station::Panels,
            objects: board.object.iter().map(|o| o.reference()).collect(),
            told,
        });
    }
    None
}

fn metric(facts: &Facts<'_>, name: &str) -> Option<Subject> {
    let component = catalogue::component_of(name)?;
    let mut told = vec![format!("a series of {}", component.title())];
    let version = facts.install.version;
    match catalogue::find(name) {
        None => told.push("no version of Calico that is known has a metric of this name".to_owned()),
        Some(m) => {
            if !m.in_version(version) {
                let v = version.map_or_else(String::new, |v| format!(" {v}"));
                let span = match m.until {
                    Some(until) if m.since > 0 => {
                        format!("it came with 3.{} and went with 3.{until}", m.since)
                    }
                    Some(until) => format!("it went with 3.{until}"),
                    None => format!("it came with 3.{}", m.since),
                };
                told.push(format!("Calico{v} does not have it: {span}"));
                told.extend(m.successor.map(|s| format!("in its place came {s}")));
            }
            if m.mode != catalogue::Mode::Always {
                told.push(format!("it has series only with {}", m.mode.needs()));
            }
        }
    }
    if !facts.has(component) {
        told.push(format!("{} is not installed", component.title()));
    }
    Some(Subject {
        kind: "metric",
        name: name.to_owned(),
        components: [component].into(),
        end: Station::Fresh,
        objects: Vec::new(),
        told,
    })
}

/// The known name that is nearest, when one is near.
fn near(facts: &Facts<'_>, name: &str) -> Option<String> {
    let mut names: Vec<String> = facts.rules().iter().map(|r| r.name.clone()).collect();
    for board in facts.boards() {
        names.push(board.name());
        names.extend(board.queries.iter().map(|q| q.panel.clone()));
    }
    names.extend(Component::ALL.iter().flat_map(|c| catalogue::series(*c, None)));
    names.extend(Component::ALL.iter().map(ToString::to_string));
    let wanted = name.to_ascii_lowercase();
    let near = |n: String| (distance(&wanted, &n.to_ascii_lowercase()), n);
    let (d, best) = names.into_iter().map(near).min()?;
    (d <= 1 + name.len() / 4).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::{causes, subject};
    use crate::doctor::checks::ALL;
    use crate::doctor::engine::judge;
    use crate::facts::Facts;
    use crate::testing::{dashboard, rule, running, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[test]
    fn names_mean_what_is_there() {
        let snap = running(&Options::default(), |o| {
            o.add(dashboard("calico", &["sum(typha_connections_accepted)"]));
            o.add(rule("r", &[("FelixGone", "absent(felix_active_local_endpoints)")]));
        });
        let facts = Facts::of(&snap);
        let first = snap.collectors[0].targets[0].url.clone();
        #[track_caller]
        fn check(facts: &Facts<'_>, name: &str, expect: &str) {
            let got = match subject(facts, name) {
                Ok(s) => format!("{} {:?}", s.kind, s.components),
                Err(e) => e,
            };
            assert!(got.contains(expect), "{name}: {got}");
        }
        check(&facts, "Felix", "component {Felix}");
        check(&facts, "felix_active_local_endpoints", "metric {Felix}");
        check(&facts, "felixgone", "alert {Felix}");
        check(&facts, "p0", "panel {Typha}");
        check(&facts, "Board calico", "dashboard {Typha}");
        check(&facts, &first, "target {Felix}");
        check(&facts, "FelixGoes", "did you mean FelixGone?");
        check(&facts, "zzz", "is no component, target, rule, panel or metric");
    }

    #[test]
    fn only_what_is_on_its_way_explains_it() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", json!("nope"));
        });
        let facts = Facts::of(&snap);
        let report = judge(ALL, &facts);
        let ids = |name: &str| -> Vec<&str> {
            causes(&subject(&facts, name).unwrap(), &report).iter().map(|f| f.id).collect()
        };
        assert_eq!(ids("felix_active_local_endpoints"), ["T507"]);
        assert_eq!(ids("typha_connections_accepted"), Vec::<&str>::new());
    }
}
