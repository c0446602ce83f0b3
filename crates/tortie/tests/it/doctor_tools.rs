//! The commands around the doctor: collect, why, fix, targets, explain, version, man, the kubectl plugin.

use crate::doctor::{broken, dump, ids, report, run};
use crate::process::{folder, serve, until_true};
use crate::target::{Target, job, jobs};
use serde_json::{Value, json};
use std::io::Read;
use tortie_sim::installs::{Objects, Options, set};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer, User};

#[test]
fn a_bundle_of_a_dump_gives_the_same_report_without_its_secrets() {
    let dir = folder();
    dump(dir.path(), |o| {
        set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", json!("nope"));
        o.add(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "monitoring", "uid": "u"},
            "data": {"password": "Y2FuYXJ5"}}));
    });
    let done = run(dir.path(), &[], &["collect", "-f", "dump.json", "-o", "b.tar.gz"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.err.contains("(hint: tortie doctor -f b.tar.gz)"), "{}", done.err);
    let (before, after) = (report(dir.path(), &["-f", "dump.json"]), report(dir.path(), &["-f", "b.tar.gz"]));
    assert_eq!(ids(&after), ["T507"]);
    let prints = |r: &Value| -> Vec<Value> {
        r["findings"].as_array().unwrap().iter().map(|f| f["fingerprint"].clone()).collect()
    };
    assert_eq!(prints(&before), prints(&after));
    assert_eq!(before["checks"], after["checks"]);
    let mut text = String::new();
    let file = std::fs::File::open(dir.path().join("b.tar.gz")).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    assert!(!text.contains("Y2FuYXJ5") && text.contains("(masked)"));

    std::fs::write(
        dir.path().join("m.yaml"),
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 1}]}\n",
    )
    .unwrap();
    let manifests = run(dir.path(), &[], &["collect", "-f", "m.yaml"]);
    assert_eq!(manifests.code, Some(2), "{}", manifests.err);
    assert!(manifests.err.contains("manifests are no cluster"), "{}", manifests.err);
}

#[test]
fn why_walks_backwards_and_knows_what_is_near() {
    let dir = folder();
    broken(dir.path());
    let why = |thing: &str| run(dir.path(), &[], &["why", thing, "-f", "dump.json"]);
    let felix = why("felix_active_local_endpoints");
    assert_eq!(felix.code, Some(1), "{}", felix.err);
    assert!(felix.out.starts_with("metric felix_active_local_endpoints\n"), "{}", felix.out);
    assert!(felix.out.contains("T507"), "{}", felix.out);
    let typha = why("typha_connections_accepted");
    assert_eq!(typha.code, Some(0), "{}", typha.out);
    assert!(typha.out.contains("Nothing that was looked at stands in its way"), "{}", typha.out);
    let unknown = why("felix_active_local_endpoint");
    // A name of Felix's that no version has is explained as such.
    assert!(
        unknown.out.contains("no version of Calico that is known has a metric of this name"),
        "{}",
        unknown.out
    );
    let nothing = why("flix");
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.err.contains("did you mean felix?"), "{}", nothing.err);
}

#[test]
fn fixes_are_printed_and_not_run() {
    let dir = folder();
    broken(dir.path());
    let printed = run(dir.path(), &[], &["fix", "T507", "-f", "dump.json"]);
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert!(printed.out.starts_with("T507 ") && printed.out.contains("\nkubectl "), "{}", printed.out);
    let none = run(dir.path(), &[], &["fix", "T203", "-f", "dump.json"]);
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("there is no finding T203 (hint: found were: T507"), "{}", none.err);
    let blind = run(dir.path(), &[], &["fix", "T507", "-y"]);
    assert_eq!(blind.code, Some(2));
    assert!(blind.err.contains("-y runs commands only at a terminal"), "{}", blind.err);

    let text = run(dir.path(), &[], &["doctor", "-f", "dump.json", "-o", "json"]).out;
    std::fs::write(dir.path().join("r.json"), text).unwrap();
    let from = run(dir.path(), &[], &["fix", "--from", "r.json", "t507"]);
    assert_eq!(from.out, printed.out, "{}", from.err);
    let wrong = run(dir.path(), &[], &["fix", "--from", "dump.json"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("dump.json: not a report of schema tortie.doctor/v1"), "{}", wrong.err);
}

