//! Setup brings the three components up in the real Prometheus, a second one writes nothing, and undo leaves no trace.

use super::stage::Stage;
use std::collections::{BTreeMap, BTreeSet};

/// Waits for rollouts and samples are bounded, and nothing is put back here.
const FLAGS: [&str; 8] = ["setup", "-y", "--context", "bed", "--wait", "90s", "--second-look", "2s"];

/// Somebody goes all the way: `first` makes it. `expect` is what is written, in order, without rules and dashboards.
fn check(stage: &Stage, who: &str, user: &str, first: &[&str], expect: &[&str]) {
    check_seen(stage, who, user, first, expect, &|| ());
}

/// The same with a look at the cluster when the chain stands.
fn check_seen(stage: &Stage, who: &str, user: &str, first: &[&str], expect: &[&str], standing: &dyn Fn()) {
    let before = stage.dump();
    assert!(stage.up().keys().all(|pool| !pool.contains("tortie")), "{:?}", stage.up());
    let mark = stage.mark();
    let told = stage.ends_as(who, first, 0);
    let native = expect.contains(&"Tier tortie");
    let group = if native { "projectcalico.org/v3" } else { "crd.projectcalico.org/v1" };
    assert!(told.contains(&format!("settings as {group}")), "{told}");
    let written: Vec<&str> = told.lines().filter_map(|l| l.strip_prefix("written: ")).collect();
    let boards = ["felix", "typha", "kube-controllers"];
    let boards = boards.map(|b| format!("ConfigMap monitoring/tortie-dashboard-{b}"));
    let rules = ["PrometheusRule monitoring/tortie-calico"];
    let expect: Vec<&str> =
        expect.iter().copied().chain(rules).chain(boards.iter().map(String::as_str)).collect();
    assert_eq!(written, expect, "{told}");
    for component in ["Felix", "Typha", "kube-controllers"] {
        let seen = format!(": fresh samples of {component}\n");
        assert!(told.contains(&seen), "{component}: {told}");
    }
    assert!(!stage.written_since(user, mark).is_empty());
    let pool = |name: &str, n: usize| (format!("serviceMonitor/monitoring/tortie-{name}/0"), n);
    let up = stage.up();
    let typhas = up.get(&pool("typha", 0).0).copied().unwrap_or(0);
    assert!(typhas > 0, "{up:?}");
    let ours: BTreeMap<String, usize> = up.into_iter().filter(|(p, _)| p.contains("/tortie-")).collect();
    assert_eq!(ours, [pool("felix", 3), pool("typha", typhas), pool("kube-controllers", 1)].into());

    standing();
    let mark = stage.mark();
    let again = stage.ends_as(who, &FLAGS, 0);
    assert!(again.contains("Nothing to do: the chain stands.\n"), "{again}");
    assert_eq!(stage.written_since(user, mark), []);
    let status = stage.ends_as(who, &["setup", "status"], 0);
    assert!(status.contains(" as setup left it\n"), "{status}");
    assert!(status.lines().all(|l| l.is_empty() || l.starts_with('✔')), "{status}");

    let undone = stage.ends_as(who, &["setup", "undo", "-y"], 0);
    stage.becomes(&before);
    assert!(!undone.contains("left alone") && !undone.contains("it still has pods"), "{undone}");
}

/// What an empty cluster lacks from Calico 3.28 on.
const LACKS: [&str; 6] = [
    "FelixConfiguration default",
    "Installation default",
    "Service calico-system/tortie-felix-metrics",
    "ServiceMonitor monitoring/tortie-felix",
    "ServiceMonitor monitoring/tortie-typha",
    "ServiceMonitor monitoring/tortie-kube-controllers",
];

/// On two cores the real operator now and then gives up before its caches are filled, so this is no part of every run.
#[test]
#[ignore = "a campaign: make campaign NAME=faults"]
fn on_calico_3_29_with_the_real_operators() {
    let stage = Stage::start(29, true);
    check(&stage, "admin", "admin", &FLAGS, &LACKS);
}

