//! The fault catalogue on real clusters: each fault is made with kubectl or in the process, shows itself to the peers, is
//! named by the doctor, and is mended by the command that the doctor prints, run as printed, or by the edit that it names.
//!
//! Several clusters of several kinds run side by side, each with its share of the list.

use super::accounts;
use super::cluster::{Cluster, Told};
use super::faults_page::{Seen, page};
use super::injected::{Made, Place, bare, faster, kept, kubectl, make, place, put_back};
use super::shown::{self, Shown};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tortie_sim::catalogue::{self, Change, Entry, Live, Mends, Process, Told as Tells};
use tortie_sim::installs::{Kind, Objects, Options, Stack, set};

/// The chain of the catalogue's usual cluster on a real one.
pub(super) fn chain(cluster: &Cluster) {
    operated(cluster, &Options { calico: 30, ..Default::default() });
}

/// The whole chain where an operator keeps Calico.
fn operated(cluster: &Cluster, options: &Options) {
    for (kind, patch) in [
        (cluster.resource("felixconfigurations"), r#"{"spec":{"prometheusMetricsEnabled":true}}"#),
        ("installations.operator.tigera.io".to_owned(), r#"{"spec":{"typhaMetricsPort":9093}}"#),
    ] {
        cluster.bed.kubectl_ok(&["patch", &kind, "default", "--type=merge", "-p", patch]).unwrap();
    }
    monitors(cluster, options, &["tortie-felix-metrics"]);
}

/// The same where Calico comes from a manifest.
fn from_manifest(cluster: &Cluster) {
    let felix = cluster.resource("felixconfigurations");
    let on = r#"{"spec":{"prometheusMetricsEnabled":true}}"#;
    cluster.bed.kubectl_ok(&["patch", &felix, "default", "--type=merge", "-p", on]).unwrap();
    let typha = ["-n", "kube-system", "set", "env", "deployment/calico-typha"];
    let env = ["TYPHA_PROMETHEUSMETRICSENABLED=true", "TYPHA_PROMETHEUSMETRICSPORT=9093"];
    cluster.bed.kubectl_ok(&[&typha[..], &env[..]].concat()).unwrap();
    let options = Options { calico: 30, kind: Kind::Manifest, ..Default::default() };
    let services = ["tortie-felix-metrics", "tortie-typha-metrics", "tortie-kube-controllers-metrics"];
    monitors(cluster, &options, &services);
}

fn monitors(cluster: &Cluster, options: &Options, services: &[&str]) {
    let model = Objects::of(options);
    let wanted = |o: &&Value| {
        let name = o["metadata"]["name"].as_str().unwrap_or_default();
        // From 3.32 on a tier admits Prometheus to kube-controllers.
        let admission = o["apiVersion"] == "projectcalico.org/v3" && name.starts_with("tortie");
        o["kind"] == "ServiceMonitor" || o["kind"] == "Service" && services.contains(&name) || admission
    };
    let mut objects: Vec<Value> = model.0.iter().filter(wanted).map(bare).collect();
    objects.iter_mut().for_each(faster);
    cluster.bed.apply_objects(&objects).unwrap();
}

/// Prometheus scrapes itself, as both stacks have it.
fn itself(cluster: &Cluster, release: Option<&str>, port: &str, labels: &Value) {
    let mut monitor = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
        "metadata": {"name": "prometheus-itself", "namespace": "monitoring"},
        "spec": {"selector": {"matchLabels": labels}, "endpoints": [{"port": port, "interval": "1s", "scrapeTimeout": "1s"}]}});
    if let Some(release) = release {
        monitor["metadata"]["labels"] = json!({"release": release});
    }
    cluster.bed.apply_objects(&[monitor]).unwrap();
}

