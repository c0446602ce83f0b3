//! The fault catalogue against the doctor, on models of clusters: each fault gives its one root finding and announces what
//! comes next; healthy clusters give none.

use crate::collect::from_files;
use crate::component::Component;
use crate::doctor::checks::ALL;
use crate::doctor::engine::{GoalState, Report, judge};
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Level, Verdict};
use crate::facts::Facts;
use crate::render::ink::Ink;
use crate::render::{Format, Frame, render, wrap};
use crate::snapshot::{Assumptions, Snapshot};
use crate::testing::{dump, judged_whole, sick, snapshot, symptoms};
use std::collections::BTreeSet;
use tortie_sim::catalogue::{self, Change, Entry, Mends, Seen, Symptom, Told};
use tortie_sim::installs::{Kind, Options, Stack};

fn told(snap: &Snapshot) -> Vec<String> {
    let report = judge(ALL, &Facts::of(snap));
    report.findings.iter().filter(|f| f.level >= Level::Warn).map(|f| f.id.to_owned()).collect()
}

#[test]
fn each_fault_has_its_one_finding() {
    let mut wrong = Vec::new();
    for entry in &catalogue::all() {
        let snap = sick(entry);
        let report = judged_whole(&snap);
        let ids = told(&snap);
        if ids != [entry.check] {
            wrong.push(format!(
                "{}: expected {}, told {ids:?}: {:?}",
                entry.name,
                entry.check,
                titles(&report)
            ));
            continue;
        }
        let finding = report.findings.iter().find(|f| f.id == entry.check).expect("it was told");
        let next: Vec<&str> = finding.next.iter().map(|n| n.id).collect();
        for expect in entry.next.iter().filter(|n| !next.contains(n)) {
            wrong.push(format!("{}: {expect} is not announced ({next:?})", entry.name));
        }
        let mends = mends(finding);
        if mends != entry.mends {
            wrong.push(format!("{}: mended by {:?}, the doctor offers {mends:?}", entry.name, entry.mends));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn mends(finding: &Finding) -> Mends {
    match &finding.fix {
        Some(Fix::Commands { .. }) => Mends::Command,
        Some(Fix::Edit { .. }) => Mends::Edit,
        Some(Fix::Outside(_)) | None => Mends::Outside,
    }
}

fn titles(report: &Report) -> Vec<String> {
    let loud = report.findings.iter().filter(|f| f.level >= Level::Warn);
    loud.map(|f| format!("{} {}", f.id, f.title)).collect()
}

/// The verdicts that a remark may have, as the catalogue calls them.
fn verdict(told: Told) -> Verdict {
    match told {
        Told::Finding => Verdict::Fail,
        Told::Info => Verdict::Info,
        Told::Unknown => Verdict::Unknown,
        Told::Pending => Verdict::Pending,
        Told::Skipped => Verdict::Skipped,
    }
}

/// The screen of every fault: prose and evidence stay within the width, and a printed command is, for a shell, the argument
/// vector that was meant.
#[test]
fn screens_fit_and_their_commands_can_be_pasted() {
    let mut wrong = Vec::new();
    for entry in catalogue::all().iter().chain(&catalogue::remarks()) {
        let snap = sick(entry);
        let facts = Facts::of(&snap);
        let report = judged_whole(&snap);
        for finding in &report.findings {
            if let Some(Fix::Commands { commands, .. }) = &finding.fix {
                for command in commands {
                    let lines = wrap::command(&command.to_string(), 60);
                    let head: Vec<&str> =
                        lines.iter().map(String::as_str).take_while(|l| !l.contains("<<'EOF'")).collect();
                    let text = if command.stdin.is_some() {
                        lines
                            .iter()
                            .take(head.len() + 1)
                            .cloned()
                            .collect::<Vec<_>>()
                            .join("\n")
                            .replace(" <<'EOF'", "")
                    } else {
                        lines.join("\n")
                    };
                    if split(&text) != command.argv {
                        wrong.push(format!("{}: a shell reads {:?}", entry.name, split(&text)));
                    }
                }
            }
        }
        for width in [80, 100] {
            let frame = Frame {
                tool: "0.1.0".to_owned(),
                took_ms: 1900,
                fail_on: Level::Fail,
                verbose: false,
                ink: Ink::plain(width),
            };
            let screen = render(Format::Human, &facts, &report, &frame);
            // Commands are broken between arguments only, and here-documents not at all.
            let prose = |l: &&str| {
                l.starts_with("     ")
                    && !l.contains(['\'', '\\', '{'])
                    && !l.trim_start().starts_with("kubectl")
            };
            let long: Vec<&str> = screen.lines().filter(prose).filter(|l| wrap::columns(l) > width).collect();
            if let Some(line) = long.first().filter(|l| l.split_whitespace().count() > 2) {
                wrong.push(format!("{} at {width}: {line}", entry.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The setting that turns Typha's metrics on breaks the monitor of one's own Service: both commands stand on the screen.
#[test]
fn what_breaks_next_is_mended_in_one_go() {
    let all = catalogue::all();
    let entry = all.iter().find(|e| e.name == "typha-write-up").unwrap();
    let (snap, frame) = (
        sick(entry),
        Frame {
            tool: "0.1.0".to_owned(),
            took_ms: 1900,
            fail_on: Level::Fail,
            verbose: false,
            ink: Ink::plain(1000),
        },
    );
    let screen = render(Format::Human, &Facts::of(&snap), &judged_whole(&snap), &frame);
    let lines: Vec<&str> = screen.lines().map(str::trim).collect();
    let at = |start: &str, rest: &str| {
        let found = lines.iter().position(|l| l.starts_with(start) && l.contains(rest));
        found.unwrap_or_else(|| panic!("{start} … {rest}: {screen}"))
    };
    let next = at("Next ", "T407: with typhaMetricsPort set the operator takes calico-typha-metrics over");
    let first = at("Fix ", "installations.v1.operator.tigera.io default");
    let second = at("T407 ", "servicemonitors.v1.monitoring.coreos.com calico-typha");
    assert!(next < first && first < second, "{screen}");
}

/// As a shell splits: quotes, backslashes, and a backslash before the end of a line.
fn split(text: &str) -> Vec<String> {
    let (mut out, mut word, mut begun) = (Vec::new(), String::new(), false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                begun = true;
                word.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '\\' => match chars.next() {
                Some('\n') | None => {}
                Some(other) => {
                    begun = true;
                    word.push(other);
                }
            },
            ' ' | '\n' => {
                if begun {
                    out.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            other => {
                begun = true;
                word.push(other);
            }
        }
    }
    out.extend(begun.then_some(word));
    out
}

#[test]
fn remarks_are_made_and_call_nothing_broken() {
    let mut wrong = Vec::new();
    for entry in &catalogue::remarks() {
        let report = judged_whole(&sick(entry));
        let loud = titles(&report);
        if !loud.is_empty() {
            wrong.push(format!("{}: told {loud:?}", entry.name));
        }
        let said: Vec<Verdict> =
            report.outcomes.iter().filter(|o| o.check.id == entry.check).map(|o| o.judged.verdict).collect();
        if !said.contains(&verdict(entry.told)) {
            wrong.push(format!("{}: {} says {said:?}", entry.name, entry.check));
        }
        let finding = report.findings.iter().find(|f| f.id == entry.check);
        if entry.told == Told::Info && finding.map(mends) != Some(entry.mends) {
            wrong.push(format!("{}: the doctor offers {:?}", entry.name, finding.map(mends)));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_check_fires() {
    let mut fired: BTreeSet<&str> = BTreeSet::new();
    for entry in &catalogue::all() {
        fired.extend(judged_whole(&sick(entry)).findings.iter().map(|f| f.id));
    }
    for entry in &catalogue::remarks() {
        let report = judged_whole(&sick(entry));
        let said = report.outcomes.iter().filter(|o| o.check.id == entry.check);
        fired.extend(said.filter(|o| o.judged.verdict == verdict(entry.told)).map(|o| o.check.id));
    }
    let silent: Vec<&str> = ALL.iter().map(|c| c.id).filter(|id| !fired.contains(id)).collect();
    assert!(silent.is_empty(), "no fault of the catalogue makes these speak: {silent:?}");
}

#[test]
fn the_catalogue_is_as_large_as_it_says() {
    let all = catalogue::all();
    let by_command = all.iter().filter(|e| e.mends == Mends::Command).count();
    assert!(all.len() >= 90 && by_command >= 55, "{} faults, {by_command} mended by a command", all.len());
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

/// On paper, and with a Prometheus that answers all that it is asked; there without any remark that it cannot tell.
#[test]
fn named_healthy_clusters_have_no_finding() {
    let mut wrong = Vec::new();
    for healthy in tortie_sim::installs::healthy() {
        let paper = (!healthy.scraped).then(|| dump(healthy.objects.clone()));
        let scraped = symptoms::of(healthy.objects, true, &[]);
        for (seen, snap) in paper.into_iter().map(|s| ("on paper", s)).chain([("scraped", scraped)]) {
            let report = judged_whole(&snap);
            let loud = titles(&report);
            if !loud.is_empty() {
                wrong.push(format!("{}, {seen}: {loud:?}", healthy.name));
            }
            let crashed = report.outcomes.iter().filter(|o| o.judged.note.starts_with("crashed"));
            wrong.extend(crashed.map(|o| format!("{}, {seen}: {} crashed", healthy.name, o.check.id)));
            let open = report.goals.iter().filter(|(_, s)| *s != GoalState::Pass);
            wrong.extend(open.map(|(c, s)| format!("{}, {seen}: {c} is {}", healthy.name, s.as_str())));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Components that a fault hits: those of its finding, or all.
fn hit(report: &Report, id: &str) -> Vec<Component> {
    let finding = report.findings.iter().find(|f| f.id == id).expect("it is told");
    let named: BTreeSet<Component> = finding.entities.iter().filter_map(|e| e.component).collect();
    if named.is_empty() { Component::ALL.to_vec() } else { named.into_iter().collect() }
}

/// A running Prometheus shows the consequences of a fault: they are explained by it, and no second finding.
#[test]
fn each_fault_of_objects_stays_one_finding_where_prometheus_shows_it() {
    let mut wrong = Vec::new();
    for entry in catalogue::all().iter().filter(|e| e.seen == Seen::Objects) {
        let Some(shown) = symptoms::consequences(entry, &hit(&judged_whole(&sick(entry)), entry.check))
        else {
            continue;
        };
        let report = judged_whole(&symptoms::of(entry.broken(), true, &shown));
        let ids: Vec<&str> =
            report.findings.iter().filter(|f| f.level >= Level::Warn).map(|f| f.id).collect();
        if ids != [entry.check] {
            wrong.push(format!("{}: expected {}, told {:?}", entry.name, entry.check, titles(&report)));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Two hundred pairs on different components of the same cluster, drawn from a constant, give what each gives alone.
#[test]
fn pairs_on_different_components_give_the_union() {
    let list: Vec<Entry> = catalogue::all();
    let alone: Vec<(&Entry, Vec<Component>, Vec<Symptom>)> = list
        .iter()
        .filter(|e| matches!(e.seen, Seen::Objects | Seen::Prometheus | Seen::Processes))
        .filter_map(|e| {
            let report = judged_whole(&sick(e));
            let finding = report.findings.iter().find(|f| f.id == e.check)?;
            let on: BTreeSet<Component> =
                finding.entities.iter().map(|e| e.component).collect::<Option<_>>()?;
            let on: Vec<Component> = on.into_iter().collect();
            let shown =
                if e.seen == Seen::Objects { symptoms::consequences(e, &on)? } else { e.symptoms.clone() };
            Some((e, on, shown))
        })
        .collect();
    let apart = |a: &[Component], b: &[Component]| a.iter().all(|c| !b.contains(c));
    let mut pairs = Vec::new();
    for (i, a) in alone.iter().enumerate() {
        for b in &alone[i + 1..] {
            if apart(&a.1, &b.1) && a.0.cluster == b.0.cluster && !share_a_field(a.0, b.0) {
                pairs.push((a, b));
            }
        }
    }
    assert!(pairs.len() >= 200, "only {} pairs", pairs.len());
    let mut wrong = Vec::new();
    let mut state: u64 = 0x7031_7473_6574_6f77;
    for _ in 0..200 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (a, b) = pairs.swap_remove((state >> 33) as usize % pairs.len());
        let mut objects = a.0.broken();
        for change in &b.0.changes {
            change.make(&mut objects);
        }
        let shown: Vec<Symptom> = a.2.iter().chain(&b.2).cloned().collect();
        let report = judged_whole(&symptoms::of(objects, true, &shown));
        let mut ids: Vec<&str> =
            report.findings.iter().filter(|f| f.level >= Level::Warn).map(|f| f.id).collect();
        ids.sort_unstable();
        // The same break of two monitors is one finding with two objects.
        ids.dedup();
        let mut expect = vec![a.0.check, b.0.check];
        expect.sort_unstable();
        expect.dedup();
        if ids != expect {
            wrong.push(format!(
                "{} and {}: expected {expect:?}, told {:?}",
                a.0.name,
                b.0.name,
                titles(&report)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether two faults change one object; both at once would be a third fault.
fn share_a_field(a: &Entry, b: &Entry) -> bool {
    let names = |e: &Entry| -> BTreeSet<(String, String)> {
        let of = |c: &Change| match c {
            Change::Set { kind, name, .. } | Change::Remove { kind, name } => {
                ((*kind).to_owned(), (*name).to_owned())
            }
            Change::SetAll { kind, prefix, .. } => ((*kind).to_owned(), (*prefix).to_owned()),
            Change::Add(o) => (
                o["kind"].as_str().unwrap_or_default().to_owned(),
                o["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            ),
        };
        e.changes.iter().map(of).collect()
    };
    !names(a).is_disjoint(&names(b))
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
