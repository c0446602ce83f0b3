//! Prometheus, its operator and what it sends to.

use super::{Done, MONITORS, POD, PROMETHEUS, apply, back, jobs_loaded, object, patch, run, set_ready};
use crate::doctor::accounts;
use crate::doctor::cluster::Cluster;
use serde_json::json;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The ConfigMap with the authority that the monitor names: the expired certificate itself.
pub(super) fn authority_of_felix(cluster: &Cluster) -> Done {
    let (certificate, _) = cluster.bed.expired_certificate().unwrap();
    let text = std::fs::read_to_string(certificate).unwrap();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "felix-ca", "namespace": "monitoring"}, "data": {"ca.crt": text}});
    apply(cluster, &[map]);
    Done {
        back: back(|c| drop(run(c, "delete configmap felix-ca -n monitoring --ignore-not-found"))),
        ..Done::default()
    }
}

/// The monitor trusts the certificate that Felix will show, and still asks by http.
pub(super) fn trusted(cluster: &Cluster) -> Done {
    let text = std::fs::read_to_string(cluster.bed.authority()).unwrap();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "felix-ca", "namespace": "monitoring"}, "data": {"ca.crt": text}});
    let mut monitor = object(cluster, "monitoring", MONITORS, "calico-felix");
    monitor["spec"]["endpoints"][0]["tlsConfig"] =
        json!({"serverName": "kubernetes", "ca": {"configMap": {"name": "felix-ca", "key": "ca.crt"}}});
    apply(cluster, &[map, monitor]);
    Done {
        back: back(|c| drop(run(c, "delete configmap felix-ca -n monitoring --ignore-not-found"))),
        ..Done::default()
    }
}

/// Deleted and made again, an account looks the same; the token in a pod that runs was the earlier one's. The container that
/// starts again in that pod finds nothing any more.
pub(super) fn token_of_an_earlier_account(cluster: &Cluster) -> Done {
    let account = object(cluster, "monitoring", "serviceaccount", PROMETHEUS);
    run(cluster, &format!("delete serviceaccount {PROMETHEUS} -n monitoring"));
    apply(cluster, &[account]);
    // The API server remembers who a token is for ten seconds.
    std::thread::sleep(Duration::from_secs(11));
    cluster.kubelet.end(POD).unwrap();
    let pod = POD.split_once('/').unwrap().1;
    Done { back: back(move |c| drop(run(c, &format!("delete pod {pod} -n monitoring")))), ..Done::default() }
}

pub(super) fn prometheus_not_ready(cluster: &Cluster) -> Done {
    const PATH: &str = "/api/v1/namespaces/monitoring/pods?labelSelector=app.kubernetes.io/name%3Dprometheus";
    set_ready(cluster, PATH, "", false);
    Done { back: back(|c| set_ready(c, PATH, "", true)), ..Done::default() }
}

/// The operator says once why it leaves the monitor out; Events are kept for an hour.
pub(super) fn forget_events(cluster: &Cluster) -> Done {
    let told = cluster.bed.wait("the operator's Event", |api| {
        let all = api.list("/api/v1/namespaces/monitoring/events")?;
        Ok(all.iter().any(|e| e["reason"] == "InvalidConfiguration").then_some(()))
    });
    told.unwrap();
    run(cluster, "delete events --all -n monitoring");
    // A younger monitor gets the time that operator and reloader may need.
    std::thread::sleep(Duration::from_secs(122));
    Done::default()
}

/// A second shard whose process stops after it has started: Kubernetes sees a pod that is ready, and nobody gets an answer.
pub(super) fn silent_shard(cluster: &Cluster) -> Done {
    patch(
        cluster,
        "monitoring",
        "prometheuses.monitoring.coreos.com",
        PROMETHEUS,
        &json!({"spec": {"shards": 2}}),
    );
    let pod = format!("monitoring/prometheus-{PROMETHEUS}-shard-1-0");
    let ready = cluster.kubelet.ready(&pod);
    let all = cluster.bed.kubectl(&["get", "statefulsets,pods", "-n", "monitoring"]).unwrap();
    assert!(ready.is_ok(), "{ready:?}\n{}", all.both());
    cluster.kubelet.freeze(&pod, true).unwrap();
    Done {
        back: back(move |c| {
            // With its shard it is ended anyway.
            let _ = c.kubelet.freeze(&pod, false);
            patch(
                c,
                "monitoring",
                "prometheuses.monitoring.coreos.com",
                PROMETHEUS,
                &json!({"spec": {"shards": 1}}),
            );
        }),
        ..Done::default()
    }
}