impl Place {
    /// A cluster of this kind with the whole chain.
    fn start(self) -> Cluster {
        let usual = Options { calico: 30, ..Options::default() };
        let of_chart = json!({"app": "kube-prometheus-stack-service", "release": "prometheus"});
        let cluster = match self {
            Place::Operator => Cluster::start(30, false),
            Place::Manifest => Cluster::from_manifest(30),
            Place::Newest => Cluster::start(33, false),
            Place::KubePrometheus => Cluster::under_kube_prometheus(30),
        };
        match self {
            Place::Operator => operated(&cluster, &usual),
            Place::Manifest => from_manifest(&cluster),
            Place::Newest => operated(&cluster, &Options { calico: 33, ..usual }),
            Place::KubePrometheus => {
                operated(&cluster, &Options { stack: Stack::KubePrometheus, ..usual });
                cluster.bed.apply_objects(&accounts::fourth_namespace()).unwrap();
            }
        }
        if self != Place::KubePrometheus {
            itself(&cluster, Some("prometheus"), "http-web", &of_chart);
        }
        cluster
    }
}

/// Ids of what was told; what is lowered to a remark because samples arrive another way counts when nothing else was told.
fn ids(told: &Told) -> Vec<String> {
    let ids = told.ids();
    if !ids.is_empty() {
        return ids;
    }
    let list = told.report["findings"].as_array().cloned().unwrap_or_default();
    let lowered = list
        .iter()
        .filter(|f| f["warning"].as_str().is_some_and(|w| w.starts_with("samples arrive another way")));
    let mut ids: Vec<String> = lowered.map(|f| f["id"].as_str().unwrap_or_default().to_owned()).collect();
    ids.dedup();
    ids
}

/// Remarks that come with a finding of another check, which names the cause of both.
const WITH: [(&str, &str); 1] = [("nameless-cluster", "T102")];

/// Whether the doctor tells what it should.
fn as_expected(entry: &Entry, told: &Told) -> bool {
    let verdict = match entry.told {
        Tells::Finding => return ids(told) == [entry.check],
        Tells::Info => "info",
        Tells::Unknown => "unknown",
        Tells::Pending => "pending",
        Tells::Skipped => "skipped",
    };
    let with: Vec<&str> = WITH.iter().filter(|(n, _)| *n == entry.name).map(|(_, id)| *id).collect();
    let mut checks = told.report["checks"].as_array().into_iter().flatten();
    told.ids() == with && checks.any(|c| c["id"] == entry.check && c["verdict"] == verdict)
}

/// What was told, for the page.
fn told_ids(entry: &Entry, told: &Told) -> Vec<String> {
    if entry.told != Tells::Finding && as_expected(entry, told) {
        return vec![entry.check.to_owned()];
    }
    ids(told)
}

/// How long a fault may take to show itself to the peers after the doctor has named it.
const SHOWS: Duration = Duration::from_secs(5);

/// Of these nobody but the doctor has anything to see, so nobody is waited for.
fn unseen(entry: &Entry) -> bool {
    entry.told != Tells::Finding || entry.seen == catalogue::Seen::Paper
}

/// The fault after which its cluster is no more what it was.
const LAST: &str = "no-monitoring-crds";

