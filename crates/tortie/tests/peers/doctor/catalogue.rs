//! The fault catalogue on real clusters: each fault is made with kubectl or in the process, shows itself to the peers, is
//! named by the doctor, and is mended by the command that the doctor prints, run as printed, or by the edit that it names.

use super::cluster::{Cluster, Told};
use super::faults_page::{Seen, page};
use super::injected::{Place, bare, faster, kept, kubectl, make, place, put_back};
use serde_json::Value;
use std::time::{Duration, Instant};
use tortie_sim::catalogue::{self, Entry, Live, Mends, Process};
use tortie_sim::installs::{Kind, Objects, Options, set};

/// The chain of the catalogue's usual cluster on a real one.
pub(super) fn chain(cluster: &Cluster) {
    for (kind, patch) in [
        ("felixconfigurations.crd.projectcalico.org", r#"{"spec":{"prometheusMetricsEnabled":true}}"#),
        ("installations.operator.tigera.io", r#"{"spec":{"typhaMetricsPort":9093}}"#),
    ] {
        cluster.bed.kubectl_ok(&["patch", kind, "default", "--type=merge", "-p", patch]).unwrap();
    }
    let options = Options { calico: 30, ..Default::default() };
    monitors(cluster, &options, &["tortie-felix-metrics"]);
}

/// The same where Calico comes from a manifest.
fn manifest_chain(cluster: &Cluster) {
    let felix = "felixconfigurations.crd.projectcalico.org";
    let on = r#"{"spec":{"prometheusMetricsEnabled":true}}"#;
    cluster.bed.kubectl_ok(&["patch", felix, "default", "--type=merge", "-p", on]).unwrap();
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
        let named = o["metadata"]["name"].as_str().is_some_and(|n| services.contains(&n));
        o["kind"] == "ServiceMonitor" || o["kind"] == "Service" && named
    };
    let mut objects: Vec<Value> = model.0.iter().filter(wanted).map(bare).collect();
    objects.iter_mut().for_each(faster);
    cluster.bed.apply_objects(&objects).unwrap();
}

/// What the peers show without the doctor: Prometheus' targets of each component, the operator's warnings.
fn peers(cluster: &Cluster) -> String {
    let mut out = Vec::new();
    match cluster.kubelet.pods().iter().find(|(name, _)| name.contains("prometheus-")) {
        None => out.push("no Prometheus runs".to_owned()),
        Some((_, address)) => match cluster.bed.prometheus(*address, "/api/v1/targets?state=active") {
            Err(e) => out.push(format!("Prometheus: {e}")),
            Ok(targets) => {
                for (component, word) in
                    [("Felix", "felix"), ("Typha", "typha"), ("kube-controllers", "kube-controllers")]
                {
                    let own: Vec<&Value> = targets["activeTargets"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter(|t| t["scrapePool"].as_str().is_some_and(|p| p.contains(word)))
                        .collect();
                    let up = own.iter().filter(|t| t["health"] == "up").count();
                    out.push(format!("{component} {up}/{} up", own.len()));
                    let errors = own.iter().filter_map(|t| t["lastError"].as_str()).find(|e| !e.is_empty());
                    out.extend(errors.map(|e| e.chars().take(70).collect::<String>()));
                }
            }
        },
    }
    if let Ok(events) = cluster.bed.api().list("/api/v1/namespaces/monitoring/events") {
        let warning = events.iter().rev().find(|e| e["reason"] == "InvalidConfiguration");
        out.extend(warning.map(|e| {
            format!(
                "Event: {}",
                e["message"].as_str().unwrap_or_default().chars().take(80).collect::<String>()
            )
        }));
    }
    out.join(", ")
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

fn one(cluster: &Cluster, entry: &Entry, healthy: &str, before: &[Value]) -> Seen {
    let begin = Instant::now();
    let undo = make(cluster, entry);
    let probes = if entry.seen == catalogue::Seen::Processes { "10" } else { "0" };
    // Pods that came since are told to the kubelets, so that they can be asked.
    cluster.bed.forward_ports().unwrap();
    // Faults that come one after the other on one cluster are what T711 calls flapping.
    let told = cluster.told_until(&["--probe-nodes", probes, "--skip", "T711"], |t| ids(t) == [entry.check]);
    let mut seen = Seen {
        told: ids(&told),
        named: begin.elapsed(),
        mended: String::new(),
        healed: Duration::ZERO,
        peers: peers(cluster),
        wrong: None,
    };
    if seen.peers == healthy {
        seen.peers = "nothing".to_owned();
    }
    let begin = Instant::now();
    if seen.told != [entry.check] {
        seen.wrong = Some(format!("expected {}, told {:?}\n{}", entry.check, seen.told, told.screen));
        seen.mended = "by hand".to_owned();
        undo.restore(cluster);
    } else {
        let mended = mended(cluster, entry, &told);
        match mended {
            Ok(how) => seen.mended = how,
            Err(why) => seen.wrong = Some(why),
        }
        if entry.mends == Mends::Outside || seen.wrong.is_some() {
            undo.restore(cluster);
        }
    }
    let mut after = cluster.told_until(HEALTHY, |t| t.exit == 0);
    seen.healed = begin.elapsed();
    if after.exit != 0 {
        let why = format!("not healthy afterwards: {:?}\n{}", after.ids(), after.screen);
        seen.wrong.get_or_insert(why);
        undo.restore(cluster);
    }
    undo.heal(cluster);
    put_back(cluster, before);
    after = cluster.told_until(HEALTHY, |t| t.exit == 0);
    if after.exit != 0 {
        let why = format!("the bed is not as before: {:?}\n{}", after.ids(), after.screen);
        seen.wrong.get_or_insert(why);
    }
    seen
}

/// Does what the finding says. `Ok` is how, for the page.
fn mended(cluster: &Cluster, entry: &Entry, told: &Told) -> Result<String, String> {
    let fix = &told.finding(entry.check)["fix"];
    let commands = fix["commands"].as_array().cloned().unwrap_or_default();
    match entry.mends {
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

/// Writes the page, when it is asked for, with what is known so far.
fn write(rows: &[(Entry, Result<Seen, String>)], took: Duration) {
    let Ok(file) = std::env::var("TORTIE_FAULTS_PAGE") else { return };
    let mut rows = rows.to_vec();
    let made: Vec<&str> = rows.iter().map(|(e, _)| e.name).collect();
    let all = catalogue::all().into_iter().chain(catalogue::remarks());
    let rest: Vec<_> = all
        .filter(|e| !made.contains(&e.name))
        .map(|e| (place(&e).err().unwrap_or_else(|| "not made in this run".to_owned()), e))
        .map(|(why, e)| (e, Err(why)))
        .collect();
    rows.extend(rest);
    rows.sort_by_key(|(e, _)| e.name);
    std::fs::write(file, page(&rows, took)).unwrap();
}

/// Arguments with which a healthy cluster is asked for.
const HEALTHY: &[&str] = &["--probe-nodes", "0", "--skip", "T711"];

/// Whether the environment asks for this one; without a list all are made.
fn asked_for(entry: &Entry) -> bool {
    std::env::var("TORTIE_FAULTS").map_or(true, |list| list.split(',').any(|n| n == entry.name))
}

#[test]
#[ignore = "a campaign: make campaign NAME=faults"]
fn each_fault_is_named_and_mended() {
    let begin = Instant::now();
    let mut rows = Vec::new();
    for here in [Place::Operator, Place::Manifest] {
        let mut entries: Vec<Entry> =
            catalogue::all().into_iter().filter(|e| asked_for(e) && place(e) == Ok(here)).collect();
        // Processes are asked over the kubelets' forwards, which a bed does not keep whole for long; those to a process that
        // says nothing stay open.
        entries.sort_by_key(|e| match e.live {
            Live::Process(_, _, Process::Silent) => 1,
            Live::Process(..) => 0,
            _ => 2,
        });
        if entries.is_empty() {
            continue;
        }
        let cluster = match here {
            Place::Operator => Cluster::start(30, false),
            Place::Manifest => Cluster::from_manifest(30),
        };
        match here {
            Place::Operator => chain(&cluster),
            Place::Manifest => manifest_chain(&cluster),
        }
        let healthy = cluster.told_until(HEALTHY, |t| t.exit == 0);
        assert_eq!((healthy.ids(), healthy.exit), (vec![], 0), "{}", healthy.screen);
        let (alone, before) = (peers(&cluster), kept(&cluster));
        for entry in entries {
            let seen = one(&cluster, &entry, &alone, &before);
            println!(
                "{:<30} {} named after {:.1?}, healthy after {:.1?}: {}",
                entry.name,
                entry.check,
                seen.named,
                seen.healed,
                seen.wrong.as_deref().unwrap_or("ok")
            );
            rows.push((entry, Ok(seen)));
            write(&rows, begin.elapsed());
        }
    }
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(e, s): &(Entry, Result<Seen, String>)| {
            Some(format!("{}: {}", e.name, s.as_ref().ok()?.wrong.as_ref()?))
        })
        .collect();
    let made = rows.len();
    assert!(made > 0, "no fault of these names can be made");
    assert!(wrong.is_empty(), "{} of {made} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
