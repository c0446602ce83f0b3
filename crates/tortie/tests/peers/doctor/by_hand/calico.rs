//! Calico's own processes and settings.

use super::{Done, FELIXES, MONITORS, POD, apply, back, heal, object, patch, run, set_ready};
use crate::doctor::cluster::{Cluster, write_up};
use crate::doctor::injected;
use serde_json::{Value, json};
use std::time::Duration;
use tortie_sim::Component::{Felix, Typha};
use tortie_testbed::{Fault, Where, until};

pub(super) fn felix_not_ready(cluster: &Cluster) -> Done {
    cluster.fleet.inject(Where::All(Felix), Fault::Down).unwrap();
    set_ready(cluster, FELIXES, "", false);
    Done {
        back: back(|c| {
            heal(c, Where::All(Felix));
            set_ready(c, FELIXES, "", true);
        }),
        ..Done::default()
    }
}

/// A bed scrapes every second, which leaves too little between slow and too slow.
pub(super) fn three_seconds(cluster: &Cluster) -> Done {
    let monitor = object(cluster, "monitoring", MONITORS, "calico-felix");
    let mut slower = monitor.clone();
    slower["spec"]["endpoints"][0]["interval"] = json!("3s");
    slower["spec"]["endpoints"][0]["scrapeTimeout"] = json!("3s");
    apply(cluster, &[slower]);
    Done { back: back(move |c| injected::replace(c, &monitor)), ..Done::default() }
}

/// What a Felix answers now.
pub(super) fn answer_of_felix(cluster: &Cluster) -> String {
    cluster.bed.http_get("10.99.1.2:9091".parse().unwrap(), "/metrics").unwrap().text()
}

pub(super) fn instead(cluster: &Cluster, text: String) -> Done {
    let at = Where::Node(Felix, "node2".to_owned());
    cluster
        .bed
        .wait("the fault", |_| cluster.fleet.inject(at.clone(), Fault::Text(text.clone())).map(Some))
        .unwrap();
    Done { back: back(move |c| heal(c, at)), ..Done::default() }
}

pub(super) fn many_series(cluster: &Cluster) -> Done {
    let mut text = answer_of_felix(cluster);
    text.push_str("# TYPE felix_wireguard_bytes_rcvd counter\n");
    text.extend(
        (0..40_000).map(|i| format!("felix_wireguard_bytes_rcvd{{peer_endpoint=\"10.99.1.2:{i}\"}} {i}\n")),
    );
    instead(cluster, text)
}

pub(super) fn twice_in_one_answer(cluster: &Cluster) -> Done {
    let mut text = answer_of_felix(cluster);
    text.push_str("felix_twice 1\nfelix_twice 2\n");
    instead(cluster, text)
}

pub(super) fn no_typha(cluster: &Cluster) -> Done {
    let gone = [
        object(cluster, "monitoring", MONITORS, "calico-typha"),
        object(cluster, "kube-system", "service", "tortie-typha-metrics"),
        object(cluster, "kube-system", "deployment", "calico-typha"),
    ];
    run(cluster, &format!("delete {MONITORS} calico-typha -n monitoring"));
    run(cluster, "delete service/tortie-typha-metrics deployment/calico-typha -n kube-system");
    Done { back: back(move |c| apply(c, &gone)), ..Done::default() }
}

/// The images of an old release, everywhere.
pub(super) fn old_images(cluster: &Cluster) -> Done {
    let workloads = [
        ("daemonset", "calico-node", "node"),
        ("deployment", "calico-typha", "typha"),
        ("deployment", "calico-kube-controllers", "kube-controllers"),
    ];
    let mut before = Vec::new();
    for (kind, name, image) in workloads {
        let old =
            object(cluster, "kube-system", kind, name)["spec"]["template"]["spec"]["containers"][0]["image"]
                .as_str()
                .unwrap()
                .to_owned();
        before.push((kind, name, old));
        run(cluster, &format!("set image {kind}/{name} {name}=calico/{image}:v3.20.6 -n kube-system"));
    }
    Done {
        back: back(move |c| {
            for (kind, name, image) in before {
                run(c, &format!("set image {kind}/{name} {name}={image} -n kube-system"));
            }
        }),
        ..Done::default()
    }
}

