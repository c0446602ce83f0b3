//! Clusters made of dice: a Prometheus with monitors of every shape, good and bad, and what they refer to. The same number
//! gives the same cluster.

// Each test binary uses its own part.
#![allow(dead_code)]

pub(crate) mod dice;
mod monitors;
mod prometheus;
pub(crate) mod world;

use dice::Dice;
use serde_json::{Value, json};

/// Namespaces of every cluster.
pub(crate) const NAMESPACES: [&str; 5] = ["monitoring", "apps", "db", "kube-system", "web-1"];

/// Certificate and key in PEM.
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) cert: String,
    /// Its key.
    pub(crate) key: String,
}

/// The custom resources of cluster number `n`, with Secrets, ConfigMaps and Namespaces.
pub(crate) fn resources(n: u64, pair: &Pair) -> Vec<Value> {
    let mut dice = Dice::new(n);
    let mut out: Vec<Value> = NAMESPACES.iter().map(|name| namespace(&mut dice, name)).collect();
    for ns in NAMESPACES {
        out.push(secret(ns, pair));
        out.push(config_map(ns, pair));
    }
    out.push(prometheus::prometheus(&mut dice));
    for i in 0..3 + dice.of(9) {
        out.push(monitors::service_monitor(&mut dice, i));
    }
    for i in 0..2 + dice.of(6) {
        out.push(monitors::pod_monitor(&mut dice, i));
    }
    for i in 0..1 + dice.of(3) {
        out.push(monitors::probe(&mut dice, i));
    }
    for i in 0..1 + dice.of(3) {
        out.push(monitors::scrape_config(&mut dice, i));
    }
    out
}

fn namespace(dice: &mut Dice, name: &str) -> Value {
    let team = dice.pick(&["a", "b"]);
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, "team": team}},
    })
}

/// Base64 of a text, as Secrets hold it.
pub(crate) fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            out.push(if i <= chunk.len() {
                char::from(LETTERS[(n >> (18 - 6 * i) & 63) as usize])
            } else {
                '='
            });
        }
    }
    out
}

fn secret(ns: &str, pair: &Pair) -> Value {
    let jobs = "- job_name: raw\n  static_configs:\n  - targets: ['a:1']\n    labels: {a: yes, b: '5', c: no, d: off}\n";
    let jobs = format!(
        "{jobs}- job_name: hashed\n  relabel_configs:\n  - action: hashmod\n    source_labels: [x]\n    target_label: __tmp_hash\n    modulus: 2\n"
    );
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "creds", "namespace": ns},
        "data": {
            "user": base64("u"), "password": base64(&format!("p-{ns}")), "token": base64("tok: \"x\" # y"), "api-token": base64("admin-token"),
            "ca.crt": base64(&pair.cert), "tls.crt": base64(&pair.cert), "tls.key": base64(&pair.key),
            "not-pem": base64("no certificate"), "jobs.yaml": base64(&jobs),
            "rules.yaml": base64("- action: labeldrop\n  regex: x\n"),
            "managers.yaml": base64("- static_configs:\n  - targets: [am:9093]\n"),
            "broken.yaml": base64("a: b"),
        },
    })
}

fn config_map(ns: &str, pair: &Pair) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "public", "namespace": ns},
        "data": {"ca.crt": pair.cert, "client": "id-1"},
    })
}