/// kube-prometheus gives its Prometheus rights in three namespaces; the bed gave it the fourth.
pub(super) fn without_fourth_namespace(cluster: &Cluster) -> Done {
    run(cluster, "delete role/prometheus-k8s rolebinding/prometheus-k8s -n calico-system");
    Done { back: back(|c| apply(c, &accounts::fourth_namespace())), ..Done::default() }
}

/// While the reloader hangs, monitors are selected again that were not.
pub(super) fn reloader_hangs(cluster: &Cluster) -> Done {
    let selects = |c: &Cluster, release: &str| {
        patch(
            c,
            "monitoring",
            "prometheuses.monitoring.coreos.com",
            PROMETHEUS,
            &json!({"spec": {"serviceMonitorSelector": {"matchLabels": {"release": release}}}}),
        )
    };
    // Younger ones would get the time that a reloader may need.
    let old = cluster.begun + Duration::from_secs(125);
    std::thread::sleep(old.saturating_duration_since(Instant::now()));
    selects(cluster, "other");
    cluster.bed.wait("a Prometheus without jobs", |_| Ok((jobs_loaded(cluster) == 0).then_some(()))).unwrap();
    cluster.kubelet.hold_reloader(true);
    selects(cluster, "prometheus");
    Done { back: back(|c| c.kubelet.hold_reloader(false)), ..Done::default() }
}

/// The monitor comes anew while the reloader takes its time.
pub(super) fn young_monitor(cluster: &Cluster) -> Done {
    let monitor = object(cluster, "monitoring", MONITORS, "calico-felix");
    run(cluster, &format!("delete {MONITORS} calico-felix -n monitoring"));
    cluster
        .bed
        .wait("a Prometheus without Felix", |_| Ok((jobs_loaded(cluster) == 2).then_some(())))
        .unwrap();
    cluster.kubelet.hold_reloader(true);
    apply(cluster, &[monitor]);
    Done { back: back(|c| c.kubelet.hold_reloader(false)), ..Done::default() }
}

/// Answers so to everything at a port of the bed, until it is taken back.
fn answering(cluster: &Cluster, port: u16, answer: &'static str) -> Done {
    let listener = cluster.bed.namespace().listen(format!("10.99.0.1:{port}").parse().unwrap()).unwrap();
    listener.set_nonblocking(true).unwrap();
    let end = Arc::new(AtomicBool::new(false));
    let thread = std::thread::spawn({
        let end = end.clone();
        move || {
            while !end.load(Ordering::Acquire) {
                let Ok((mut stream, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                };
                let mut request = vec![0; 65536];
                // Who asks may have gone.
                let _ = stream.set_nonblocking(false).and_then(|()| stream.read(&mut request));
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    Done {
        back: back(move |_| {
            end.store(true, Ordering::Release);
            thread.join().unwrap();
        }),
        ..Done::default()
    }
}

pub(super) fn store_that_refuses(cluster: &Cluster) -> Done {
    answering(cluster, 9201, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

/// Another program with metrics of its process.
pub(super) fn other_process(cluster: &Cluster) -> Done {
    let mut done = answering(
        cluster,
        9202,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n\r\n\
         process_cpu_seconds_total 7\nprocess_open_fds 9\n",
    );
    let config = json!({"apiVersion": "monitoring.coreos.com/v1alpha1", "kind": "ScrapeConfig",
        "metadata": {"name": "node-exporter", "namespace": "monitoring", "labels": {"release": "prometheus"}},
        "spec": {"scrapeInterval": "1s", "scrapeTimeout": "1s", "staticConfigs": [{"targets": ["10.99.0.1:9202"]}]}});
    apply(cluster, &[config]);
    done.back.extend(back(|c| {
        drop(run(
            c,
            "delete scrapeconfigs.monitoring.coreos.com node-exporter -n monitoring --ignore-not-found",
        ));
    }));
    done
}

pub(super) fn no_monitoring_kinds(cluster: &Cluster) -> Done {
    let all = run(cluster, "get crd -o name");
    let own: Vec<&str> = all.lines().filter(|l| l.ends_with("monitoring.coreos.com")).collect();
    run(cluster, &format!("delete {}", own.join(" ")));
    Done::default()
}