#[test]
fn on_calico_3_30() {
    let stage = Stage::timed("start", || Stage::start(30, false));
    Stage::timed("there and back", || check(&stage, "admin", "admin", &FLAGS, &LACKS));
    Stage::timed("by the Installation", || through_the_installation(&stage));
    Stage::timed("second look", || super::second_look::check(&stage));
    Stage::timed("values of others", || super::kept::check(&stage));
    Stage::timed("rights of the doctor", || super::rights::doctor(&stage, Some("crd.projectcalico.org")));
    Stage::timed("rights for processes", || super::rights::processes(&stage));
    Stage::timed("exported to Helm", || super::exported::check(&stage));
}

/// By the Installation the operator rolls Felix' DaemonSet; both ports stand there together, and FelixConfiguration is left
/// as it is.
fn through_the_installation(stage: &Stage) {
    let api = stage.cluster.bed.api();
    let lacks = [&["Installation default"][..], &LACKS[1..]].concat();
    let flags = [&FLAGS[..], &["--felix-through", "installation"]].concat();
    let felix = || api.get(&stage.cluster.path_of_felix_configuration()).unwrap()["spec"].clone();
    // The dumps leave them out.
    let revisions = || {
        let list = api.list("/apis/apps/v1/namespaces/calico-system/controllerrevisions").unwrap();
        let names = list.iter().map(|o| o["metadata"]["name"].as_str().unwrap().to_owned());
        names.collect::<BTreeSet<String>>()
    };
    let (before, kept) = (felix(), revisions());
    check_seen(stage, "admin", "admin", &flags, &lacks, &|| {
        let spec = api.get(super::killed::INSTALLATION).unwrap()["spec"].clone();
        let ports = ["nodeMetricsPort", "typhaMetricsPort"].map(|field| spec[field].as_u64());
        assert_eq!(ports, [Some(9091), Some(9093)]);
        assert_eq!(felix(), before);
        assert!(revisions().len() > kept.len());
    });
    assert_eq!(revisions(), kept);
}

/// Where no operator keeps Typha its two variables are set on the Deployment, and nothing else of it is touched.
#[test]
fn on_calico_3_30_from_a_manifest() {
    const LACKS: [&str; 8] = [
        "FelixConfiguration default",
        "Deployment kube-system/calico-typha",
        "Service kube-system/tortie-felix-metrics",
        "ServiceMonitor monitoring/tortie-felix",
        "Service kube-system/tortie-typha-metrics",
        "ServiceMonitor monitoring/tortie-typha",
        "Service kube-system/tortie-kube-controllers-metrics",
        "ServiceMonitor monitoring/tortie-kube-controllers",
    ];
    let stage = Stage::timed("start", || Stage::from_manifest(30));
    let path = "/apis/apps/v1/namespaces/kube-system/deployments/calico-typha";
    let template = || stage.cluster.bed.api().get(path).unwrap()["spec"]["template"].clone();
    let before = template();
    let on = std::sync::Mutex::new(Vec::new());
    Stage::timed("there and back", || {
        check_seen(&stage, "admin", "admin", &FLAGS, &LACKS, &|| {
            on.lock().unwrap().push(template());
            Stage::timed("served by tortie", || super::served::check(&stage));
        });
    });
    let mut wanted = before.clone();
    let env = wanted["spec"]["containers"][0]["env"].as_array_mut().unwrap();
    for (name, value) in [("ENABLED", "true"), ("PORT", "9093")] {
        env.push(serde_json::json!({"name": format!("TYPHA_PROMETHEUSMETRICS{name}"), "value": value}));
    }
    assert_eq!(*on.lock().unwrap(), [wanted], "nothing but the two variables");
    assert_eq!(template(), before);
}

/// The same by somebody who has what `tortie rbac setup --plan` prints and nothing else.
#[test]
fn on_calico_3_32() {
    let stage = Stage::timed("start", || Stage::start(32, false));
    let policies = ["Tier tortie", "NetworkPolicy calico-system/tortie.kube-controllers-metrics"];
    let steps = [&LACKS[..], &policies].concat();
    let plan = stage.file("plan.json");
    let plan = plan.to_str().unwrap();
    let who = Stage::timed("rights of setup", || super::rights::setup(&stage, plan));
    let first = ["setup", "--plan", plan, "-y", "--wait", "90s", "--second-look", "2s"];
    let user = format!("system:serviceaccount:default:{who}");
    Stage::timed("there and back", || check(&stage, who, &user, &first, &steps));
    Stage::timed("killed", || super::killed::check(&stage));
    Stage::timed("rights of the doctor", || super::rights::doctor(&stage, None));
}