/// The operator has no pod, and after that the port that it should give Typha is set.
pub(super) fn change_without_operator(cluster: &Cluster) -> Done {
    let installation = |c: &Cluster, port: Value| {
        patch(
            c,
            "",
            "installations.operator.tigera.io",
            "default",
            &json!({"spec": {"typhaMetricsPort": port}}),
        )
    };
    installation(cluster, Value::Null);
    environment(cluster, false);
    run(cluster, "scale deployment/tigera-operator --replicas=0 -n tigera-operator");
    cluster
        .bed
        .wait("the operator without a pod", |api| {
            let pods = api.list("/api/v1/namespaces/tigera-operator/pods")?;
            Ok(pods.is_empty().then_some(()))
        })
        .unwrap();
    installation(cluster, json!(9093));
    Done {
        back: back(|c| {
            run(c, "scale deployment/tigera-operator --replicas=1 -n tigera-operator");
            environment(c, true);
        }),
        ..Done::default()
    }
}

/// Waits until Typha's Deployment and pods have metrics in their environment, or have not.
pub(super) fn environment(cluster: &Cluster, there: bool) {
    let has = |containers: &Value| containers.to_string().contains("TYPHA_PROMETHEUSMETRICSPORT");
    cluster
        .bed
        .wait("Typha's environment", |api| {
            let deployment = api.get("/apis/apps/v1/namespaces/calico-system/deployments/calico-typha")?;
            let pods =
                api.list("/api/v1/namespaces/calico-system/pods?labelSelector=k8s-app%3Dcalico-typha")?;
            let all = pods.iter().all(|p| has(&p["spec"]["containers"]) == there);
            Ok((has(&deployment["spec"]["template"]["spec"]["containers"]) == there
                && all
                && !pods.is_empty())
            .then_some(()))
        })
        .unwrap();
}

/// The write-up: environment on the Deployment, which the operator takes back at once; with `own`, a Service under the name
/// that the operator will want, and a monitor for it.
pub(super) fn environment_set_back(cluster: &Cluster, own: bool) -> Done {
    patch(
        cluster,
        "",
        "installations.operator.tigera.io",
        "default",
        &json!({"spec": {"typhaMetricsPort": null}}),
    );
    environment(cluster, false);
    run(cluster, "delete service calico-typha-metrics -n calico-system --ignore-not-found");
    // The operator's own marks go with its setting; they stay on a Deployment that was told otherwise before.
    let marks = json!({"prometheus.io/scrape": null, "prometheus.io/port": null});
    let unmarked = json!({"spec": {"template": {"metadata": {"annotations": marks}}}});
    patch(cluster, "calico-system", "deployment", "calico-typha", &unmarked);
    environment(cluster, false);
    // Now and then the operator is so fast that no ReplicaSet was made of it.
    let tried = until("a ReplicaSet with the environment", Duration::from_secs(30), || {
        run(
            cluster,
            "set env deployment/calico-typha TYPHA_PROMETHEUSMETRICSENABLED=true TYPHA_PROMETHEUSMETRICSPORT=9093 -n calico-system",
        );
        std::thread::sleep(Duration::from_millis(500));
        let sets = cluster.bed.api().list("/apis/apps/v1/namespaces/calico-system/replicasets")?;
        let tried = sets.iter().map(|s| &s["spec"]["template"]).any(|t| {
            t["metadata"]["annotations"]["prometheus.io/scrape"].is_null()
                && t.to_string().contains("TYPHA_PROMETHEUSMETRICSENABLED")
        });
        Ok(tried.then_some(()))
    });
    assert!(tried.is_ok(), "{tried:?}");
    environment(cluster, false);
    let mut out = Done::default();
    if own {
        let all = write_up();
        let service = all
            .iter()
            .find(|o| o["kind"] == "Service" && o["metadata"]["name"] == "calico-typha-metrics")
            .unwrap();
        apply(cluster, std::slice::from_ref(service));
        let (monitor, labels) = ("calico-typha", json!({"matchLabels": {"k8s-app": "calico-typha-metrics"}}));
        patch(
            cluster,
            "monitoring",
            MONITORS,
            monitor,
            &json!({"spec": {"selector": labels,
            "endpoints": [{"port": "typha-metrics", "interval": "1s", "path": "/metrics"}]}}),
        );
        // The operator makes its own of that name when it is told the port again.
        out.back =
            back(|c| drop(run(c, "delete service calico-typha-metrics -n calico-system --ignore-not-found")));
    }
    out.back.push(Box::new(|c: &Cluster| {
        patch(
            c,
            "",
            "installations.operator.tigera.io",
            "default",
            &json!({"spec": {"typhaMetricsPort": 9093}}),
        );
        environment(c, true);
    }));
    out
}

