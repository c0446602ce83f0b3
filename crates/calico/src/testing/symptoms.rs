//! A fault of the catalogue as the doctor would see it: its objects, and what a Prometheus, the processes and the API server
//! show beside them.

use crate::component::Component;
use crate::doctor::checks::ALL;
use crate::doctor::engine::{Report, judge};
use crate::doctor::questions;
use crate::facts::Facts;
use crate::facts::install::Version;
use crate::facts::samples::family_query;
use crate::snapshot::{
    Journal, LogLine, Probe, ProbeOutcome, Snapshot, Source, Target, Unseen, Vantage, Written,
};
use crate::testing::answers::{answered, scraping, series, with_answer};
use crate::testing::dump;
use serde_json::{Value, json};
use std::sync::Arc;
use tortie_cluster::object::Object;
use tortie_sim::catalogue::{Asked, Change, Entry, Probed, Seen, Symptom};
use tortie_sim::installs::Objects;

/// The snapshot of a fault.
pub(crate) fn sick(entry: &Entry) -> Snapshot {
    let scraped = matches!(entry.seen, Seen::Prometheus | Seen::Processes);
    of(entry.broken(), scraped, &entry.symptoms)
}

/// The whole report of a cluster, with a Prometheus that answers everything it is asked.
pub(crate) fn judged_whole(snap: &Snapshot) -> Report {
    judge(ALL, &Facts::of(snap))
}

/// The snapshot of objects with symptoms; `scraped` gives it a Prometheus whose targets are all up but for them.
pub(crate) fn of(objects: Objects, scraped: bool, symptoms: &[Symptom]) -> Snapshot {
    let mut snap = dump(objects);
    if symptoms.iter().any(|s| matches!(s, Symptom::ApiSilent(_))) {
        snap = Snapshot::new(Source::Live);
    }
    if scraped {
        let asked = Facts::of(&snap)
            .prometheuses
            .first()
            .and_then(|p| p.object.text("/spec/version").map(str::to_owned));
        snap = scraping(snap);
        if let Some(version) = asked {
            snap.collectors.iter_mut().for_each(|c| c.version = version.trim_start_matches('v').to_owned());
        }
        named_by_service(&mut snap);
        configured(&mut snap, None);
    }
    if symptoms.iter().any(|s| matches!(s, Symptom::Probe(..))) {
        probe_all(&mut snap);
        // A port on which nobody listens (the error names no other) refuses the doctor as it refuses Prometheus.
        for symptom in symptoms {
            if let Symptom::Down(c, node, error) = symptom
                && error.contains("dial tcp: connect: connection refused")
            {
                put(&mut snap, &Symptom::Probe(*c, *node, Probed::Failed("connection refused")));
            }
        }
    }
    for symptom in symptoms {
        put(&mut snap, symptom);
    }
    // What is asked by job follows from the targets that are left.
    for symptom in symptoms {
        if let Symptom::Answer(asked, samples) = symptom {
            let query = question(&snap, *asked);
            snap = with_answer(snap, &query, samples);
        }
    }
    if snap.collectors.iter().all(|c| c.unreachable.is_some()) {
        return snap;
    }
    let version = Facts::of(&snap).install.version;
    let all = stored(&snap, version);
    let gone =
        |s: &str| symptoms.iter().any(|y| matches!(y, Symptom::Unstored(prefix) if s.starts_with(prefix)));
    let all: Vec<&str> = all.iter().map(String::as_str).filter(|s| !gone(s)).collect();
    answered(snap, &all, &[])
}

fn own(component: tortie_sim::Component) -> Component {
    match component {
        tortie_sim::Component::Felix => Component::Felix,
        tortie_sim::Component::Typha => Component::Typha,
        tortie_sim::Component::KubeControllers => Component::KubeControllers,
    }
}

fn theirs(component: Component) -> tortie_sim::Component {
    match component {
        Component::Felix => tortie_sim::Component::Felix,
        Component::Typha => tortie_sim::Component::Typha,
        Component::KubeControllers => tortie_sim::Component::KubeControllers,
    }
}

