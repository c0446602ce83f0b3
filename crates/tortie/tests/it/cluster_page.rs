//! The page Doctor behind `demo` and `run`: a healthy demo, a break that is mended by what the doctor says, a cluster from a
//! kubeconfig, setup from the page.

use crate::http::{Answer, get, send, targets};
use crate::process::{Running, folder, serve, tortie, until, until_true};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use tortie_sim::installs::{Objects, Options};
use tortie_sim::kube::{CalicoApi, KubeOptions, KubeServer, User};

const MARK: (&str, &str) = ("X-Tortie-Doctor", "1");

fn demo(dir: &Path, more: &[&str]) -> (Running, SocketAddr) {
    // A panel over six hours in steps of five minutes needs two of them.
    let mut args = vec!["demo", "--history=20m", "--web.listen-address=127.0.0.1:0", "--ready-file=ready"];
    args.extend(more);
    let run = Running::start(dir, &args);
    let url = until("the ready file", || std::fs::read_to_string(dir.join("ready")).ok());
    (run, url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap())
}

fn state(to: SocketAddr) -> Value {
    get(to, "/api/tortie/v1/doctor").json()["data"].take()
}

fn ids(state: &Value) -> Vec<String> {
    let found = state["report"]["findings"].as_array().cloned().unwrap_or_default();
    found.iter().filter(|f| f["level"] != "info").map(|f| f["id"].as_str().unwrap().to_owned()).collect()
}

fn cell(state: &Value, component: &str, station: &str) -> String {
    let table = &state["table"];
    let column = table["stations"].as_array().unwrap().iter().position(|s| s == station).unwrap();
    let row = table["rows"].as_array().unwrap().iter().find(|r| r["component"] == component).unwrap();
    row["cells"][column]["mark"].as_str().unwrap().to_owned()
}

fn post(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(to, "POST", &format!("/api/tortie/v1/{path}"), headers, b"").expect("an answer")
}

