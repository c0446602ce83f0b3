//! The whole original stack: the actor in the operator's part, prometheus-operator, the real Prometheus with its
//! ServiceAccount's rights, and the simulated processes at their pods' addresses.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};
use tortie_testbed::{Actor, Bed, Fault, Fleet, Kubelet, Options, Where, installs, operators};

/// Services and monitors for all three components, scraped each second.
pub(crate) fn monitors(release: &str, typha_port: &str) -> Vec<Value> {
    let service = |name: &str, port: &str, number: u16, app: &str| {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": name, "namespace": "calico-system", "labels": { "k8s-app": name } },
            "spec": { "selector": { "k8s-app": app }, "ports": [{ "name": port, "port": number, "targetPort": number }] },
        })
    };
    let monitor = |name: &str, app: &str, port: &str| {
        json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor",
            "metadata": { "name": name, "namespace": "monitoring", "labels": { "release": release } },
            "spec": {
                "namespaceSelector": { "matchNames": ["calico-system"] }, "selector": { "matchLabels": { "k8s-app": app } },
                "endpoints": [{ "port": port, "interval": "1s", "scrapeTimeout": "1s" }],
            },
        })
    };
    vec![
        service("calico-felix-metrics", "felix-metrics", 9091, "calico-node"),
        monitor("felix", "calico-felix-metrics", "felix-metrics"),
        monitor("typha", "calico-typha-metrics", typha_port),
        monitor("kube-controllers", "calico-kube-controllers", "metrics-port"),
    ]
}

/// `health error` of each active target by its job and instance.
pub(crate) fn targets(bed: &Bed, prometheus: SocketAddr) -> anyhow::Result<Vec<(String, String)>> {
    let data = bed.prometheus(prometheus, "/api/v1/targets?state=active")?;
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let mut out: Vec<(String, String)> = data["activeTargets"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|t| {
            let name = format!("{} {}", text(&t["labels"]["job"]), text(&t["labels"]["instance"]));
            (name, format!("{} {}", text(&t["health"]), text(&t["lastError"])).trim().to_owned())
        })
        .collect();
    out.sort();
    Ok(out)
}

fn all_up(bed: &Bed, prometheus: SocketAddr, expect: usize) -> Vec<(String, String)> {
    bed.wait(&format!("{expect} targets up"), |_| {
        let all = targets(bed, prometheus)?;
        if all.len() == expect && all.iter().all(|(_, health)| health == "up") {
            return Ok(Some(all));
        }
        anyhow::bail!("{all:?}")
    })
    .unwrap()
}

