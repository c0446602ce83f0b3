//! Many clusters at once: what real Prometheus makes of the operator's configuration and what we make of the custom
//! resources, on the same API server. Fifty clusters share an API server, each in namespaces of its own.

mod found;
mod ours;
mod place;
pub(crate) mod theirs;
mod workload;

use crate::clusters::{self, Pair};
use crate::oracle::{judge, operator, pair};
use crate::{by_hand, real, rows};
use found::Found;
use ours::Ours;
use place::placed;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use theirs::Theirs;
use tortie_discovery::kubernetes::Server;
use tortie_discovery::{Groups, Manager};
use tortie_host::{RealFs, SystemClock};
use tortie_testbed::{Bed, Options};
use workload::Workload;

/// Generated clusters of the whole.
const GENERATED: u64 = 300;
/// Clusters of one API server.
const TOGETHER: usize = 50;
/// Prometheus hands targets on every five seconds, twice; what is equal before that may be equal by being unfinished.
const SETTLED: Duration = Duration::from_secs(12);
/// Longest wait for the clusters of one API server.
const PATIENCE: Duration = Duration::from_secs(300);

/// What targets show that objects do not: a row and what some target has in its labels, or had before relabelling.
const SEEN: [(&str, &str, &str); 10] = [
    ("1.2 targets/5-node-of-a-reference", "node=\"node1\"", "address_target_kind=\"Node\""),
    ("1.2 targets/6-pod-of-a-reference", "pod=\"", "address_target_kind=\"Pod\""),
    ("1.2 targets/9-10-pod-and-container", "container=\"main\"", "__meta_kubernetes_service_name"),
    ("1.2 targets/11-not-ready-stays", "serviceMonitor/", "_ready=\"false\""),
    ("1.2 targets/endpoints", "serviceMonitor/", "__meta_kubernetes_endpoint_port_name"),
    ("1.2 targets/slices", "serviceMonitor/", "__meta_kubernetes_endpointslice_port_name"),
    (
        "1.2 targets/endpoints-without-a-slice",
        "service=\"only-endpoints\"",
        "__meta_kubernetes_endpoints_name",
    ),
    (
        "1.2 targets/a-slice-without-endpoints",
        "service=\"only-slice\"",
        "__meta_kubernetes_endpointslice_name",
    ),
    ("1.3 targets/pods", "podMonitor/", "__meta_kubernetes_pod_ready"),
    ("1.4 targets/ingresses", "probe/", "__meta_kubernetes_ingress_host"),
];

