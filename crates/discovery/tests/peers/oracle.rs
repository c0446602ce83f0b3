//! Generated clusters and some by hand: our configuration and refusals are those of the operator's generator.

use crate::clusters::{self, Pair};
use crate::compare::{differences, value};
use crate::rows;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tortie_discovery::crds::types::Prometheus;
use tortie_discovery::crds::{Known, Material, Objects, Sharing, Style, configure};

/// Generated clusters.
const GENERATED: u64 = 300;

pub(crate) fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(vec!["x.svc".to_owned()]).unwrap();
    Pair { cert: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

/// What the operator's generator answers, a line each.
pub(crate) fn operator(clusters: &[Value]) -> Vec<Value> {
    let folder = std::env::var("TORTIE_PEERS_BIN").expect("TORTIE_PEERS_BIN names the folder of the peers");
    let program = std::path::Path::new(&folder).join("opgen");
    let mut child = Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{}: {e}; hint: make peers", program.display()));
    let mut input = String::new();
    for c in clusters {
        input.push_str(&c.to_string());
        input.push('\n');
    }
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// The objects of a cluster, and its Prometheus.
pub(crate) fn objects_of(bodies: &[Value]) -> (Objects, Arc<Prometheus>) {
    let mut objects = Objects::default();
    for body in bodies {
        objects.insert(body).unwrap();
    }
    let prometheus = objects.prometheuses.values().next().unwrap().clone();
    (objects, prometheus)
}

pub(crate) fn known(objects: &[Value]) -> Known {
    use base64::Engine as _;
    let mut known = Known::default();
    for o in objects {
        let name = |k: &str| o["metadata"][k].as_str().unwrap_or("").to_owned();
        let data = o["data"].as_object().into_iter().flatten();
        let place = (name("namespace"), name("name"));
        match o["kind"].as_str() {
            Some("Secret") => {
                let engine = base64::engine::general_purpose::STANDARD;
                let data = data.map(|(k, v)| (k.clone(), engine.decode(v.as_str().unwrap()).unwrap()));
                known.secrets.insert(place, Arc::new(data.collect::<BTreeMap<_, _>>()));
            }
            Some("ConfigMap") => {
                let data = data.map(|(k, v)| (k.clone(), v.as_str().unwrap().as_bytes().to_vec()));
                known.config_maps.insert(place, Arc::new(data.collect::<BTreeMap<_, _>>()));
            }
            _ => {}
        }
    }
    known
}

/// What differs between us and the operator on one cluster.
pub(crate) fn judge(cluster: &Value, answer: &Value) -> Vec<String> {
    let bodies = cluster["objects"].as_array().unwrap();
    let (objects, prometheus) = objects_of(bodies);
    let material = if cluster["inlineTLS"] == json!(true) { Material::Inline } else { Material::Mounted };
    let style = Style { material, sharing: Sharing::Shards };
    let ours = configure(&objects, &prometheus, &known(bodies), style);
    let mut out = Vec::new();
    let error = answer.get("error").and_then(Value::as_str);
    let ours = match (ours, error) {
        (Ok(ours), None) => ours,
        (Err(ours), Some(theirs)) if ours == theirs => return out,
        (ours, theirs) => {
            return vec![format!("whole: ours {:?}, the operator's {theirs:?}", ours.map(|_| ()))];
        }
    };
    let verdicts: Vec<Value> = ours
        .verdicts
        .iter()
        .map(|v| match &v.refused {
            None => json!({"kind": v.kind, "key": v.key, "accepted": true}),
            Some(m) => json!({"kind": v.kind, "key": v.key, "accepted": false, "reason": "InvalidConfiguration", "message": m}),
        })
        .collect();
    // An empty list stands as nothing.
    let theirs = answer["verdicts"].as_array().cloned().unwrap_or_default();
    differences(&json!(verdicts), &json!(theirs), "verdicts", &mut out);
    differences(&value(&ours.text()), &value(answer["config"].as_str().unwrap_or("")), "config", &mut out);
    out
}

#[test]
fn generated_clusters_are_as_the_operator_has_them() {
    let pair = pair();
    let clusters: Vec<Value> = (0..GENERATED)
        .map(|n| json!({"objects": clusters::resources(n, &pair), "inlineTLS": n % 2 == 0}))
        .collect();
    let answers = operator(&clusters);
    assert_eq!(answers.len(), clusters.len());
    let (mut bad, mut accepted, mut refused) = (0, 0, 0);
    for (n, (cluster, answer)) in clusters.iter().zip(&answers).enumerate() {
        for v in answer["verdicts"].as_array().into_iter().flatten() {
            if v["accepted"] == json!(true) { accepted += 1 } else { refused += 1 }
        }
        let differences = judge(cluster, answer);
        if !differences.is_empty() {
            bad += 1;
            for d in differences.iter().take(4) {
                println!("cluster {n}: {d}");
            }
        }
    }
    println!("{GENERATED} clusters, {accepted} objects accepted, {refused} refused");
    assert!(accepted > 500 && refused > 100, "the dice made too little of one: {accepted}, {refused}");
    assert_eq!(bad, 0, "clusters that differ");
}

#[test]
fn clusters_by_hand_are_as_the_operator_has_them() {
    let hand = crate::by_hand::clusters(&pair());
    let clusters: Vec<Value> = hand.iter().map(|(_, _, c)| c.clone()).collect();
    let answers = operator(&clusters);
    assert_eq!(answers.len(), clusters.len());
    assert!(clusters.len() >= 100, "{} by hand", clusters.len());
    let table = rows::all();
    let mut bad = Vec::new();
    for ((name, meant, cluster), answer) in hand.iter().zip(&answers) {
        bad.extend(judge(cluster, answer).into_iter().take(6).map(|d| format!("{name}: {d}")));
        let exercised = rows::exercised(&table, &rows::View::new(cluster, answer));
        let not = meant.iter().filter(|m| !exercised.contains(*m));
        bad.extend(
            not.map(|m| format!("{name}: is not a case of {m}; the operator says {}", answer["error"])),
        );
    }
    println!("{} clusters by hand", clusters.len());
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn every_row_is_exercised_by_five_clusters() {
    let pair = pair();
    let mut clusters: Vec<Value> =
        (0..GENERATED).map(|n| json!({"objects": clusters::resources(n, &pair)})).collect();
    clusters.extend(crate::by_hand::clusters(&pair).into_iter().map(|(_, _, c)| c));
    let answers = operator(&clusters);
    let table = rows::all();
    let exercised: Vec<Vec<&str>> =
        clusters.iter().zip(&answers).map(|(c, a)| rows::exercised(&table, &rows::View::new(c, a))).collect();
    let (page, short) = rows::count(&exercised, &table);
    println!("{page}");
    assert!(short.is_empty(), "rows that too few clusters exercise: {short:#?}");
}
