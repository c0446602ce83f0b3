//! A list that did not come, whichever it is: nothing is called broken for the want of it, and it is said that it was not seen.
//! One that came in another version of its API is judged as ever.

use crate::collect::kinds::KINDS;
use crate::doctor::checks::ALL;
use crate::doctor::engine::judge;
use crate::doctor::mend::plural;
use crate::doctor::verdict::{Level, Verdict};
use crate::facts::Facts;
use crate::render::ink::Ink;
use crate::render::{Format, Frame, render};
use crate::snapshot::{Snapshot, Unseen};
use crate::testing::{mends, roots, snapshot, symptoms};
use tortie_sim::catalogue::Symptom;
use tortie_sim::installs::{Kind, Objects, Options, set};

const REASON: &str = "no answer to list it within 5 s";

/// Every list that the doctor asks for: group and kind, and what the API calls it.
fn lists() -> Vec<(&'static str, &'static str, String)> {
    let slim = [
        ("", "Pod"),
        ("", "Service"),
        ("", "Node"),
        ("", "Namespace"),
        ("discovery.k8s.io", "EndpointSlice"),
    ];
    let all = slim.into_iter().chain(KINDS.iter().map(|k| (k.group, k.kind)));
    let mut out: Vec<_> = all
        .map(|(group, kind)| {
            let name = if group.is_empty() { plural(kind) } else { format!("{}.{group}", plural(kind)) };
            (group, kind, name)
        })
        .collect();
    out.dedup();
    out
}

/// The cluster without what one list brings.
fn without(whole: &Snapshot, (group, kind, name): &(&str, &str, String), forbidden: bool) -> Snapshot {
    let mut snap = whole.clone();
    match *kind {
        "Pod" => snap.pods.clear(),
        "Service" => snap.services.clear(),
        "Node" => snap.nodes.clear(),
        "Namespace" => snap.namespaces.clear(),
        "EndpointSlice" => snap.slices.clear(),
        _ => snap.objects.retain(|o| !o.gvk.is(group, kind)),
    }
    snap.unseen.push(Unseen {
        what: format!("list {name}"),
        resource: name.clone(),
        namespace: String::new(),
        forbidden,
        reason: REASON.to_owned(),
    });
    snap
}

fn clusters() -> Vec<(String, Snapshot)> {
    let mut out = Vec::new();
    for (kind, calico) in [(Kind::Operator, 30), (Kind::Operator, 32), (Kind::Manifest, 30)] {
        let options = Options { kind, calico, ..Options::default() };
        for scraped in [true, false] {
            let snap = symptoms::of(Objects::of(&options), scraped, &[Symptom::Live]);
            out.push((format!("{kind:?} 3.{calico}, scraped {scraped}"), snap));
        }
    }
    out
}

#[test]
fn a_list_that_does_not_come_breaks_nothing_and_is_named() {
    let mut wrong = Vec::new();
    for (cluster, whole) in clusters() {
        for list in lists() {
            for forbidden in [false, true] {
                let snap = without(&whole, &list, forbidden);
                let report = judge(ALL, &Facts::of(&snap));
                let loud = report.findings.iter().filter(|f| f.level >= Level::Warn);
                let other: Vec<String> = loud
                    .filter(|f| !forbidden || f.id != "T102")
                    .map(|f| format!("{} {}", f.id, f.title))
                    .collect();
                let said = report.outcomes.iter().any(|o| match o.judged.verdict {
                    Verdict::Unknown => !forbidden && o.check.id == "T102" && o.judged.note.ends_with(REASON),
                    Verdict::Warn => forbidden && o.check.id == "T102",
                    _ => false,
                });
                if !other.is_empty() || !said {
                    wrong.push(format!(
                        "{cluster}, {}, forbidden {forbidden}: said {said}, {other:?}",
                        list.2
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// What hangs on the nodes alone is not judged without them, and the screen says that they were not read.
#[test]
fn without_the_nodes_what_hangs_on_them_is_unknown() {
    let (_, whole) = clusters().remove(0);
    let unknown = |snap: &Snapshot| -> Vec<&str> {
        let report = judge(ALL, &Facts::of(snap));
        let open = report.outcomes.iter().filter(|o| o.judged.verdict == Verdict::Unknown);
        open.map(|o| o.check.id).collect()
    };
    let snap = without(&whole, &("", "Node", "nodes".to_owned()), false);
    let (before, after) = (unknown(&whole), unknown(&snap));
    let new: Vec<&str> = after.into_iter().filter(|id| !before.contains(id)).collect();
    assert_eq!(new, ["T102", "T216"]);
    let facts = Facts::of(&snap);
    let frame = Frame {
        tool: "0.1.0".to_owned(),
        took_ms: 1900,
        fail_on: Level::Fail,
        verbose: false,
        ink: Ink::plain(100),
    };
    let screen = render(Format::Human, &facts, &judge(ALL, &facts), &frame);
    assert!(screen.contains(&format!("\nNot read nodes: {REASON}\n")), "{screen}");
}

/// The server may serve the kinds in a version that came later: what is printed names that version.
#[test]
fn kinds_of_another_version_are_judged_alike() {
    let later = |o: &mut Objects| {
        for object in &mut o.0 {
            for (old, new) in [
                ("monitoring.coreos.com/v1", "monitoring.coreos.com/v2"),
                ("projectcalico.org/v3", "projectcalico.org/v4"),
            ] {
                if object["apiVersion"] == old {
                    object["apiVersion"] = new.into();
                }
            }
        }
    };
    assert_eq!(roots(&snapshot(&Options::default(), later)), [""; 0]);
    let broken = snapshot(&Options::default(), |o| {
        set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", "nope".into());
        set(o.get("KubeControllersConfiguration", "default"), "/spec/prometheusMetricsPort", 0.into());
        later(o);
    });
    assert_eq!(roots(&broken), ["T507", "T213"]);
    assert!(
        mends("T507", &broken)[0].contains(" servicemonitors.v2.monitoring.coreos.com "),
        "{:?}",
        mends("T507", &broken)
    );
    assert!(
        mends("T213", &broken)[0].contains(" kubecontrollersconfigurations.v4.projectcalico.org "),
        "{:?}",
        mends("T213", &broken)
    );
}