/// What came of comparing.
#[derive(Default)]
struct Outcome {
    compared: usize,
    targets: usize,
    pools: usize,
    /// Settings for which this program leaves jobs out by name, with their number.
    not_there: BTreeMap<String, usize>,
    /// Jobs that Prometheus refuses, and we alone leave out, by the reason.
    invalid: BTreeMap<String, usize>,
    /// Clusters whose configuration real Prometheus does not load.
    not_loaded: Vec<String>,
    /// The Prometheus object is wrong: both say the same and there is nothing to run.
    wrong: usize,
    bad: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A cluster of the batch.
struct Case {
    name: String,
    prefix: String,
    answer: Value,
    cluster: Value,
    number: u64,
}

fn all(pair: &Pair) -> Vec<(String, Value)> {
    let generated =
        (0..GENERATED).map(|n| (format!("generated {n}"), json!({"objects": clusters::resources(n, pair)})));
    let by_hand = by_hand::clusters(pair).into_iter().map(|(name, _, cluster)| (name.to_owned(), cluster));
    generated.chain(by_hand).collect()
}

fn compare(clusters: &[(String, Value)]) -> Outcome {
    let mut out = Outcome::default();
    for (i, batch) in clusters.chunks(TOGETHER).enumerate() {
        let began = Instant::now();
        let placed: Vec<(String, Value)> = batch
            .iter()
            .enumerate()
            .map(|(slot, (_, cluster))| {
                let prefix = format!("c{slot:02}-");
                let cluster = placed(cluster, &prefix);
                (prefix, cluster)
            })
            .collect();
        let input: Vec<Value> = placed.iter().map(|(_, c)| c.clone()).collect();
        let answers = operator(&input);
        assert_eq!(answers.len(), batch.len());
        let cases: Vec<Case> = placed
            .into_iter()
            .zip(answers)
            .enumerate()
            .map(|(slot, ((prefix, cluster), answer))| Case {
                name: batch[slot].0.clone(),
                prefix,
                answer,
                cluster,
                number: (i * TOGETHER + slot) as u64,
            })
            .collect();
        one_server(&cases, &mut out);
        println!("clusters {}..{} after {:?}", i * TOGETHER, i * TOGETHER + batch.len(), began.elapsed());
    }
    out
}

/// Makes what runs in the clusters.
fn make(bed: &Bed, cases: &[Case]) {
    for (node, zone) in [("node1", "z1"), ("node2", "z2"), ("node3", "z2")] {
        let labels = json!({"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}});
        bed.api().merge(&format!("/api/v1/nodes/{node}"), &labels, "test").unwrap();
    }
    let numbered: Vec<(usize, &Case)> = cases.iter().enumerate().collect();
    std::thread::scope(|scope| {
        for part in numbered.chunks(cases.len().div_ceil(4).max(1)) {
            scope.spawn(move || {
                for (slot, case) in part {
                    let made = Workload::new(case.number, *slot, &case.prefix);
                    for object in &made.objects {
                        bed.api().create(object, "test").unwrap_or_else(|e| panic!("{object}: {e:?}"));
                    }
                    for (path, status) in &made.statuses {
                        bed.api().merge(path, status, "test").unwrap_or_else(|e| panic!("{path}: {e:?}"));
                    }
                }
            });
        }
    });
}

fn one_server(cases: &[Case], out: &mut Outcome) {
    let bed = Bed::start(Options { port_forward: false, audit: false, ..Options::default() }).unwrap();
    theirs::prove_mounts(&bed);
    let began = Instant::now();
    make(&bed, cases);
    println!("workloads made after {:?}", began.elapsed());

    let server = Server::Kubeconfig(bed.folder().join("admin.kubeconfig"));
    let runtime = real::runtime(&bed);
    let manager = Manager::new(Arc::new(RealFs), Arc::new(SystemClock::new()));
    let mut open = Vec::new();
    let mut discoveries = Vec::new();
    let table = rows::all();
    for (slot, case) in cases.iter().enumerate() {
        let ids: Vec<String> = rows::exercised(&table, &rows::View::new(&case.cluster, &case.answer))
            .iter()
            .map(|r| (*r).to_owned())
            .collect();
        let differences = judge(&case.cluster, &case.answer);
        out.bad.extend(differences.into_iter().take(3).map(|d| format!("{}: {d}", case.name)));
        let Some(text) = case.answer["config"].as_str() else {
            out.wrong += 1;
            out.rows.push(ids);
            continue;
        };
        let mut ours = Ours::of(&case.cluster, &case.prefix, &server);
        discoveries.append(&mut ours.discoveries);
        for (key, n) in &ours.not_there {
            *out.not_there.entry(key.clone()).or_default() += n;
        }
        for why in ours.invalid.values() {
            *out.invalid.entry(reason(why)).or_default() += 1;
        }
        let theirs = Theirs::start(&bed, slot, &case.prefix, &ours.loadable(text));
        open.push((case, ids, ours, theirs));
    }
    let streams = {
        let _inside = runtime.enter();
        manager.apply(discoveries)
    };
    let groups = |key: &str| -> Groups { Arc::clone(&streams[key].borrow()) };
    let end = Instant::now() + PATIENCE;
    while !open.is_empty() {
        open.retain_mut(|(case, ids, ours, theirs)| {
            if theirs.process.check().is_err() {
                out.not_loaded.push(format!("{}: {}", case.name, last_error(&theirs.process.log())));
                out.rows.push(std::mem::take(ids));
                return false;
            }
            if theirs.began.elapsed() < SETTLED {
                return true;
            }
            let Some(found) = theirs.targets(&bed) else { return Instant::now() < end };
            let own = ours.targets(groups);
            let differences = own.differences(&found);
            if differences.is_empty() {
                out.compared += 1;
                out.targets += own.len();
                out.pools += own.pools().len();
                ids.extend(seen(&own));
                for (service, other) in
                    [("only-slice", "endpoints_name"), ("only-endpoints", "endpointslice_name")]
                {
                    let found =
                        own.any(&format!("service=\"{service}\""), &format!("__meta_kubernetes_{other}"));
                    assert!(!found, "{}: {service} by the other role", case.name);
                }
                out.rows.push(std::mem::take(ids));
                return false;
            }
            if Instant::now() > end {
                let n = differences.len();
                let shown = differences.iter().take(3).cloned().collect::<Vec<_>>().join("\n  ");
                let log = theirs.process.tail(3);
                out.bad.push(format!(
                    "{}: {} of ours, {} of theirs, {n} differences:\n  {shown}\n  {log}",
                    case.name,
                    own.len(),
                    found.len()
                ));
                return false;
            }
            true
        });
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn seen(found: &Found) -> impl Iterator<Item = String> + '_ {
    SEEN.iter().filter(|(_, of_target, before)| found.any(of_target, before)).map(|(id, ..)| (*id).to_owned())
}

/// The reason of a diagnostic, without its place.
fn reason(why: &str) -> String {
    why.lines().next().unwrap_or("").splitn(4, ':').last().unwrap_or("").trim().to_owned()
}

fn last_error(log: &str) -> String {
    let mut lines = log.lines().filter(|l| l.contains("rror"));
    lines.next_back().unwrap_or("ended").chars().take(300).collect()
}

/// Says what came of it, fails on differences, and gives the page of rows.
fn report(out: &Outcome) {
    println!(
        "{} clusters: targets of {} equal ({} targets in {} pools), {} with a wrong Prometheus object, {} that real Prometheus does not load",
        out.rows.len(),
        out.compared,
        out.targets,
        out.pools,
        out.wrong,
        out.not_loaded.len()
    );
    for (key, n) in &out.not_there {
        println!("{n} jobs have {key}, for which they are left out by name; compared without it");
    }
    for (why, n) in &out.invalid {
        println!(
            "{n} jobs for which Prometheus refuses the whole configuration, left out alone here and taken out there: {why}"
        );
    }
    for line in &out.not_loaded {
        println!("not loaded by Prometheus: {line}");
    }
    assert!(out.bad.is_empty(), "{} differ:\n{}", out.bad.len(), out.bad.join("\n"));
}

/// Every twentieth cluster, which has to do for each run; all of them are a campaign.
#[test]
fn targets_of_a_twentieth_of_the_clusters_are_those_of_prometheus() {
    let some: Vec<(String, Value)> = all(&pair()).into_iter().step_by(20).collect();
    let out = compare(&some);
    report(&out);
    assert!(out.compared >= 20 && out.targets > 500, "{} clusters, {} targets", out.compared, out.targets);
}

/// `bench/campaign oracle` writes what this prints.
#[test]
#[ignore = "many minutes: bench/campaign oracle"]
fn targets_of_all_clusters_are_those_of_prometheus() {
    let began = Instant::now();
    let clusters = all(&pair());
    let out = compare(&clusters);
    report(&out);
    println!("after {:?}\n\nclusters that exercise each row of what the operator does:", began.elapsed());
    let table = rows::all();
    let lists: Vec<Vec<&str>> = out.rows.iter().map(|r| r.iter().map(String::as_str).collect()).collect();
    let (mut page, mut short) = rows::count(&lists, &table);
    for (id, ..) in SEEN {
        let n = lists.iter().filter(|ids| ids.contains(&id)).count();
        page.push_str(&format!("{n:5}  {id}\n"));
        if n < rows::LEAST {
            short.push(format!("{id}: {n}"));
        }
    }
    print!("{page}");
    assert!(short.is_empty(), "rows that too few clusters exercise: {short:?}");
    assert!(out.compared >= 400, "{} compared", out.compared);
}