/// Jobs are called as the Services, as under every ServiceMonitor.
fn named_by_service(snap: &mut Snapshot) {
    let facts = Facts::of(snap);
    let names: Vec<(Component, String)> = facts
        .installed()
        .map(|c| (c, facts.linked_service(c).map_or_else(|| c.to_string(), |s| s.service.meta.name.clone())))
        .collect();
    for target in snap.collectors.iter_mut().flat_map(|c| &mut c.targets) {
        let job = names.iter().find(|(c, _)| target.labels.get("job").is_some_and(|j| j == c.as_str()));
        if let Some((_, name)) = job {
            target.labels.insert("job".to_owned(), name.clone());
        }
    }
}

/// The process runs a job for every pool but that of one component.
fn configured(snap: &mut Snapshot, without: Option<Component>) {
    let text = config(snap, without);
    for collector in &mut snap.collectors {
        collector.config = Some(text.clone());
    }
}

fn config(snap: &Snapshot, without: Option<Component>) -> String {
    let facts = Facts::of(snap);
    let jobs: String = facts
        .installed()
        .filter(|c| Some(*c) != without)
        .filter_map(|c| Some(format!("- job_name: {}\n", facts.monitor(facts.best(c)?).pool())))
        .collect();
    format!("scrape_configs:\n{jobs}")
}

/// Every series that the processes of this cluster have.
fn stored(snap: &Snapshot, version: Option<Version>) -> Vec<String> {
    let facts = Facts::of(snap);
    let job = |c: Component| facts.jobs(c).into_iter().next();
    facts.installed().filter_map(|c| Some(series(c, version, &job(c)?))).flatten().collect()
}

fn probe_all(snap: &mut Snapshot) {
    let facts = Facts::of(snap);
    let mut probes = Vec::new();
    for component in facts.installed() {
        for pod in &facts.workloads[&component].pods {
            probes.push(Probe {
                component,
                pod: (pod.meta.namespace.clone(), pod.meta.name.clone()),
                node: pod.node.clone(),
                port: facts.settings.port(component),
                from: Vantage::PortForward,
                outcome: body(&[component.marker(), "go_goroutines"], None),
            });
        }
    }
    snap.probes = probes;
}

fn body(families: &[&str], broken: Option<&str>) -> ProbeOutcome {
    ProbeOutcome::Answered {
        families: families.iter().map(|f| ((*f).to_owned(), 1)).collect(),
        broken: broken.map(str::to_owned),
        content_type: "text/plain; version=0.0.4".to_owned(),
    }
}

fn outcome(probed: Probed) -> ProbeOutcome {
    match probed {
        Probed::Families(families) => body(families, None),
        Probed::Broken(line) => body(&["felix_host"], Some(line)),
        Probed::Status(code) => ProbeOutcome::Status(code),
        Probed::Failed(text) => ProbeOutcome::Failed(text.to_owned()),
    }
}

/// Changes the targets of a component, on one node or all.
fn targets(
    snap: &mut Snapshot,
    component: tortie_sim::Component,
    node: Option<&str>,
    change: impl Fn(&mut Target),
) {
    let hit = urls(snap, component, node);
    for target in snap.collectors.iter_mut().flat_map(|c| &mut c.targets).filter(|t| hit.contains(&t.url)) {
        change(target);
    }
}

fn urls(snap: &Snapshot, component: tortie_sim::Component, node: Option<&str>) -> Vec<String> {
    let facts = Facts::of(snap);
    let component = own(component);
    let on = |pod: Option<&String>| {
        let pods = facts.workloads.get(&component).into_iter().flat_map(|w| &w.pods);
        pods.into_iter().any(|p| Some(&p.meta.name) == pod && node.is_none_or(|n| p.node == n))
    };
    let all = facts.targets(component).into_iter().filter(|(_, t)| on(t.labels.get("pod")));
    all.map(|(_, t)| t.url.clone()).collect()
}

