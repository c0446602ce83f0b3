//! `tortie rbac run`: each rule taken away is named by the server that misses it. The kinds of prometheus-operator are there by
//! now.

use super::{Plain, tortie};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tortie_cluster::files;
use tortie_host::RealFs;
use tortie_testbed::{Bed, Process, until};

/// Which way of running reads a kind; the others do without it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// `kubernetes_sd_configs` of all roles, and the metrics of the API server.
    Configured,
    Calico,
    FromCrds,
}

fn way(rule: &Value) -> Way {
    match rule["apiGroups"][0].as_str() {
        Some("monitoring.coreos.com") => Way::FromCrds,
        Some("apps" | "operator.tigera.io" | "crd.projectcalico.org" | "projectcalico.org") => Way::Calico,
        _ => Way::Configured,
    }
}

const CONFIGURATION: &str = "scrape_configs:
- job_name: all
  kubernetes_sd_configs:
  - {kubeconfig_file: FILE, role: node}
  - {kubeconfig_file: FILE, role: pod, attach_metadata: {node: true, namespace: true}}
  - {kubeconfig_file: FILE, role: service}
  - {kubeconfig_file: FILE, role: endpoints}
  - {kubeconfig_file: FILE, role: endpointslice}
  - {kubeconfig_file: FILE, role: ingress}
  relabel_configs: [{action: drop, source_labels: [__address__]}]
- job_name: api
  scrape_interval: 1s
  scheme: https
  authorization: {credentials_file: TOKEN}
  tls_config: {insecure_skip_verify: true}
  static_configs: [{targets: ['10.99.0.1:6443']}]
";

struct Lacking {
    name: String,
    rule: Value,
    way: Way,
    address: String,
    tortie: Process,
}

/// The rules of the printed role.
fn rules(bed: &Bed) -> Vec<Value> {
    let file = bed.folder().join("run-role.yaml");
    std::fs::write(&file, tortie(&["rbac", "run"]).stdout).unwrap();
    let (objects, problems) = files::read(&RealFs, &[file]);
    assert!(problems.is_empty(), "{problems:?}");
    let role = objects.into_iter().find(|o| o.body["kind"] == "ClusterRole").unwrap();
    role.body["rules"].as_array().unwrap().clone()
}

/// Somebody with these rules; gives their token.
fn somebody(bed: &Bed, name: &str, rules: &[Value]) -> String {
    let group = "rbac.authorization.k8s.io";
    let objects = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}]}),
    ];
    bed.api().create_all(&objects, "test").unwrap();
    bed.token("default", name).unwrap()
}

fn start(bed: &Bed, i: usize, name: &str, token: &str, way: Way) -> (String, Process) {
    let kubeconfig = bed.kubeconfig_with(name, token).unwrap();
    let at = |suffix: &str| bed.folder().join(format!("{name}.{suffix}"));
    std::fs::write(at("token"), token).unwrap();
    let address = format!("127.0.0.1:{}", 9200 + i);
    let mut command = bed.namespace().command(env!("CARGO_BIN_EXE_tortie"));
    command.arg("run").arg(format!("--web.listen-address={address}"));
    command.arg(format!("--storage.tsdb.path={}", at("data").display())).env_remove("KUBECONFIG");
    let told = |path: &Path| path.display().to_string();
    match way {
        Way::Configured => {
            let text =
                CONFIGURATION.replace("FILE", &told(&kubeconfig)).replace("TOKEN", &told(&at("token")));
            std::fs::write(at("yml"), text).unwrap();
            command.arg(format!("--config.file={}", at("yml").display()));
        }
        Way::Calico => drop(command.arg("--calico").arg("--kubeconfig").arg(kubeconfig)),
        Way::FromCrds => drop(command.arg("--from-crds").arg("--kubeconfig").arg(kubeconfig)),
    }
    (address, bed.run(name, command).unwrap())
}

/// `resource.group` of the resources of a rule that are served here.
fn names(bed: &Bed, rule: &Value) -> Vec<String> {
    let group = rule["apiGroups"][0].as_str().unwrap_or_default();
    let all = rule["resources"].as_array().cloned().unwrap_or_default();
    let served = |r: &String| match group {
        "" | "apps" => true,
        group => bed
            .kubectl_ok(&["api-resources", "--api-group", group, "--no-headers"])
            .unwrap()
            .lines()
            .any(|l| l.starts_with(r.as_str())),
    };
    let all = all.iter().map(|r| r.as_str().unwrap().to_owned()).filter(served);
    all.map(|r| if group.is_empty() { r } else { format!("{r}.{group}") }).collect()
}

pub(super) fn each_is_named(plain: &Plain) {
    let bed = &plain.bed;
    let prometheus = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus", "metadata": {"name": "k8s", "namespace": "default"}, "spec": {}});
    bed.api().create(&prometheus, "test").unwrap();
    let rules = rules(bed);
    let mut lacking: Vec<Lacking> = Vec::new();
    for (i, rule) in rules.iter().enumerate() {
        // A kubelet's metrics are behind its own door, and kubelets that pretend have none.
        if rule["resources"] == json!(["nodes/metrics"]) {
            continue;
        }
        let name = format!("lacks-{i}");
        let others: Vec<Value> = rules.iter().filter(|r| *r != rule).cloned().collect();
        let token = somebody(bed, &name, &others);
        let way = way(rule);
        let (address, tortie) = start(bed, i, &name, &token, way);
        lacking.push(Lacking { name, rule: rule.clone(), way, address, tortie });
    }
    assert!(lacking.len() >= 8, "{}", lacking.len());
    for l in &mut lacking {
        if l.rule["nonResourceURLs"].is_array() {
            until("the refused scrape", Duration::from_secs(60), || {
                let targets = bed.prometheus(l.address.parse()?, "/api/v1/targets?scrapePool=api")?;
                let error = targets["activeTargets"][0]["lastError"].as_str().unwrap_or_default().to_owned();
                Ok(error.contains("403 Forbidden").then_some(()))
            })
            .unwrap_or_else(|e| panic!("{e:#}: {}", l.tortie.tail(20)));
            continue;
        }
        let mut wanted = names(bed, &l.rule);
        // One kind of `apps` each is read by another way of running.
        wanted.retain(|n| n != "statefulsets.apps");
        if l.way == Way::FromCrds {
            // It ends when it cannot read these.
            wanted.retain(|n| {
                ["prometheuses", "servicemonitors", "podmonitors", "probes", "scrapeconfigs"]
                    .iter()
                    .any(|k| n.starts_with(k))
            });
        }
        assert!(!wanted.is_empty() || l.rule["apiGroups"][0] == "projectcalico.org", "{}", l.rule);
        let unnamed = |log: &str| -> Vec<String> {
            wanted.iter().filter(|n| !log.contains(&format!("no right to list {n}"))).cloned().collect()
        };
        until("every missing right is named", Duration::from_secs(90), || {
            Ok(unnamed(&l.tortie.log()).is_empty().then_some(()))
        })
        .unwrap_or_else(|e| {
            panic!(
                "{e:#}: {} without {}: {:?}\n{}",
                l.name,
                l.rule,
                unnamed(&l.tortie.log()),
                l.tortie.tail(30)
            )
        });
        println!("{} without {}: {wanted:?} named by {:?}", l.name, l.rule["apiGroups"], l.way);
    }
}