/// Names of resources as the server knows them.
fn plural(kind: &str) -> String {
    match kind {
        "Prometheus" => "prometheuses".to_owned(),
        k if k.ends_with("Policy") => k.to_lowercase().replace("policy", "policies"),
        k if k.ends_with("Status") || k.ends_with("Class") => format!("{}es", k.to_lowercase()),
        k => format!("{}s", k.to_lowercase()),
    }
}

/// A cluster behind an API server, a Prometheus beside it: what is collected there is judged offline as it was live.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_cluster_is_judged_and_collected() {
    let options = KubeOptions {
        anonymous: Some(User::administrator("admin")),
        ..KubeOptions::monitored(CalicoApi::Aggregated)
    };
    let kube = KubeServer::start(options).await.unwrap();
    let mut objects = Objects::of(&Options::default());
    set(objects.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", json!("nope"));
    let (mut made, mut all) = (0, 0);
    // Namespaces come before what is in them; some are there from the start.
    objects.0.sort_by_key(|o| o["kind"] != "Namespace");
    for o in &objects.0 {
        let text = |p: &str| o.pointer(p).and_then(Value::as_str).unwrap_or_default();
        let namespace = text("/metadata/namespace");
        all += 1;
        let created = kube.create(text("/apiVersion"), &plural(text("/kind")), namespace, o);
        made += usize::from(created.is_some());
    }
    assert!(made * 10 > all * 8, "only {made} of {all} objects were taken");
    let dir = folder();
    std::fs::write(dir.path().join("kubeconfig"), kube.kubeconfig("admin")).unwrap();
    tokio::task::spawn_blocking(move || {
        let target = Target::start("a 1\n");
        let server = folder();
        let prometheus = serve(server.path(), &jobs(&[job("x", &[target.address])]), &[]);
        until_true("a scrape", || target.asked() > 0);
        let url = format!("http://{}", prometheus.address());
        let look = ["--kubeconfig", "kubeconfig", "--prom-url", &url, "--probe-nodes", "0"];
        let with = |first: &[&'static str]| -> crate::process::Ended {
            let mut args: Vec<&str> = first.to_vec();
            args.extend(look);
            run(dir.path(), &[], &args)
        };
        let live = with(&["doctor", "-o", "json"]);
        assert!(live.out.contains("T507"), "{} {}", live.out, live.err);
        let collected = with(&["collect", "-o", "b.tar.gz"]);
        assert_eq!(collected.code, Some(0), "{}", collected.err);
        let live: Value = serde_json::from_str(&live.out).unwrap();
        let offline = report(dir.path(), &["-f", "b.tar.gz"]);
        assert_eq!(ids(&offline), ids(&live));
        assert_eq!(offline["cluster"]["uid"], live["cluster"]["uid"]);

        let targets = run(dir.path(), &[], &["targets", "-f", "b.tar.gz", "-o", "json"]);
        assert_eq!(targets.code, Some(0), "{} {}", targets.out, targets.err);
        let list: Value = serde_json::from_str(&targets.out).unwrap();
        assert_eq!((&list[0]["pool"], &list[0]["health"]), (&json!("x"), &json!("up")));
        assert_eq!(run(dir.path(), &[], &["targets", "nobody", "-f", "b.tar.gz"]).out, "0 of 0 up\n");
    })
    .await
    .unwrap();
    let writes: Vec<String> = kube
        .take_requests()
        .iter()
        .filter(|r| r.method != "GET" && !r.path.contains("selfsubject"))
        .map(|r| format!("{} {}", r.method, r.path))
        .collect();
    assert_eq!(writes, Vec::<String>::new(), "looking wrote something");
}

#[test]
fn nothing_is_collected_where_nobody_answers() {
    let dir = folder();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: 'http://{port}'}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    );
    std::fs::write(dir.path().join("k"), config).unwrap();
    for command in [vec!["collect"], vec!["targets"], vec!["fix"], vec!["why", "felix"]] {
        let mut args = command.clone();
        args.extend(["--kubeconfig", "k"]);
        let ended = run(dir.path(), &[], &args);
        assert_eq!(ended.code, Some(3), "{command:?}: {} {}", ended.out, ended.err);
        assert!(!ended.err.is_empty(), "{command:?} says nothing");
    }
    assert!(std::fs::read_dir(dir.path()).unwrap().count() == 1, "a bundle was written");
}