fn drop_targets(snap: &mut Snapshot, component: tortie_sim::Component, node: Option<&str>) {
    let gone = urls(snap, component, node);
    for collector in &mut snap.collectors {
        collector.targets.retain(|t| !gone.contains(&t.url));
    }
}

fn pool(snap: &Snapshot, component: Component) -> String {
    let facts = Facts::of(snap);
    facts.best(component).map(|b| facts.monitor(b).pool()).unwrap_or_default()
}

fn put(snap: &mut Snapshot, symptom: &Symptom) {
    let at = snap.at;
    match symptom {
        Symptom::NoTargets(c) => drop_targets(snap, *c, None),
        Symptom::TargetGone(c, node) => drop_targets(snap, *c, Some(node)),
        Symptom::Down(c, node, error) => targets(snap, *c, *node, |t| {
            t.health = "down".to_owned();
            t.last_error = error.replace("URL", &t.url);
        }),
        Symptom::Dropped(c, rules, labels) => {
            let count = urls(snap, *c, None).len() as u64;
            drop_targets(snap, *c, None);
            let pool = pool(snap, own(*c));
            let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            for collector in &mut snap.collectors {
                let job = format!("- job_name: {pool}\n");
                collector.config = collector
                    .config
                    .as_ref()
                    .map(|text| text.replace(&job, &format!("{job}  relabel_configs:\n{rules}")));
                collector.dropped.push((pool.clone(), std::collections::BTreeMap::clone(&labels)));
                collector.dropped_counts.insert(pool.clone(), count);
            }
        }
        Symptom::Took(c, node, seconds) => targets(snap, *c, Some(node), |t| t.duration = *seconds),
        Symptom::NotScrapedFor(c, seconds) => {
            targets(snap, *c, None, |t| t.last_scrape = Some(at - seconds * 1000));
        }
        Symptom::Again(c, pool) => {
            let twice = urls(snap, *c, None);
            for collector in &mut snap.collectors {
                let again: Vec<Target> =
                    collector.targets.iter().filter(|t| twice.contains(&t.url)).cloned().collect();
                collector.targets.extend(again.into_iter().map(|mut t| {
                    t.labels.insert("job".to_owned(), (*pool).to_owned());
                    Target { pool: (*pool).to_owned(), ..t }
                }));
            }
        }
        Symptom::WithoutLabels(c, names) => {
            targets(snap, *c, None, |t| t.labels.retain(|k, _| !names.contains(&k.as_str())));
        }
        Symptom::Answer(..) | Symptom::Unstored(_) => {}
        Symptom::NotLoaded(c) => configured(snap, Some(own(*c))),
        Symptom::NotGenerated(c) => {
            let text = config(snap, Some(own(*c)));
            let names: Vec<String> = Facts::of(snap).prometheuses.iter().map(|p| p.name.clone()).collect();
            snap.generated.extend(names.into_iter().map(|n| (n, text.clone())));
        }
        Symptom::ReloadRefused(line) => {
            snap.collectors.iter_mut().for_each(|c| c.reload_ok = Some(false));
            let pod = snap.pods.iter().find(|p| p.meta.name.starts_with("prometheus-"));
            let pod = pod.map(|p| (p.meta.namespace.clone(), p.meta.name.clone())).unwrap_or_default();
            snap.logs.push(LogLine { pod, text: (*line).to_owned() });
        }
        Symptom::ClockAhead(seconds) => {
            snap.collectors.iter_mut().for_each(|c| {
                c.clock_ahead = Some(seconds * 1000);
                c.targets.iter_mut().for_each(|t| t.last_scrape = t.last_scrape.map(|l| l + seconds * 1000));
            });
        }
        Symptom::Unreachable(why) => {
            snap.collectors.iter_mut().for_each(|c| {
                c.unreachable = Some((*why).to_owned());
                c.targets.clear();
                c.config = None;
            });
        }
        Symptom::Rules(rules) => {
            snap.collectors.iter_mut().for_each(|c| c.rules = Some(rules.clone()));
        }
        Symptom::NoAlertmanager => {
            snap.collectors.iter_mut().for_each(|c| c.alertmanagers = Some(Vec::new()));
        }
        Symptom::Probe(c, node, probed) => {
            let hit = |p: &&mut Probe| p.component == own(*c) && node.is_none_or(|n| p.node == n);
            snap.probes.iter_mut().filter(hit).for_each(|p| p.outcome = outcome(*probed));
        }
        other => put_access(snap, other),
    }
}

