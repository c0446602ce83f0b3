//! Who tells the Alertmanagers while the operator's own pods come and go.

use super::{Cluster, custom, followed, run};
use crate::http::{get, metric};
use crate::process::{Running, SOON, folder, until, until_true};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tortie_sim::Alertmanager;

/// An object whose rule always fires, and the Alertmanager that it names.
fn firing(dir: &Path) -> (Cluster, Alertmanager) {
    let managers = json!([{"name": "am", "namespace": "monitoring", "port": "web", "apiVersion": "v2"}]);
    let spec = json!({
        "alerting": {"alertmanagers": managers},
        "rules": {"alert": {"resendDelay": "200ms"}},
        "remoteWrite": [{"url": "http://192.0.2.1/write"}],
    });
    let cluster = Cluster::start(dir, &spec);
    let manager = cluster.runtime.block_on(Alertmanager::start()).unwrap();
    cluster.endpoints("monitoring", "am", &["127.0.0.1"], manager.address().port());
    let rule = json!({"alert": "Always", "expr": "vector(1)"});
    cluster.place(&custom(
        "PrometheusRule",
        "apps",
        "always",
        &json!({"groups": [{"name": "g", "rules": [rule]}]}),
    ));
    (cluster, manager)
}

fn notices(run: &Running) -> String {
    get(run.address(), "/api/v1/notifications").text()
}

/// Waits until rules were evaluated so many times more.
fn evaluations(run: &Running, more: f64) {
    let count = || -> f64 {
        let text = get(run.address(), "/metrics").text();
        let lines = text.lines().filter(|l| l.starts_with("prometheus_rule_group_iterations_total"));
        lines.filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    };
    let begun = count();
    until_true("evaluations", || count() >= begun + more);
}

#[track_caller]
fn told(run: &Running, manager: &Alertmanager) {
    let (before, began) = (manager.taken(), Instant::now());
    while manager.taken() <= before + 1 {
        let metrics = || get(run.address(), "/metrics").text();
        assert!(began.elapsed() < SOON, "the Alertmanager is not told: {}\n{}", run.err(), metrics());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Nothing comes for ten evaluations, of which each would have told.
fn silent(run: &Running, manager: &Alertmanager) {
    // What was on its way arrives.
    evaluations(run, 3.0);
    let before = manager.taken();
    evaluations(run, 10.0);
    assert_eq!(manager.taken(), before, "alerts that were sent meanwhile");
}

fn wait(run: &Running, what: &str, fits: impl Fn(&Value) -> bool) {
    until(what, || fits(&followed(run)).then_some(()));
}

#[test]
fn beside_ready_pods_it_sends_and_says_what_goes_out_twice() {
    let dir = folder();
    let (cluster, manager) = firing(dir.path());
    cluster.stateful_set(1);
    let run = run(dir.path(), &["--take-over=beside"]);
    told(&run, &manager);
    let s = followed(&run);
    assert_eq!((&s["readyBeside"], &s["sends"], &s["observing"]), (&json!(true), &json!(true), &Value::Null));
    let twice = s["sentTwice"].as_str().unwrap();
    assert_eq!(
        twice,
        "sending beside monitoring/k8s: alerts go out twice, to Alertmanager monitoring/am port web; samples do not: its remoteWrite is not done here"
    );
    assert!(run.err().contains(twice), "{}", run.err());
    assert!(notices(&run).contains(twice), "{}", notices(&run));

    // Once they are gone nothing is sent twice any more.
    cluster.stateful_set(0);
    wait(&run, "the pods are gone", |s| s["readyBeside"] == json!(false) && s["sentTwice"] == Value::Null);
    assert!(!notices(&run).contains("sending beside"), "{}", notices(&run));
    told(&run, &manager);
}

/// It took over; the operator's pods come back: from then on they tell, and this is silent and says so. When they go again it
/// tells again. When the API server goes, whom to tell stays known.
#[test]
fn pods_that_come_back_are_left_to_tell() {
    let dir = folder();
    let (cluster, manager) = firing(dir.path());
    cluster.stateful_set(0);
    let run = run(dir.path(), &["--take-over"]);
    told(&run, &manager);

    cluster.stateful_set(1);
    let beside = "observing beside monitoring/k8s";
    wait(&run, "it observes", |s| s["observing"] == json!(beside) && s["sends"] == json!(false));
    silent(&run, &manager);
    let log = run.err();
    let warned =
        log.lines().find(|l| l.contains("its pods are ready again, so nothing is sent from here any more"));
    assert!(warned.is_some_and(|l| l.contains("level=WARN")), "{log}");
    assert!(notices(&run).contains(beside), "{}", notices(&run));

    cluster.stateful_set(0);
    wait(&run, "it sends", |s| s["sends"] == json!(true) && s["observing"] == Value::Null);
    told(&run, &manager);
    assert!(!notices(&run).contains("observing"), "{}", notices(&run));

    let Cluster { kube, runtime } = cluster;
    drop(kube);
    let stale = || {
        let text = get(run.address(), "/metrics").text();
        let mut lines =
            text.lines().filter(|l| l.starts_with("tortie_kubernetes_watch_stale_since_seconds{"));
        lines.any(|l| !l.ends_with(" 0"))
    };
    until_true("the API server is away", stale);
    told(&run, &manager);
    assert_eq!(
        metric(run.address(), "prometheus_notifications_alertmanagers_discovered").as_deref(),
        Some("1")
    );
    drop(runtime);
}