/// Makes one fault. `before` and `healthy` are the cluster's objects and what its peers showed when it was whole.
fn one(cluster: &Cluster, entry: &Entry, before: &[Value], healthy: &Shown, made: &mut Made) -> Seen {
    let (was, listed) = (Shown::of(cluster, &[]), shown::kubectl(cluster));
    let begin = Instant::now();
    make(cluster, entry, made);
    cluster.follow_operator();
    let probes = if entry.seen == catalogue::Seen::Processes { "10" } else { "0" };
    // Pods that came since are told to the kubelets, so that they can be asked.
    let _ = cluster.bed.forward_ports();
    let mut arguments = vec!["--probe-nodes", probes];
    // Faults that come one after the other on one cluster are what T711 calls flapping.
    if entry.check != "T711" {
        arguments.extend(["--skip", "T711"]);
    }
    arguments.extend(made.ask.iter().map(String::as_str));
    let told = cluster.told_until(&arguments, |t| as_expected(entry, t));
    let named = begin.elapsed();
    let expressions: Vec<String> = entry
        .by_hand()
        .filter_map(|c| if let Change::Add(o) = c { Some(shown::expressions(o)) } else { None })
        .flatten()
        .map(|e| e.replace("[15s]", "[1s]"))
        .collect();
    let wait = if unseen(entry) || !made.shown.is_empty() { Duration::ZERO } else { SHOWS };
    let until = Instant::now() + wait;
    let news = loop {
        let news = Shown::of(cluster, &expressions).since(&was);
        if !news.is_empty() || Instant::now() >= until {
            break news;
        }
        std::thread::sleep(Duration::from_millis(250));
    };
    let mut seen = Seen {
        told: told_ids(entry, &told),
        named,
        mended: String::new(),
        healed: Duration::ZERO,
        kubectl: shown::kubectl_alone(&listed, &shown::kubectl(cluster), &news),
        promtool: shown::promtool_alone(cluster),
        peers: made.shown.iter().cloned().chain(news).collect(),
        wrong: None,
    };
    let begin = Instant::now();
    if as_expected(entry, &told) {
        match mended(cluster, entry, &told) {
            Ok(how) => seen.mended = how,
            Err(why) => seen.wrong = Some(why),
        }
    } else {
        seen.wrong = Some(format!("expected {}, told {:?}\n{}", entry.check, seen.told, told.screen));
        "by hand".clone_into(&mut seen.mended);
    }
    if entry.name == LAST {
        return seen;
    }
    heal(cluster, entry, made, &mut seen, begin);
    if put_back(cluster, before) {
        cluster.follow_operator();
    }
    let mut last = String::new();
    let same = cluster.bed.wait("the bed as before", |_| {
        let now = Shown::of(cluster, &[]);
        last = now.since(healthy).into_iter().take(3).collect::<Vec<_>>().join("; ");
        Ok(now.as_before(healthy).then_some(()))
    });
    if same.is_err() {
        seen.wrong.get_or_insert(format!("the bed is not as before: {last}"));
    }
    seen
}

/// Healthy again, by what the doctor said or by hand.
fn heal(cluster: &Cluster, entry: &Entry, made: &mut Made, seen: &mut Seen, begin: Instant) {
    // Of a remark nothing was broken: what its mending takes away comes back.
    let back = entry.mends == Mends::Outside || entry.told != Tells::Finding || seen.wrong.is_some();
    if back {
        made.restore(cluster);
    } else if matches!(entry.live, Live::Hand(_)) || !made.ask.is_empty() {
        // What a hand holds is no part of what the command mends.
        made.heal(cluster);
    }
    cluster.follow_operator();
    let _ = cluster.bed.forward_ports();
    let well = |t: &Told| t.exit == 0 && t.ids().is_empty();
    let mut after = cluster.told_until(HEALTHY, well);
    if !well(&after) {
        // A Prometheus that gives up a remote write does not answer for up to a minute.
        after = cluster.told_until(HEALTHY, well);
    }
    seen.healed = begin.elapsed();
    if !well(&after) {
        let why = format!("not healthy afterwards: {:?}\n{}", after.ids(), after.screen);
        seen.wrong.get_or_insert(why);
        made.restore(cluster);
    }
    made.heal(cluster);
}