pub(super) fn port_held(cluster: &Cluster) -> Done {
    let at = Where::Node(Felix, "node2".to_owned());
    cluster.fleet.inject(at.clone(), Fault::Down).unwrap();
    let pods = cluster.bed.api().list(FELIXES).unwrap();
    let pod = pods.iter().find(|p| p["spec"]["nodeName"] == "node2").unwrap();
    let text = |key: &str| pod["metadata"][key].as_str().unwrap().to_owned();
    let line = "2026-01-07 09:00:00.000 [ERROR][91] felix/daemon.go 1063: Prometheus metrics endpoint failed, trying to restart it... error=listen tcp :9091: bind: address already in use\n";
    cluster.bed.set_log(&text("namespace"), &text("name"), "calico-node", line).unwrap();
    let (namespace, name) = (text("namespace"), text("name"));
    let mut last = String::new();
    let shown = until("the log", Duration::from_secs(10), || {
        let out = cluster.bed.kubectl(&["logs", &name, "-n", &namespace, "-c", "calico-node"])?;
        last = out.both();
        Ok(out.stdout.contains("address already in use").then_some(()))
    });
    assert!(shown.is_ok(), "{shown:?}: {last}");
    Done {
        back: back(move |c| {
            heal(c, at);
            c.bed.set_log(&namespace, &name, "calico-node", "").unwrap();
        }),
        ..Done::default()
    }
}

/// Runs `tortie setup` on what lacks one setting, and undoes it when the fault is over.
pub(super) fn setup(cluster: &Cluster, more: &[&str]) -> Done {
    let tortie = |c: &Cluster, words: &[&str]| -> String {
        let mut command = c.bed.command(env!("CARGO_BIN_EXE_tortie"));
        command.args(words).env("XDG_STATE_HOME", c.bed.folder().join("state"));
        let out = command.stdin(std::process::Stdio::null()).output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        if out.status.success() { String::new() } else { format!("{words:?}: {said}") }
    };
    let words = ["setup", "-y", "--context", "bed", "--wait", "90s", "--second-look", "1s"];
    let wrong = tortie(cluster, &[&words[..], more].concat());
    assert!(wrong.is_empty(), "{wrong}");
    Done {
        back: back(move |c| {
            // It leaves alone what somebody changed since, and says so by its exit.
            tortie(c, &["setup", "undo", "-y"]);
            let _ = std::fs::remove_dir_all(c.bed.folder().join("state"));
        }),
        ..Done::default()
    }
}

pub(super) fn after_setup_of_felix(cluster: &Cluster) -> Done {
    let felix = |c: &Cluster, on: Value| {
        patch(
            c,
            "",
            &c.resource("felixconfigurations"),
            "default",
            &json!({"spec": {"prometheusMetricsEnabled": on}}),
        )
    };
    felix(cluster, Value::Null);
    let mut done = setup(cluster, &[]);
    felix(cluster, json!(false));
    // Undone, it is as it was before setup: off.
    done.back.insert(0, Box::new(move |c: &Cluster| felix(c, json!(true))));
    done
}

pub(super) fn after_setup_of_typha(cluster: &Cluster) -> Done {
    let typha = |c: &Cluster, port: Value| {
        patch(
            c,
            "",
            "installations.operator.tigera.io",
            "default",
            &json!({"spec": {"typhaMetricsPort": port}}),
        )
    };
    typha(cluster, Value::Null);
    let mut done = setup(cluster, &["--typha-port", "9193"]);
    typha(cluster, json!(9093));
    done.back.insert(0, Box::new(move |c: &Cluster| typha(c, json!(9093))));
    done
}

/// The process of one Typha goes and comes four times, each seen by Prometheus.
pub(super) fn typha_flaps(cluster: &Cluster) -> Done {
    let node = cluster.fleet.listening().into_iter().find(|l| l.component == Typha).map(|l| l.node).unwrap();
    let at = Where::Node(Typha, node);
    let ups = |wanted: usize| {
        until("Typha's targets", Duration::from_secs(30), || {
            let (_, prometheus) = cluster.kubelet.pods().into_iter().find(|(n, _)| n == POD).unwrap();
            let targets = cluster.bed.prometheus(prometheus, "/api/v1/targets?state=active")?;
            let own = targets["activeTargets"].as_array().into_iter().flatten();
            let up = own
                .filter(|t| {
                    t["health"] == "up" && t["scrapePool"].as_str().is_some_and(|p| p.contains("typha"))
                })
                .count();
            Ok((up == wanted).then_some(()))
        })
        .unwrap();
    };
    let all = cluster.fleet.listening().iter().filter(|l| l.component == Typha).count();
    for _ in 0..4 {
        cluster.bed.wait("the fault", |_| cluster.fleet.inject(at.clone(), Fault::Down).map(Some)).unwrap();
        ups(all - 1);
        heal(cluster, at.clone());
        ups(all);
    }
    Done::default()
}