/// The demo's healthy cluster has no finding; a broken link is the one finding, here and on the command line; what the
/// doctor prints, done, brings the samples back.
#[test]
fn the_demo_is_judged_broken_and_mended_by_what_is_printed() {
    let dir = folder();
    let (_run, a) = demo(dir.path(), &["--allow-setup"]);
    until_true("the first report", || state(a)["report"].is_object());
    let healthy = until("a report on scraped targets", || {
        Some(state(a)).filter(|s| s["report"]["exit"] == 0 && cell(s, "felix", "fresh") == "good")
    });
    assert_eq!(ids(&healthy), Vec::<String>::new(), "{healthy}");
    for component in ["felix", "typha", "kube-controllers"] {
        for station in ["on", "service", "monitor", "selected", "targets", "fresh"] {
            assert_eq!(cell(&healthy, component, station), "good", "{component} {station}");
        }
    }
    let url = format!("--demo=http://{a}");
    let other = folder();
    let asked = tortie(other.path(), &["doctor", &url, "-o", "json"]);
    assert_eq!(asked.code, Some(0), "{}{}", asked.out, asked.err);
    assert!(asked.err.contains("export KUBECONFIG="), "{}", asked.err);
    let why = || {
        let cluster = get(a, "/api/tortie/v1/demo/cluster").json();
        let kubeconfig = cluster["data"]["kubeconfig"].as_str().unwrap().to_owned();
        tortie(other.path(), &["why", "monitoring/calico-kube-controllers", "--kubeconfig", &kubeconfig])
    };
    let found = why();
    assert_eq!(found.code, Some(0), "{}{}", found.out, found.err);
    assert!(found.out.contains("/calico-kube-controllers/0: 1 target: "), "{}", found.out);

    let at = format!("--url=http://{a}");
    let broken = tortie(other.path(), &["demo", "break", "port-name", &at]);
    assert_eq!(broken.code, Some(0), "{}", broken.err);
    assert!(broken.out.contains("the doctor names T507"), "{}", broken.out);
    let listed = tortie(other.path(), &["demo", "break", "--list", &at]);
    assert!(listed.out.lines().any(|l| l.starts_with("✕ port-name")), "{}", listed.out);
    assert_eq!(tortie(other.path(), &["demo", "break", "felix-off", &at]).code, Some(0));
    let seen = until("the findings", || Some(state(a)).filter(|s| ids(s) == ["T203", "T507"]));
    assert_eq!(cell(&seen, "felix", "on"), "bad");
    assert_eq!(cell(&seen, "kube-controllers", "monitor"), "bad");
    assert_eq!(cell(&seen, "felix", "monitor"), "good");
    until_true("its target goes", || {
        !targets(a).iter().any(|t| t["labels"]["job"] == "calico-kube-controllers-metrics")
    });
    let lost = why();
    assert_eq!(lost.code, Some(1), "{}{}", lost.out, lost.err);
    let said = "/0: no target\n      9 candidates without the labels that it selects\n      1 candidate with another port\n";
    assert!(lost.out.contains(said), "{}", lost.out);
    let asked = tortie(other.path(), &["doctor", &url, "-o", "short"]);
    assert_eq!(asked.code, Some(1), "{}", asked.out);
    assert!(asked.out.contains("T507") && asked.out.contains("T203"), "{}", asked.out);

    // As kubectl sends the printed command.
    let found = seen["report"]["findings"].as_array().unwrap();
    let command = &found.iter().find(|f| f["id"] == "T507").unwrap()["fix"]["commands"][0]["argv"];
    let argv: Vec<&str> = command.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let patch = argv.last().unwrap();
    assert!(argv.contains(&"--context=tortie-demo") && argv.contains(&"--type=json"), "{argv:?}");
    let cluster = get(a, "/api/tortie/v1/demo/cluster").json();
    let server: SocketAddr =
        cluster["data"]["server"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
    let path = "/apis/monitoring.coreos.com/v1/namespaces/monitoring/servicemonitors/calico-kube-controllers";
    let form = [("Content-Type", "application/json-patch+json")];
    let patched = send(server, "PATCH", path, &form, patch.as_bytes()).unwrap();
    assert_eq!(patched.status, 200, "{}", patched.text());
    let listed = || tortie(other.path(), &["demo", "faults", &at]).out;
    until_true("it is off the list", || !listed().contains("✕ port-name"));
    assert!(listed().contains("✕ felix-off"));

    // Nothing is written without the token of this start.
    let planned = post(a, "doctor/setup", &[MARK]).json();
    let plan = planned["data"]["plan"].as_str().unwrap_or_else(|| panic!("{planned}")).to_owned();
    // The setting that was taken away, and the rules, which no object holds yet.
    assert_eq!(planned["data"]["writes"], 2, "{planned}");
    assert_eq!(post(a, &format!("doctor/setup/apply?plan={plan}"), &[MARK]).status, 403);
    let token = state(a)["setup"]["token"].as_str().unwrap().to_owned();
    let mine = [MARK, ("X-Tortie-Token", token.as_str())];
    assert_eq!(post(a, "doctor/setup/apply?plan=other", &mine).status, 409);
    // A plan that was asked for wrongly is gone.
    assert_eq!(post(a, &format!("doctor/setup/apply?plan={plan}"), &mine).status, 409);
    assert!(listed().contains("✕ felix-off"));
    let plan = post(a, "doctor/setup", &[MARK]).json()["data"]["plan"].as_str().unwrap().to_owned();
    let written = post(a, &format!("doctor/setup/apply?plan={plan}"), &mine);
    assert_eq!(written.status, 200, "{}", written.text());
    let expected =
        serde_json::json!(["FelixConfiguration default", "PrometheusRule monitoring/tortie-calico"]);
    assert_eq!(written.json()["data"]["written"], expected);
    until_true("all is scraped again", || {
        let s = state(a);
        let good = |c: &str| cell(&s, c, "on") == "good" && cell(&s, c, "fresh") == "good";
        s["report"]["exit"] == 0 && ids(&s).is_empty() && good("felix") && good("kube-controllers")
    });
    assert!(!listed().contains('✕'), "{}", listed());
    assert_eq!(post(a, "doctor/setup", &[MARK]).json()["data"]["writes"], 0);
}

/// From its first report on a fresh demo has no finding and no remark, though no rule was evaluated yet; faults of rules and of
/// the way to a person are told, each alone, and go with what made them.
#[test]
fn rules_of_the_demo_break_and_heal() {
    let dir = folder();
    let (_run, a) = demo(dir.path(), &[]);
    let first = until("the first report", || Some(state(a)).filter(|s| s["report"].is_object()));
    let told = |s: &Value| -> Vec<String> {
        let found = s["report"]["findings"].as_array().cloned().unwrap_or_default();
        found.iter().map(|f| format!("{} {}", f["id"], f["title"])).collect()
    };
    assert_eq!(told(&first), [""; 0]);
    until_true("all well", || state(a)["report"]["exit"] == 0);
    let at = format!("http://{a}");
    for (fault, check) in [
        ("rule-label", "T901"),
        ("rule-syntax", "T902"),
        ("rule-total", "T904"),
        ("no-alertmanager", "T906"),
        ("alertmanager-down", "T906"),
    ] {
        let switch = |what: &str| {
            let done = tortie(dir.path(), &["demo", what, fault, "--url", &at]);
            assert_eq!(done.code, Some(0), "{fault}: {}", done.err);
        };
        switch("break");
        until_true(&format!("{fault} told"), || ids(&state(a)) == [check]);
        switch("heal");
        until_true(&format!("{fault} gone"), || ids(&state(a)).is_empty());
    }
}

#[test]
fn a_demo_that_is_not_there_says_how_to_start_one() {
    let dir = folder();
    let asked = tortie(dir.path(), &["doctor", "--demo=http://127.0.0.1:1"]);
    assert_eq!(asked.code, Some(2));
    assert!(asked.err.contains("no demo answers at http://127.0.0.1:1"), "{}", asked.err);
    assert!(
        asked.err.contains("start one with `tortie demo`") && asked.err.contains("--demo=URL"),
        "{}",
        asked.err
    );
}

/// A cluster of the model without any chain.
fn cluster(dir: &Path) -> (KubeServer, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = KubeOptions {
        anonymous: Some(User::administrator("admin")),
        ..KubeOptions::monitored(CalicoApi::Aggregated)
    };
    let server = runtime.block_on(KubeServer::start(options)).unwrap();
    for object in Objects::of(&Options { chain: false, calico: 30, ..Options::default() }).0 {
        assert!(server.place(&object), "{object}");
    }
    std::fs::write(dir.join("kubeconfig"), server.kubeconfig("admin")).unwrap();
    (server, runtime)
}

#[test]
fn run_judges_the_cluster_of_a_kubeconfig_and_writes_nothing() {
    let dir = folder();
    let (kube, _runtime) = cluster(dir.path());
    let run = serve(dir.path(), "", &["--kubeconfig=kubeconfig"]);
    let seen = until("a report", || Some(state(run.address())).filter(|s| s["report"].is_object()));
    assert_eq!(seen["cluster"], "kubeconfig");
    assert!(ids(&seen).contains(&"T203".to_owned()), "{:?}", ids(&seen));
    assert_eq!(cell(&seen, "felix", "on"), "bad");
    assert_eq!(seen["setup"]["allowed"], false);
    let refused = post(run.address(), "doctor/setup", &[MARK]);
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("--allow-setup"), "{}", refused.text());
    let wrote = |r: &tortie_sim::kube::SeenRequest| r.method != "GET" && !r.path.contains("accessreviews");
    assert_eq!(kube.take_requests().into_iter().filter(wrote).collect::<Vec<_>>(), []);
    let page = get(run.address(), "/api/tortie/v1/doctor/checks/T203").json();
    assert!(page["data"]["page"].as_str().unwrap().contains("prometheusMetricsEnabled"), "{page}");
    assert_eq!(get(run.address(), "/doctor").status, 200);
    // The API server goes: the report says so, and the page stays.
    drop(kube);
    assert_eq!(post(run.address(), "doctor", &[MARK]).status, 200);
    let gone =
        until("a report without a cluster", || Some(state(run.address())).filter(|s| s["error"].is_string()));
    assert!(gone["error"].as_str().unwrap().contains("127.0.0.1"), "{gone}");
}