/// Does what the finding says. `Ok` is how, for the page.
fn mended(cluster: &Cluster, entry: &Entry, told: &Told) -> Result<String, String> {
    if matches!(entry.told, Tells::Unknown | Tells::Pending | Tells::Skipped) {
        return Ok("nothing to mend".to_owned());
    }
    let fix = &told.finding(entry.check)["fix"];
    let mut commands = fix["commands"].as_array().cloned().unwrap_or_default();
    // What is known to break then is mended in one go, as the screen has it.
    for next in told.finding(entry.check)["next"].as_array().into_iter().flatten() {
        if entry.next.iter().any(|id| next["id"] == *id) {
            commands.extend(next["fix"]["commands"].as_array().cloned().unwrap_or_default());
        }
    }
    match entry.mends {
        // The chart's own objects are Helm's on a bed; the model leaves that out.
        Mends::Command if fix["note"].as_str().is_some_and(|n| n.contains("Helm")) => {
            edit(cluster, fix).map(|()| "the edit that it names, for Helm keeps the object here".to_owned())
        }
        Mends::Command if commands.is_empty() => Err("no command was printed".to_owned()),
        Mends::Command => {
            commands.iter().for_each(|c| cluster.run_printed(c));
            Ok(format!("{} command{}, exit 0", commands.len(), if commands.len() == 1 { "" } else { "s" }))
        }
        Mends::Edit => edit(cluster, fix).map(|()| "the edit that it names".to_owned()),
        Mends::Outside if commands.is_empty() => Ok("outside, no command printed".to_owned()),
        Mends::Outside => Err(format!("a command was printed that cannot mend it: {}", commands[0]["shell"])),
    }
}

/// Makes the edit that a finding names: object, path, value.
fn edit(cluster: &Cluster, fix: &Value) -> Result<(), String> {
    let text = |key: &str| fix[key].as_str().unwrap_or_default();
    let why = || format!("an edit that cannot be made as it is written: {fix}");
    let (kind, name) = text("object").split_once(' ').ok_or_else(why)?;
    let (namespace, name) = name.split_once('/').map_or((None, name), |(n, m)| (Some(n), m));
    let mut arguments = vec!["get", kind, name, "-o", "json"];
    arguments.extend(namespace.into_iter().flat_map(|n| ["-n", n]));
    let out = cluster.bed.kubectl_ok(&arguments).map_err(|e| format!("{}: {e}", why()))?;
    let mut object: Value = serde_json::from_str(&out).map_err(|e| e.to_string())?;
    if !text("path").starts_with('/') {
        return Err(why());
    }
    set(&mut object, text("path"), fix["value"].clone());
    kubectl(cluster, &["replace", "-f", "-"], &object);
    Ok(())
}

type Row = (Entry, Result<Seen, String>);

/// Writes the page, when it is asked for, with what is known so far.
fn write(rows: &[Row], took: Duration) {
    let Ok(file) = std::env::var("TORTIE_FAULTS_PAGE") else { return };
    let mut rows = rows.to_vec();
    let made: Vec<&str> = rows.iter().map(|(e, _)| e.name).collect();
    let rest: Vec<Row> = everything()
        .filter(|e| !made.contains(&e.name))
        .map(|e| (place(&e).err().unwrap_or_else(|| "not made in this run".to_owned()), e))
        .map(|(why, e)| (e, Err(why)))
        .collect();
    rows.extend(rest);
    rows.sort_by_key(|(e, _)| e.name);
    std::fs::write(file, page(&rows, took)).unwrap();
}

fn everything() -> impl Iterator<Item = Entry> {
    catalogue::all().into_iter().chain(catalogue::remarks())
}

/// Arguments with which a healthy cluster is asked for.
const HEALTHY: &[&str] = &["--probe-nodes", "0", "--skip", "T711"];

/// Whether the environment asks for this one; without a list all are made.
fn asked_for(entry: &Entry) -> bool {
    std::env::var("TORTIE_FAULTS").map_or(true, |list| list.split(',').any(|n| n == entry.name))
}

/// Clusters that run at one time; `TORTIE_FAULTS_BEDS` says otherwise.
const SIDE_BY_SIDE: usize = 4;

/// Usual faults of one cluster at most: a longer list goes to several of the kind.
const SHARE: usize = 46;

