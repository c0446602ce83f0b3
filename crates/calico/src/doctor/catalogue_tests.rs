//! The fault catalogue against the doctor, on models of clusters: each fault gives its one root finding and announces what
//! comes next; healthy clusters give none.

use crate::collect::from_files;
use crate::doctor::checks::ALL;
use crate::doctor::engine::judge;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::snapshot::{Assumptions, Snapshot, Source};
use crate::testing::snapshot;
use tortie_cluster::object::Object;
use tortie_sim::catalogue::{self, Entry, Mends, Seen};
use tortie_sim::installs::{Kind, Options, Stack};

fn told(snap: &Snapshot) -> Vec<String> {
    let report = judge(ALL, &Facts::of(snap));
    report.findings.iter().filter(|f| f.level >= Level::Warn).map(|f| f.id.to_owned()).collect()
}

fn broken(entry: &Entry) -> Snapshot {
    let objects = entry.broken().0.into_iter().map(|v| Object::parse(v).expect("an object")).collect();
    let mut snap = Snapshot::new(Source::Dump);
    snap.at = 1_767_776_400_000;
    assert!(snap.add(objects).is_empty());
    snap
}

#[test]
fn each_fault_has_its_one_finding() {
    let mut wrong = Vec::new();
    for entry in catalogue::all().iter().filter(|e| e.seen == Seen::Objects) {
        let snap = broken(entry);
        let report = judge(ALL, &Facts::of(&snap));
        let ids = told(&snap);
        if ids != [entry.check] {
            wrong.push(format!("{}: expected {}, told {ids:?}", entry.name, entry.check));
            continue;
        }
        let finding = report.findings.iter().find(|f| f.id == entry.check).expect("it was told");
        let next: Vec<&str> = finding.next.iter().map(|n| n.0).collect();
        for expect in entry.next.iter().filter(|n| !next.contains(n)) {
            wrong.push(format!("{}: {expect} is not announced ({next:?})", entry.name));
        }
        let mends = match &finding.fix {
            Some(Fix::Commands { .. }) => Mends::Command,
            Some(Fix::Edit { .. }) => Mends::Edit,
            Some(Fix::Outside(_)) | None => Mends::Outside,
        };
        if mends != entry.mends {
            wrong.push(format!("{}: mended by {:?}, the doctor offers {mends:?}", entry.name, entry.mends));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn healthy_clusters_have_no_finding() {
    let mut wrong = Vec::new();
    for kind in [Kind::Operator, Kind::Helm, Kind::Manifest, Kind::Canal] {
        for calico in [21, 27, 28, 30, 31, 32, 33] {
            for stack in [Stack::KubePrometheusStack { release: "mon".to_owned() }, Stack::KubePrometheus] {
                // kube-prometheus may not look into calico-system: that is a fault of its own.
                if stack == Stack::KubePrometheus && matches!(kind, Kind::Operator | Kind::Helm) {
                    continue;
                }
                for typha in [true, false] {
                    let options = Options { kind, calico, stack: stack.clone(), typha, ..Options::default() };
                    let ids = told(&snapshot(&options, |_| {}));
                    if !ids.is_empty() {
                        wrong.push(format!("{kind:?} 3.{calico} {stack:?} typha {typha}: {ids:?}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn pairs_on_different_components_give_the_union() {
    let list = catalogue::all();
    let find = |name: &str| list.iter().find(|e| e.name == name).expect("in the catalogue");
    for (a, b) in [
        ("felix-off", "port-name"),
        ("typha-env-reverted", "port-name"),
        ("release-label", "operator-took-service"),
        ("selector-typo", "kube-controllers-port-zero"),
    ] {
        let (a, b) = (find(a), find(b));
        let mut objects = a.broken();
        for change in &b.changes {
            change.make(&mut objects);
        }
        let mut snap = Snapshot::new(Source::Dump);
        snap.at = 1_767_776_400_000;
        assert!(
            snap.add(objects.0.into_iter().map(|v| Object::parse(v).expect("an object")).collect())
                .is_empty()
        );
        let mut ids = told(&snap);
        ids.sort();
        let mut expect = vec![a.check.to_owned(), b.check.to_owned()];
        expect.sort();
        assert_eq!(ids, expect, "{} and {}", a.name, b.name);
    }
}

/// The manifests of the write-up, as files alone beside the model of what the operator makes.
#[test]
fn files_alone_name_the_same_causes_with_their_place() {
    let text = std::str::from_utf8(include_bytes!("write_up.yaml")).expect("text");
    let (objects, problems) = tortie_cluster::files::parse("write-up.yaml", text);
    assert!(problems.is_empty());
    let assume = Assumptions {
        calico: Some("3.29".to_owned()),
        install: Some("operator".to_owned()),
        stack: Some("kube-prometheus-stack:prometheus".to_owned()),
    };
    let (snap, unusable) = from_files::snapshot(objects, &assume, 1_767_776_400_000);
    assert!(unusable.is_empty(), "{unusable:?}");
    let report = judge(ALL, &Facts::of(&snap));
    let mut told: Vec<String> = report
        .findings
        .iter()
        .filter(|f| f.level >= Level::Warn)
        .map(|f| {
            let place = f.cause.place.as_ref().map(|p| format!(" {}:{}", p.file, p.line)).unwrap_or_default();
            format!("{}{place}", f.id)
        })
        .collect();
    told.sort();
    let line = |needle: &str| text.lines().position(|l| l.contains(needle)).expect("in the file") + 1;
    let expect = [
        format!("T210 write-up.yaml:{}", line("TYPHA_PROMETHEUSMETRICSENABLED")),
        format!("T507 write-up.yaml:{}", line("port: kube-controllers-metrics")),
    ];
    assert_eq!(told, expect);
}
