//! Whoever may write a monitor does not reach this machine through it, however the address is spelled, and the rest goes on.

use super::{Cluster, custom, run, scraped};
use crate::http::get;
use crate::process::{folder, until};
use crate::target::Target;
use serde_json::{Value, json};

/// Objects that lead to a port of this machine, and what is said of their targets.
fn place(cluster: &Cluster, port: u16) -> Vec<(&'static str, &'static str)> {
    const LOOPBACK: &str = "is a loopback address";
    let to = |address: &str| json!({"relabelings": [{"targetLabel": "__address__", "replacement": address.replace("PORT", &port.to_string())}]});
    let monitors = [
        ("loopback", "127.0.0.1", json!({})),
        ("link-local", "169.254.169.254", json!({})),
        ("by-name", "192.0.2.1", to("localhost:PORT")),
        ("mapped", "192.0.2.1", to("[::ffff:127.0.0.1]:PORT")),
        ("decimal", "192.0.2.1", to("2130706433:PORT")),
        ("short", "192.0.2.1", to("127.1:PORT")),
        ("nowhere", "192.0.2.1", to("0.0.0.0:PORT")),
        ("by-proxy", "192.0.2.1", json!({"proxyUrl": format!("http://127.0.0.1:{port}")})),
    ];
    for (name, address, keys) in &monitors {
        cluster.endpoints("apps", name, &[address], port);
        cluster.monitor(name, keys);
    }
    let at = format!("127.0.0.1:{port}");
    let probe = json!({"prober": {"url": at}, "targets": {"staticConfig": {"static": ["example.org"]}}});
    cluster.place(&custom("Probe", "apps", "prober", &probe));
    cluster.place(&custom("ScrapeConfig", "apps", "static", &json!({"staticConfigs": [{"targets": [at]}]})));
    cluster.place(&json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod", "namespace": "apps", "labels": {"app": "pod"}},
        "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"name": "web", "containerPort": port, "protocol": "TCP"}]}]},
        "status": {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]},
    }));
    let pods = json!({"selector": {"matchLabels": {"app": "pod"}}, "podMetricsEndpoints": [{"port": "web"}]});
    cluster.place(&custom("PodMonitor", "apps", "pod", &pods));
    vec![
        ("serviceMonitor/apps/loopback/0", LOOPBACK),
        ("serviceMonitor/apps/link-local/0", "is a link-local address"),
        ("serviceMonitor/apps/by-name/0", LOOPBACK),
        ("serviceMonitor/apps/mapped/0", LOOPBACK),
        ("serviceMonitor/apps/decimal/0", LOOPBACK),
        ("serviceMonitor/apps/short/0", LOOPBACK),
        ("serviceMonitor/apps/nowhere/0", "is an address of this machine"),
        ("serviceMonitor/apps/by-proxy/0", LOOPBACK),
        ("probe/apps/prober", LOOPBACK),
        ("scrapeConfig/apps/static", LOOPBACK),
        ("podMonitor/apps/pod/0", LOOPBACK),
    ]
}

#[test]
fn this_machine_is_out_of_reach_and_the_rest_goes_on() {
    let dir = folder();
    let (secret, mine) = (Target::start("secret 1\n"), Target::start("mine 1\n"));
    // Whoever owns the Prometheus object may name this machine.
    let additional = json!({"name": "extra", "key": "jobs"});
    let cluster = Cluster::start(dir.path(), &json!({"additionalScrapeConfigs": additional}));
    let job = format!("- {{job_name: mine, static_configs: [{{targets: ['{}']}}]}}\n", mine.address);
    cluster.secret_in("monitoring", "extra", &json!({"jobs": job}));
    let refused = place(&cluster, secret.address.port());
    let pools: Vec<&str> = refused.iter().map(|r| r.0).collect();

    let run_ = run(dir.path(), &[]);
    for (target, (pool, why)) in scraped(&run_, &pools).iter().zip(&refused) {
        assert_eq!(target["health"], "down", "{target}");
        let said = target["lastError"].as_str().unwrap();
        let words = "which targets of custom resources may not be (hint: --crds.allow-local-targets)";
        assert!(said.contains(why) && said.contains(words), "{pool}: {said}");
    }
    assert_eq!(scraped(&run_, &["mine"])[0]["health"], "up");
    // Its own pages are no target either.
    let own = run_.address().port();
    cluster.endpoints("apps", "own", &["127.0.0.1"], own);
    cluster.monitor("own", &json!({"path": "/api/v1/status/config"}));
    let said = scraped(&run_, &["serviceMonitor/apps/own/0"])[0]["lastError"].to_string();
    assert!(said.contains("is a loopback address"), "{said}");
    assert_eq!(secret.asked(), 0, "nobody came");
    drop(run_);

    // With the flag they are targets: there is something to be reached.
    let other = folder();
    std::fs::copy(dir.path().join("kubeconfig"), other.path().join("kubeconfig")).unwrap();
    let run_ = run(other.path(), &["--crds.allow-local-targets"]);
    let up: Vec<Value> = scraped(&run_, &["serviceMonitor/apps/loopback/0", "scrapeConfig/apps/static"]);
    assert!(up.iter().all(|t| t["health"] == "up"), "{up:?}");
    assert!(secret.asked() > 0);
}

/// An API server that a ScrapeConfig names is asked by this program, as a target is: it may not be this machine either.
#[test]
fn no_api_server_of_a_scrape_config_is_on_this_machine() {
    let dir = folder();
    let inner = Target::start("hush 1\n");
    let cluster = Cluster::start(dir.path(), &json!({}));
    let port = inner.address.port();
    let proxied = json!({"role": "Service", "apiServer": "http://192.0.2.1", "proxyUrl": format!("http://{}", inner.address)});
    let servers = [
        ("plain", json!({"role": "Service", "apiServer": format!("http://{}", inner.address)})),
        ("decimal", json!({"role": "Service", "apiServer": format!("http://2130706433:{port}")})),
        ("by-name", json!({"role": "Service", "apiServer": format!("http://localhost:{port}/a")})),
        ("proxied", proxied),
    ];
    for (name, lookup) in &servers {
        cluster.place(&custom("ScrapeConfig", "apps", name, &json!({"kubernetesSDConfigs": [lookup]})));
    }
    let tried = |run: &crate::process::Running| {
        let text = get(run.address(), "/metrics").text();
        let failed = |l: &&str| {
            l.starts_with("tortie_kubernetes_failures_total{server=\"http://") && !l.ends_with(" 0")
        };
        text.lines().filter(failed).count()
    };
    let run_ = run(dir.path(), &[]);
    until("each was tried", || (tried(&run_) >= servers.len()).then_some(()));
    assert_eq!(inner.asked(), 0, "nobody came");
    drop(run_);

    // With the flag they are asked.
    let other = folder();
    std::fs::copy(dir.path().join("kubeconfig"), other.path().join("kubeconfig")).unwrap();
    let run_ = run(other.path(), &["--crds.allow-local-targets"]);
    until("it was asked", || (inner.asked() > 0).then_some(()));
    assert!(!run_.err().contains("hush"));
}
