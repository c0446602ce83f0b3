//! The actor compared with what the real operators of five versions left in four states.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tortie_testbed::{Actor, Bed, Options, installs};

/// The last differs from the one before in monitors alone.
const STATES: &[&str] = &["0-installed", "1-write-up", "2-typha-port", "3-mended"];

/// Objects by kind and name, of those that the actor plays.
type Seen = BTreeMap<String, Value>;

fn recording(minor: u16, state: &str) -> Seen {
    let fixtures =
        std::env::var_os("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of the fixtures");
    let path = std::path::Path::new(&fixtures).join(format!("clusters/calico-3.{minor}/{state}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let list: Value = serde_json::from_str(&text).unwrap();
    seen(list["items"].as_array().unwrap())
}

/// What of each object matters to metrics, and who holds it.
fn seen(objects: &[Value]) -> Seen {
    let mut out = Seen::new();
    for object in objects {
        let kind = object["kind"].as_str().unwrap_or_default();
        let meta = &object["metadata"];
        let name = meta["name"].as_str().unwrap_or_default();
        let mine = meta["namespace"] == "calico-system"
            && matches!(kind, "Service" | "Deployment" | "DaemonSet")
            || matches!(kind, "FelixConfiguration");
        if !mine || name == "csi-node-driver" {
            continue;
        }
        let keys =
            |v: &Value| v.as_object().map(|m| m.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let managers: std::collections::BTreeSet<String> = meta["managedFields"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|m| format!("{} {} {}", m["manager"], m["operation"], m["subresource"]))
            .collect();
        let spec = &object["spec"];
        let template = &spec["template"];
        let container = &template["spec"]["containers"][0];
        let env = |c: &Value| -> Vec<Value> {
            let all = c["env"].as_array().into_iter().flatten();
            // The recording's API server stood at another address.
            all.filter(|e| !e["name"].as_str().is_some_and(|n| n.starts_with("KUBERNETES_")))
                .cloned()
                .collect()
        };
        let common = json!({
            "labels": meta["labels"],
            "managers": managers.into_iter().collect::<Vec<_>>(),
            "owners": meta["ownerReferences"].as_array().into_iter().flatten().map(|o| json!([o["kind"], o["name"], o["controller"]])).collect::<Vec<_>>(),
        });
        let own = match kind {
            "Service" => json!({
                "ports": spec["ports"], "selector": spec["selector"], "type": spec["type"],
                "headless": spec["clusterIP"] == "None", "annotations": keys(&meta["annotations"]),
            }),
            "FelixConfiguration" => json!({ "spec": spec, "annotations": meta["annotations"] }),
            _ => json!({
                "selector": spec["selector"], "replicas": spec["replicas"], "history": spec["revisionHistoryLimit"],
                "template labels": template["metadata"]["labels"], "host": template["spec"]["hostNetwork"],
                "template annotations": sorted(keys(&template["metadata"]["annotations"])),
                "strategy": [spec["strategy"], spec["updateStrategy"]],
                "container": [container["name"], image(container), container["ports"]],
                // Of the two others not all of the environment is played.
                "env": if name == "calico-typha" { json!(env(container)) } else { Value::Null },
            }),
        };
        out.insert(format!("{kind} {name}"), json!([common, own]));
    }
    out
}

/// The image without its registry, which an installation may choose.
fn image(container: &Value) -> String {
    let text = container["image"].as_str().unwrap_or_default();
    let parts: Vec<&str> = text.rsplit('/').take(2).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}

fn now(bed: &Bed) -> anyhow::Result<Seen> {
    let mut all = Vec::new();
    for path in [
        "/api/v1/namespaces/calico-system/services",
        "/apis/apps/v1/namespaces/calico-system/deployments",
        "/apis/apps/v1/namespaces/calico-system/daemonsets",
        "/apis/crd.projectcalico.org/v1/felixconfigurations",
    ] {
        all.extend(bed.api().list(path)?);
    }
    Ok(seen(&all))
}

/// What the newest definition of FelixConfiguration fills in, and those of the recordings did not.
const DEFAULTS: &[&str] = &["nftablesFlowTableOffload", "nftablesMode"];

/// What differs, one line a value.
fn differences(have: &Seen, want: &Seen) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = have.keys().chain(want.keys()).collect();
    let mut out = Vec::new();
    for name in names {
        let side = |s: &Seen| s.get(name).cloned().unwrap_or(Value::Null);
        let (mut have, want) = (side(have), side(want));
        for key in DEFAULTS {
            if let Some(Value::Object(spec)) = have.pointer_mut("/1/spec")
                && want[1]["spec"][*key].is_null()
            {
                spec.remove(*key);
            }
        }
        walk(name, &have, &want, &mut out);
    }
    out
}

fn walk(path: &str, have: &Value, want: &Value, out: &mut Vec<String>) {
    match (have, want) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                walk(&format!("{path} / {key}"), &have[key], &want[key], out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                walk(&format!("{path} / {i}"), a, b, out);
            }
        }
        _ if have != want => out.push(format!("{path}: actor {have}, recorded {want}")),
        _ => {}
    }
}