#[test]
fn versions_manual_and_plugin() {
    let dir = folder();
    let version: Value = serde_json::from_str(&run(dir.path(), &[], &["version", "-o", "json"]).out).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["formats"]["report"], "tortie.doctor/v1");
    let man = run(dir.path(), &[], &["man", "pages"]);
    assert_eq!(man.code, Some(0), "{}", man.err);
    let page = std::fs::read_to_string(dir.path().join("pages/tortie-doctor.1")).unwrap();
    assert!(page.contains(".TH") && page.contains("baseline"), "{page}");
    assert!(dir.path().join("pages/tortie.1").exists() && dir.path().join("pages/tortie-why.1").exists());

    let plugin = dir.path().join("kubectl-tortie");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tortie"), &plugin).unwrap();
    let help = std::process::Command::new(&plugin).args(["doctor", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: kubectl tortie doctor"), "{help}");
    let shell = run(dir.path(), &[], &["completions", "powershell"]);
    assert!(shell.out.contains("collect"), "{}", shell.out);
    let page = run(dir.path(), &[], &["explain", "T507"]);
    assert_eq!(page.code, Some(0));
    assert!(page.out.starts_with("T507 port-not-on-service"), "{}", page.out);
}

#[test]
fn one_endpoint_is_scraped_and_a_server_asked() {
    let target = Target::start("# TYPE a counter\na{x=\"1\"} 1\na{x=\"2\"} 2\nb 3\n");
    let dir = folder();
    let url = format!("http://{}/metrics", target.address);
    let good = run(dir.path(), &[], &["scrape", &url]);
    assert_eq!(good.code, Some(0), "{}", good.err);
    assert!(good.out.contains("3 series of 2 names, 1 with a type\n      2  a\n"), "{}", good.out);
    target.set("a 1\na{ 2\n");
    let bad = run(dir.path(), &[], &["scrape", &url]);
    assert_eq!(bad.code, Some(1));
    assert!(bad.err.contains("the body cannot be read as text format: "), "{}", bad.err);
    assert_eq!(run(dir.path(), &[], &["scrape", "ftp://x"]).code, Some(2));
    assert_eq!(run(dir.path(), &[], &["scrape", "pod/x"]).code, Some(2));

    let server = serve(dir.path(), "", &[]);
    let at = format!("http://{}", server.address());
    let answer = run(dir.path(), &[], &["query", "vector(1 + 2)", "--url", &at]);
    assert_eq!((answer.code, answer.out.as_str()), (Some(0), "{} 3\n"), "{}", answer.err);
    let range = run(dir.path(), &[], &["query", "vector(1)", "--range", "10s", "--url", &at]);
    assert_eq!(range.out.lines().count(), 12, "{} {}", range.out, range.err);
    let none = run(dir.path(), &[], &["query", "nothing", "--url", &at]);
    assert_eq!((none.code, none.out.as_str()), (Some(1), ""));
    let wrong = run(dir.path(), &[], &["query", "sum(", "--url", &at]);
    assert_eq!(wrong.code, Some(1));
    assert!(wrong.err.contains("tortie query: ") && wrong.err.contains("parse error"), "{}", wrong.err);
}

#[test]
fn relabel_shows_the_step_that_drops() {
    let dir = folder();
    let config = "scrape_configs:\n- job_name: x\n  relabel_configs:\n  - {source_labels: [__meta_a], target_label: a}\n  \
                  - {source_labels: [a], regex: b, action: keep}\n";
    std::fs::write(dir.path().join("prometheus.yml"), config).unwrap();
    let kept = run(dir.path(), &[], &["relabel", "x", "__address__=h:1,__meta_a=b"]);
    assert_eq!(kept.code, Some(0), "{}", kept.err);
    assert!(
        kept.out.contains("  1 replace [__meta_a]") && kept.out.contains("    a: \"b\" is new\n"),
        "{}",
        kept.out
    );
    let dropped = run(dir.path(), &[], &["relabel", "x", "__meta_a=c"]);
    assert_eq!(dropped.code, Some(1));
    assert!(dropped.out.ends_with("  2 keep [a] =~ \"b\"\n    dropped here\n"), "{}", dropped.out);
    let unknown = run(dir.path(), &[], &["relabel", "y", ""]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("has no job y (hint: its jobs are: x)"), "{}", unknown.err);
}