/// What the API server and the journal of setup show.
fn put_access(snap: &mut Snapshot, symptom: &Symptom) {
    match symptom {
        Symptom::Log(c, node, text) => {
            let facts = Facts::of(snap);
            let pod = facts.workloads[&own(*c)].pods.iter().find(|p| p.node == *node).expect("a pod there");
            let pod = (pod.meta.namespace.clone(), pod.meta.name.clone());
            snap.logs.push(LogLine { pod, text: (*text).to_owned() });
        }
        Symptom::ApiSilent(why) => unseen(snap, "api", "", false, why),
        Symptom::Forbidden(what, resource) => {
            alive(snap);
            let why = format!("{resource} is forbidden: User \"reader\" cannot list resource");
            unseen(snap, what, resource, true, &why);
        }
        Symptom::GroupSilent(group, why) => {
            alive(snap);
            unseen(snap, &format!("the API group {group}"), group, false, why);
        }
        Symptom::Live => alive(snap),
        Symptom::Nameless => snap.identity.uid.clear(),
        Symptom::SecondLook(kind, name, generation, managers) => {
            let first = snap.objects.iter().find(|o| o.gvk.kind == *kind && o.meta.name == *name);
            let mut body = first.expect("it is there").body.clone();
            body["metadata"]["generation"] = json!(generation);
            let managed: Vec<Value> = managers
                .iter()
                .map(|m| json!({"manager": m, "operation": "Update", "time": "2026-01-07T09:00:00Z", "fieldsV1": {"f:spec": {}}}))
                .collect();
            body["metadata"]["managedFields"] = json!(managed);
            snap.second_look.push(Arc::new(Object::parse(body).expect("an object")));
        }
        Symptom::Wrote(kind, name, pointer, value) => {
            let object = snap.objects.iter().find(|o| o.gvk.kind == *kind && o.meta.name == *name);
            let object = object.expect("it is there").reference();
            let field = Written {
                object,
                pointer: (*pointer).to_owned(),
                value: value.clone(),
                at: snap.at - 86_400_000,
            };
            snap.setup.get_or_insert_with(Journal::default).fields.push(field);
        }
        Symptom::EmptyJournal => snap.setup = Some(Journal::default()),
        other => panic!("{other:?} was not put in"),
    }
}

/// The snapshot becomes one of a living cluster, which serves the kinds of its objects.
fn alive(snap: &mut Snapshot) {
    snap.source = Source::Live;
    let plural = |kind: &str| {
        let lower = kind.to_lowercase();
        lower.strip_suffix('y').map_or_else(|| format!("{lower}s"), |stem| format!("{stem}ies"))
    };
    let mut served: Vec<String> = snap
        .objects
        .iter()
        .map(|o| format!("{}.{}/{}", plural(&o.gvk.kind), o.gvk.group, o.gvk.version))
        .collect();
    served.sort();
    served.dedup();
    snap.served = served;
}

fn unseen(snap: &mut Snapshot, what: &str, resource: &str, forbidden: bool, reason: &str) {
    snap.unseen.push(Unseen {
        what: what.to_owned(),
        resource: resource.to_owned(),
        namespace: String::new(),
        forbidden,
        reason: reason.to_owned(),
    });
}