#[test]
fn without_a_kubeconfig_the_page_says_which_flag_is_missing() {
    let dir = folder();
    let run = serve(dir.path(), "", &[]);
    let answer = get(run.address(), "/api/tortie/v1/doctor");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("tortie run --kubeconfig"), "{}", answer.text());
}

#[test]
fn setup_from_the_page_is_refused_at_start_where_others_could_reach_it() {
    let dir = folder();
    std::fs::write(dir.path().join("prometheus.yml"), "").unwrap();
    std::fs::write(dir.path().join("kubeconfig"), "{}").unwrap();
    let check = |args: &[&str], wants: &[&str]| {
        let ended = tortie(dir.path(), args);
        assert_eq!(ended.code, Some(2), "{args:?}: {}", ended.err);
        for w in wants {
            assert!(ended.err.contains(w), "{args:?} wants {w:?} in\n{}", ended.err);
        }
    };
    let here = "--web.listen-address=127.0.0.1:0";
    check(&["run", here, "--allow-setup"], &["--kubeconfig"]);
    check(&["run", here, "--context=x"], &["--kubeconfig"]);
    let open = "--web.listen-address=0.0.0.0:0";
    check(
        &["run", open, "--kubeconfig=kubeconfig", "--allow-setup"],
        &["can be reached from other machines", "hint: "],
    );
    check(
        &["run", here, "--kubeconfig=kubeconfig", "--allow-setup", "--web.external-url=http://x/"],
        &["--web.external-url", "hint: "],
    );
    check(&["run", here, "--kubeconfig=nowhere"], &["--kubeconfig=nowhere: ", "hint: "]);
    check(&["demo", open, "--history=1m", "--allow-setup"], &["can be reached from other machines"]);
}