/// The shares of the list, the longest first.
fn shares() -> Vec<(Place, Vec<Entry>)> {
    let mut out = Vec::new();
    for here in [Place::Operator, Place::Manifest, Place::Newest, Place::KubePrometheus] {
        let mut own: Vec<Entry> = everything().filter(|e| asked_for(e) && place(e) == Ok(here)).collect();
        let parts = weight(&own).div_ceil(SHARE);
        let mut mine: Vec<Vec<Entry>> = vec![Vec::new(); parts];
        own.sort_by_key(|e| std::cmp::Reverse(weight(std::slice::from_ref(e))));
        for entry in own {
            if let Some(least) = mine.iter_mut().min_by_key(|share| weight(share)) {
                least.push(entry);
            }
        }
        for mut share in mine {
            // Processes are asked over the kubelets' forwards, which a bed does not keep whole for long; those to a process
            // that says nothing stay open.
            share.sort_by_key(|e| match e.live {
                // All that comes and goes before it flaps as well.
                _ if e.check == "T711" => 0,
                _ if e.name == LAST => 6,
                _ if e.name == SLOW[1] => 5,
                _ if e.name == SLOW[0] => 4,
                Live::Process(_, _, Process::Silent) => 2,
                Live::Process(..) => 1,
                _ => 3,
            });
            out.push((here, share));
        }
    }
    out.sort_by_key(|(_, share)| std::cmp::Reverse(weight(share)));
    out
}

/// Faults that wait until monitors that nobody changed have grown old, in the order in which they are best made.
const SLOW: [&str; 2] = ["reloader-behind", "left-out-in-silence"];

/// About how long faults take, in that of a usual one.
fn weight(share: &[Entry]) -> usize {
    share.iter().map(|e| if SLOW.contains(&e.name) { 24 } else { 1 }).sum()
}

/// Makes a share of the faults on a cluster of its own.
fn run(here: Place, share: Vec<Entry>, tell: &(dyn Fn(Entry, Seen) + Sync)) {
    let cluster = here.start();
    let healthy = cluster.told_until(HEALTHY, |t| t.exit == 0 && t.ids().is_empty());
    assert_eq!((healthy.ids(), healthy.exit), (vec![], 0), "{here:?}: {}", healthy.screen);
    let (before, whole) = (kept(&cluster), Shown::of(&cluster, &[]));
    for entry in share {
        let begin = Instant::now();
        let mut made = Made::default();
        let seen = catch_unwind(AssertUnwindSafe(|| one(&cluster, &entry, &before, &whole, &mut made)));
        let seen = seen.unwrap_or_else(|panic| {
            let _ = catch_unwind(AssertUnwindSafe(|| made.restore(&cluster)));
            let _ = catch_unwind(AssertUnwindSafe(|| put_back(&cluster, &before)));
            let why = panic.downcast_ref::<String>().cloned();
            Seen::lost(why.unwrap_or_else(|| "it could not be made".to_owned()), begin.elapsed())
        });
        tell(entry, seen);
    }
}

#[test]
#[ignore = "a campaign: make campaign NAME=faults"]
fn each_fault_is_named_and_mended() {
    let begin = Instant::now();
    let rows: Mutex<Vec<Row>> = Mutex::default();
    let open = Mutex::new(shares());
    let beds = std::env::var("TORTIE_FAULTS_BEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(SIDE_BY_SIDE);
    let tell = |entry: Entry, seen: Seen| {
        println!(
            "{:>4} s {:<30} {} named after {:.1?}, healthy after {:.1?}: {}",
            begin.elapsed().as_secs(),
            entry.name,
            entry.check,
            seen.named,
            seen.healed,
            seen.wrong.as_deref().unwrap_or("ok")
        );
        let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.push((entry, Ok(seen)));
        write(&rows, begin.elapsed());
    };
    std::thread::scope(|scope| {
        for _ in 0..beds {
            scope.spawn(|| {
                loop {
                    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
                    if open.is_empty() {
                        return;
                    }
                    let (here, share) = open.remove(0);
                    drop(open);
                    run(here, share, &tell);
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(e, s)| Some(format!("{}: {}", e.name, s.as_ref().ok()?.wrong.as_ref()?)))
        .collect();
    let made = rows.len();
    assert!(made > 0, "no fault of these names can be made");
    assert!(wrong.is_empty(), "{} of {made} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