fn question(snap: &Snapshot, asked: Asked) -> String {
    let jobs = questions::jobs(&Facts::of(snap)).unwrap_or_default();
    match asked {
        Asked::Scraped => questions::scraped(&jobs),
        Asked::Kept => questions::kept(&jobs),
        Asked::Flaps => questions::flaps(&jobs),
        Asked::Clashes => questions::clashes(),
        Asked::Duplicates => questions::refused("duplicate_timestamp"),
        Asked::RemoteLag => questions::remote_lag(),
        Asked::ProcessJobs => questions::process_jobs(),
        Asked::Families(c) => family_query(own(c)),
    }
}

/// What a Prometheus shows of a fault that objects alone tell, for the components it hits. None where no Prometheus is
/// left to ask.
pub(crate) fn consequences(entry: &Entry, hit: &[Component]) -> Option<Vec<Symptom>> {
    const REFUSED: &str = "Get \"URL\": dial tcp: connect: connection refused";
    const TIMEOUT: &str = "Get \"URL\": context deadline exceeded";
    match entry.check {
        // Nobody is left to ask, or nothing to ask for.
        "T201" | "T602" | "T608" => return None,
        "T906" => return Some(vec![Symptom::NoAlertmanager]),
        "T514" => {
            return Some(vec![
                Symptom::Unstored("felix_int_dataplane_"),
                Symptom::Unstored("felix_resync_state"),
            ]);
        }
        // Felix was first: both targets of a node are up, and say what Felix says.
        "T211" => return Some(vec![Symptom::Answer(Asked::Families(tortie_sim::Component::Typha), vec![])]),
        // From its own node Prometheus goes another way.
        "T308" => {
            let down = |node| move |c: &Component| Symptom::Down(theirs(*c), Some(node), TIMEOUT);
            return Some(hit.iter().map(down("n2")).chain(hit.iter().map(down("n3"))).collect());
        }
        _ => {}
    }
    let removed = entry.changes.iter().any(|c| matches!(c, Change::Remove { kind: "Service", .. }));
    let made = entry.changes.iter().any(|c| matches!(c, Change::Add(o) if o["kind"] == "Service"));
    let without_service = removed && !made;
    let one = |c: &Component| -> Option<Symptom> {
        let c = theirs(*c);
        Some(match entry.check {
            "T204" => Symptom::Down(c, Some("n3"), REFUSED),
            "T212" => Symptom::Down(c, Some("n2"), REFUSED),
            "T207" => Symptom::Down(c, None, "server returned HTTP status 400 Bad Request"),
            "T511" if entry.name == "scheme-https" => {
                Symptom::Down(c, None, "Get \"URL\": http: server gave HTTP response to HTTPS client")
            }
            "T511" => Symptom::Down(c, None, "server returned HTTP status 404 Not Found"),
            "T307" | "T309" => Symptom::Down(c, None, TIMEOUT),
            "T209" | "T210" | "T213" if without_service => Symptom::NoTargets(c),
            "T403" => {
                Symptom::Down(c, None, "Get \"URL\": dial tcp 10.99.1.1:9090: connect: connection refused")
            }
            "T203" | "T205" | "T206" | "T209" | "T210" | "T213" | "T215" => Symptom::Down(c, None, REFUSED),
            // What is not ready is an endpoint that is not ready, and a target all the same.
            "T202" => Symptom::Down(c, None, REFUSED),
            "T401" | "T402" | "T404" | "T405" | "T407" | "T409" | "T501" | "T502" | "T503" | "T504"
            | "T505" | "T506" | "T507" | "T508" | "T509" | "T510" | "T513" | "T517" | "T604" | "T607" => {
                Symptom::NoTargets(c)
            }
            "T512" if entry.name == "timeout-over-interval" => Symptom::NoTargets(c),
            _ => return None,
        })
    };
    let mut out: Vec<Symptom> = hit.iter().filter_map(one).collect();
    if entry.check == "T510" {
        // What the operator rejects it takes out.
        out.extend(hit.iter().map(|c| Symptom::NotLoaded(theirs(*c))));
    }
    Some(out)
}
