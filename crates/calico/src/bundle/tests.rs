//! Planted credentials do not get through, and a bundle gives the findings of what it was made of.

use super::{pack, snapshot as unpack};
use crate::snapshot::{LogLine, Snapshot, Unseen};
use crate::testing::{dashboard, report, running, snapshot};
use serde_json::{Value, json};
use std::io::Read;
use std::path::PathBuf;
use tortie_cluster::files;
use tortie_cluster::object::Object;
use tortie_host::RealFs;
use tortie_sim::installs::{Options, object, set};

/// Packs, reads the archive as the doctor does, and makes the snapshot again.
fn again(snap: &Snapshot) -> Snapshot {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("b.tar.gz");
    tortie_host::Fs::write_atomic(&RealFs, &path, &pack(snap, "1").unwrap()).unwrap();
    let (mut objects, problems) = files::read(&RealFs, &[path]);
    assert!(problems.is_empty(), "{problems:?}");
    let (snap, bad) = unpack(&mut objects).expect("a bundle").expect("of this version");
    assert!(bad.is_empty(), "{bad:?}");
    snap
}

/// Everything in the archive as one text.
fn unpacked(snap: &Snapshot) -> String {
    let packed = pack(snap, "1").unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    text
}

/// What the report says, in short.
fn told(snap: &Snapshot) -> Vec<String> {
    let report = report(snap);
    let findings =
        report.findings.iter().map(|f| format!("{} {} {} {}", f.id, f.level, f.fingerprint(), f.title));
    let outcomes = report
        .outcomes
        .iter()
        .map(|o| format!("{} {} {} {}", o.check.id, o.judged.entity, o.judged.verdict, o.judged.note));
    findings.chain(outcomes).collect()
}

/// Thirty credentials, each in a place where they are met; every one holds the word `canary`.
fn planted() -> Snapshot {
    let mut snap = running(&Options::default(), |objects| {
        let mut secret = object("v1", "Secret", "monitoring", "s", Value::Null);
        secret["data"] = json!({"password": "canary01", ".dockerconfigjson": "canary02"});
        secret["stringData"] = json!({"plain": "canary03"});
        let applied = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"x": "canary04"}});
        set(
            &mut secret,
            "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
            json!(applied.to_string()),
        );
        objects.add(secret);
        let env = json!([
            {"name": "ADMIN_PASSWORD", "value": "canary05"}, {"name": "API_TOKEN", "value": "canary06"},
            {"name": "CLIENT_SECRET_V2", "value": "canary07"}, {"name": "AWS_ACCESS_KEY_ID", "value": "canary08"},
            {"name": "PROXY", "value": "http://user:canary09@proxy:3128"},
            {"name": "DSN", "value": "host=db user=x password=canary10 dbname=y"},
        ]);
        let spec = json!({"template": {"spec": {"containers": [{
            "name": "c", "env": env,
            "args": ["--token=canary11", "--password", "canary12", "--header=Authorization: Bearer canary13abc"],
        }]}}});
        let mut app = object("apps/v1", "Deployment", "monitoring", "app", spec);
        set(&mut app, "/metadata/annotations/example.com~1auth", json!("Basic Y2FuYXJ5MTQ6Y2FuYXJ5MTQ="));
        set(&mut app, "/metadata/annotations/example.com~1bearer", json!("bearer canary15abcdef"));
        set(
            &mut app,
            "/metadata/annotations/example.com~1hook",
            json!("https://hooks.slack.com/services/T0/B0/canary16"),
        );
        objects.add(app);
        let config = "basic_auth:\n  username: u\n  password: canary17 and more\nremote_write:\n- url: https://u:canary18@far/write\n  \
                      authorization: {type: Bearer, credentials: canary19}\n  oauth2:\n    client_secret: 'canary20'\n  \
                      headers:\n    X-Api-Key: canary21\nprivate_key: |\n  canary22\n  canary22\nend: 1\n";
        let mut map = object("v1", "ConfigMap", "monitoring", "datasource", Value::Null);
        map["data"] = json!({
            "prometheus.yml": config,
            "datasource.json": json!({"secureJsonData": {"httpHeaderValue1": "x", "basicAuthPassword": "canary23"}}).to_string(),
            "grafana.ini": "[security]\nadmin_password = canary24\n",
            "tls.key": "-----BEGIN RSA PRIVATE KEY-----\ncanary25\n-----END RSA PRIVATE KEY-----\n",
            "env": "- name: MY_TOKEN\n  value: canary26\n",
        });
        objects.add(map);
        objects.add(dashboard("calico", &["sum(felix_active_local_endpoints)"]));
    });
    let collector = &mut snap.collectors[0];
    collector.config =
        Some("scrape_configs:\n- job_name: x\n  basic_auth: {username: u, password: canary27}\n".to_owned());
    collector.targets[0].last_error = "Get \"http://u:canary28@10.0.0.1:9091/metrics\": EOF".to_owned();
    snap.logs.push(LogLine {
        pod: ("calico-system".to_owned(), "p".to_owned()),
        text: "metrics failed: token=canary29".to_owned(),
    });
    snap.unseen.push(Unseen {
        what: "x".to_owned(),
        resource: String::new(),
        namespace: String::new(),
        forbidden: false,
        reason: "eyJhbGciOiJSUzI1.canary30.c2lnbmF0dXJl was refused".to_owned(),
    });
    snap
}

#[test]
fn no_planted_credential_gets_through() {
    let snap = planted();
    let before: String = snap.objects.iter().map(|o| o.body.to_string()).collect();
    assert!(before.contains("canary01") && before.contains("canary26"), "the canaries were not planted");
    let text = unpacked(&snap);
    let leaked: Vec<&str> =
        text.match_indices("canary").map(|(i, _)| text.get(i..i + 8).unwrap_or("")).collect();
    assert_eq!(leaked, Vec::<&str>::new());
    assert!(!text.contains("Y2FuYXJ5MTQ6"), "the basic credentials got through");
    assert!(text.contains("sum(felix_active_local_endpoints)"), "the dashboard's query was masked");
}

#[test]
fn a_bundle_gives_the_same_findings() {
    let mut broken = planted();
    // Live: what is judged hangs on probes and answers too.
    broken.source = crate::snapshot::Source::Live;
    broken.identity.uid = "b5c1".to_owned();
    for snap in [
        broken,
        snapshot(&Options::default(), |_| {}),
        snapshot(&Options { calico: 27, chain: false, ..Options::default() }, |_| {}),
        running(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", json!("nope"));
        }),
    ] {
        let got = again(&snap);
        assert_eq!(told(&got), told(&snap));
        assert_eq!((got.at, got.identity), (snap.at, snap.identity));
    }
}

#[test]
fn an_unknown_version_leaves_the_objects() {
    let bundle =
        json!({"apiVersion": "tortie.bundle/v9", "kind": "Bundle", "metadata": {"name": "snapshot"}});
    let mut objects = vec![Object::parse(bundle).unwrap()];
    let error = unpack(&mut objects).expect("a bundle").map(|_| ()).unwrap_err();
    assert!(error.contains("version tortie.bundle/v9"), "{error}");
    assert!(objects.is_empty());
}