#[test]
fn real_prometheus_scrapes_what_the_real_operator_selected() {
    let begin = Instant::now();
    let said = |what: &str| println!("{:5.1} s: {what}", begin.elapsed().as_secs_f64());
    let mut bed = Bed::start(Options::default()).unwrap();
    said("bed");
    installs::install_calico_crds(&bed, false).unwrap();
    installs::install_monitoring_crds(&bed).unwrap();
    said("custom resources");
    let stack = installs::kube_prometheus_stack("prometheus");
    bed.api().create_all(&stack.objects, stack.manager).unwrap();
    let arguments: Vec<&str> = stack.arguments.iter().map(String::as_str).collect();
    let operator = operators::prometheus_operator(&bed, &arguments).unwrap();
    let kubelet = Kubelet::start(&bed).unwrap();
    bed.api().create_all(&installs::operator((3, 30)), "kubectl-create").unwrap();
    bed.apply_objects(&[installs::installation()]).unwrap();
    let _actor = Actor::start(&bed, (3, 30));
    let fleet = Fleet::start(&bed, (3, 30)).unwrap();
    bed.wait("calico-system", |api| {
        let pods = api.list("/api/v1/namespaces/calico-system/pods")?;
        Ok((pods.iter().filter(|p| p["status"]["phase"] == "Running").count() == 6).then_some(()))
    })
    .unwrap();
    said("calico-system");
    for (kind, patch) in [
        ("felixconfigurations.crd.projectcalico.org", r#"{"spec":{"prometheusMetricsEnabled":true}}"#),
        ("installations.operator.tigera.io", r#"{"spec":{"typhaMetricsPort":9093}}"#),
    ] {
        bed.kubectl_ok(&["patch", kind, "default", "--type=merge", "-p", patch]).unwrap();
    }
    bed.apply_objects(&monitors("prometheus", "calico-typha-metrics")).unwrap();
    let name = &format!("prometheus-{}-0", stack.prometheus);
    let pod = format!("monitoring/{name}");
    let prometheus = kubelet.ready(&pod).unwrap_or_else(|e| panic!("{e:#}\n{}", operator.tail(20)));
    said("Prometheus ready");
    let up = all_up(&bed, prometheus, 6);
    said("6 targets up");
    let nodes = bed.nodes();
    for (_, address) in &nodes {
        assert!(up.iter().any(|(t, _)| *t == format!("calico-felix-metrics {address}:9091")), "{up:?}");
    }
    let hosts = bed.prometheus(prometheus, "/api/v1/query?query=felix_host").unwrap();
    let host = |r: &Value| r["metric"]["host"].as_str().unwrap_or_default().to_owned();
    let mut hosts: Vec<String> = hosts["result"].as_array().unwrap().iter().map(host).collect();
    hosts.sort();
    let names: Vec<String> = nodes.iter().map(|(n, _)| n.clone()).collect();
    assert_eq!(hosts, names, "each Felix answers with its own node's name");

    // The real Alertmanager runs too, and Prometheus finds it through the API server.
    kubelet.ready("monitoring/alertmanager-prometheus-kube-prometheus-alertmanager-0").unwrap();
    bed.wait("Alertmanager found", |_| {
        let found = bed.prometheus(prometheus, "/api/v1/alertmanagers")?;
        Ok((found["activeAlertmanagers"].as_array().map(Vec::len) == Some(1)).then_some(()))
    })
    .unwrap();
    said("Alertmanager found");

    // Faults are seen by Prometheus as they would be in life.
    let felix = tortie_sim::Component::Felix;
    let first = Where::Node(felix, nodes[0].0.clone());
    for (fault, expect) in [
        (Fault::Down, "connection refused"),
        (Fault::Silent, "context deadline exceeded"),
        (Fault::Loopback, "connection refused"),
        (Fault::Tls, "malformed HTTP"),
        (Fault::Status(503), "503"),
    ] {
        fleet.inject(first.clone(), fault.clone()).unwrap();
        let instance = format!("calico-felix-metrics {}:9091", nodes[0].1);
        bed.wait(&format!("{fault:?} seen"), |_| {
            let all = targets(&bed, prometheus)?;
            let own = all.iter().find(|(t, _)| *t == instance).map(|(_, h)| h.clone()).unwrap_or_default();
            if own.contains(expect) { Ok(Some(())) } else { anyhow::bail!("{own}") }
        })
        .unwrap();
    }
    fleet.heal(&first).unwrap();
    all_up(&bed, prometheus, 6);
    said("faults seen and healed");

    // Both ways that a person reaches it from outside.
    bed.forward_ports().unwrap();
    let path = format!("/api/v1/namespaces/monitoring/pods/{}:9090/proxy/-/ready", name);
    assert!(bed.kubectl_ok(&["get", "--raw", &path]).unwrap().contains("Ready"));
    let mut forward = bed.command(tortie_testbed::binary("kubectl").unwrap());
    forward.args(["-n", "monitoring", "port-forward", &format!("pod/{}", name), "19090:9090"]);
    forward.stdin(Stdio::null());
    let forward = bed.run("port-forward", forward).unwrap();
    let local = "127.0.0.1:19090".parse().unwrap();
    bed.wait("port-forward", |_| Ok((bed.http_get(local, "/-/ready")?.status == 200).then_some(())))
        .unwrap_or_else(|e| panic!("{e:#}\n{}", forward.log()));
    said("reached by API proxy and port-forward");
    // Prometheus has its ServiceAccount's rights, and no others.
    let role = format!("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{}", stack.prometheus);
    bed.api().delete(&role).unwrap();
    // Watches live on until they end; a new process asks anew.
    bed.kubectl_ok(&["-n", "monitoring", "delete", "pod", name]).unwrap();
    bed.wait("Prometheus forbidden", |_| Ok(kubelet.log(&pod).contains("forbidden").then_some(()))).unwrap();
    said("rights gone");
    bed.check().unwrap();
}