/// The steps of the write-up, as a person does them.
fn step(bed: &Bed, state: &str) {
    match state {
        "1-write-up" => {
            let patch = r#"{"spec":{"prometheusMetricsEnabled":true}}"#;
            bed.kubectl_ok(&[
                "patch",
                "felixconfigurations.crd.projectcalico.org",
                "default",
                "--type=merge",
                "-p",
                patch,
            ])
            .unwrap();
            let service = |name: &str, port: &str, number: u16, app: &str| {
                json!({
                    "apiVersion": "v1", "kind": "Service",
                    "metadata": { "name": name, "namespace": "calico-system", "labels": { "k8s-app": name } },
                    "spec": { "selector": { "k8s-app": app }, "ports": [{ "name": port, "port": number, "protocol": "TCP", "targetPort": number }] },
                })
            };
            bed.apply_objects(&[
                service("calico-felix-metrics", "felix-metrics", 9091, "calico-node"),
                service("calico-typha-metrics", "typha-metrics", 9093, "calico-typha"),
            ])
            .unwrap();
            let env = [
                "set",
                "env",
                "-n",
                "calico-system",
                "deployment/calico-typha",
                "TYPHA_PROMETHEUSMETRICSENABLED=true",
                "TYPHA_PROMETHEUSMETRICSPORT=9093",
            ];
            bed.kubectl_ok(&env).unwrap();
        }
        "2-typha-port" => {
            let patch = r#"{"spec":{"typhaMetricsPort":9093}}"#;
            bed.kubectl_ok(&[
                "patch",
                "installations.operator.tigera.io",
                "default",
                "--type=merge",
                "-p",
                patch,
            ])
            .unwrap();
        }
        _ => {}
    }
}

#[test]
fn the_actor_leaves_what_the_real_operators_left() {
    std::thread::scope(|scope| {
        // Two at a time: each is a whole control plane.
        for minors in [&[27, 29, 32][..], &[28, 30]] {
            scope.spawn(move || minors.iter().for_each(|minor| compare(*minor)));
        }
    });
}

fn compare(minor: u16) {
    let begin = std::time::Instant::now();
    let bed = Bed::start(Options { port_forward: false, ..Options::default() }).unwrap();
    println!("3.{minor} bed after {:?}", begin.elapsed());
    installs::install_calico_crds(&bed, false).unwrap();
    println!("3.{minor} custom resources after {:?}", begin.elapsed());
    bed.api().create_all(&installs::operator((3, minor)), "kubectl-create").unwrap();
    bed.apply_objects(&[installs::installation()]).unwrap();
    let _actor = Actor::start(&bed, (3, minor));
    for state in STATES {
        step(&bed, state);
        let want = recording(minor, state);
        bed.wait(&format!("3.{minor} {state}"), |_| {
            let differ = differences(&now(&bed)?, &want);
            if differ.is_empty() { Ok(Some(())) } else { anyhow::bail!("\n{}", differ.join("\n")) }
        })
        .unwrap();
        println!("3.{minor} {state}: {} objects equal after {:?}", want.len(), begin.elapsed());
    }
}
