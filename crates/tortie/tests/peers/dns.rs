//! Targets and Alertmanagers by DNS, beside the real Prometheus: both in one network namespace, with one `resolv.conf` and a
//! small server of names whose answers change.

use crate::ask;
use crate::process::{Running, SOON, Server, folder, serve_by};
use domain::rdata::{Aaaa, AllRecordData, Mx, Ns, Srv};
use serde_json::Value;
use std::time::Instant;
use tortie_testbed::Namespace;
use tortie_testbed::names::Zone;

/// A job of each type, a name along the search path, one that is not there, one that no server can answer; two sets of
/// Alertmanagers.
const CONFIG: &str = "
global: {scrape_interval: 1h}
scrape_configs:
- {job_name: a, dns_sd_configs: [{names: [am], type: A, port: 9093, refresh_interval: 1s}]}
- {job_name: aaaa, dns_sd_configs: [{names: [six.example.], type: AAAA, port: 80, refresh_interval: 1s}]}
- {job_name: srv, dns_sd_configs: [{names: [_am._tcp.example], refresh_interval: 1s}]}
- {job_name: mx, dns_sd_configs: [{names: [example], type: MX, port: 25, refresh_interval: 1s}]}
- {job_name: ns, dns_sd_configs: [{names: [zone.example], type: NS, port: 53, refresh_interval: 1s}]}
- {job_name: gone, dns_sd_configs: [{names: [nowhere.example, many.example, broken.example], type: A, port: 1, refresh_interval: 1s}]}
alerting:
  alertmanagers:
  - dns_sd_configs: [{names: [_am._tcp.example], refresh_interval: 1s}]
  - dns_sd_configs: [{names: [am], type: A, port: 9093, refresh_interval: 1s}]
    relabel_configs: [{source_labels: [__meta_dns_name], regex: am, target_label: __alerts_path__, replacement: /am}]
";

fn name(text: &str) -> domain::base::Name<Vec<u8>> {
    text.parse().unwrap()
}

/// What a server found: the targets of all jobs as discovered, and the Alertmanagers.
fn found(server: &Running) -> Vec<String> {
    let json = |path: &str| -> Value { ask::get(server.port, path).unwrap().json()["data"].clone() };
    let targets = json("/api/v1/targets?state=active");
    let labels = |t: &Value| {
        let all: std::collections::BTreeMap<String, Value> =
            t["discoveredLabels"].as_object().unwrap().clone().into_iter().collect();
        serde_json::to_string(&all).unwrap()
    };
    let mut out: Vec<String> = targets["activeTargets"].as_array().unwrap().iter().map(labels).collect();
    let managers = json("/api/v1/alertmanagers");
    out.extend(managers["activeAlertmanagers"].as_array().unwrap().iter().map(Value::to_string));
    out.sort();
    out
}

/// Waits until both found `n`; they must be the same.
fn both(servers: &[Running; 2], n: usize, what: &str) {
    let began = Instant::now();
    loop {
        let [theirs, ours] = servers.each_ref().map(found);
        if theirs.len() == n && ours == theirs {
            println!("{what}: {n} targets and Alertmanagers the same");
            return;
        }
        assert!(began.elapsed() < SOON, "{what}: theirs {theirs:#?}\nours {ours:#?}\n{}", servers[1].log());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn targets_and_alertmanagers_by_dns_are_those_of_prometheus() {
    let namespace = Namespace::make().unwrap();
    namespace
        .enter(|| {
            compare();
            Ok(())
        })
        .unwrap();
}

fn compare() {
    let zone = Zone::default();
    zone.serve_at(([127, 0, 0, 1], 53).into()).unwrap();
    zone.address("am.mon.example.", [10, 0, 0, 1]);
    zone.address("am.mon.example.", [10, 0, 0, 2]);
    zone.put("six.example.", AllRecordData::Aaaa(Aaaa::new("fd00::7".parse().unwrap())));
    for host in ["am-0", "am-1"] {
        let target = name(&format!("{host}.example."));
        zone.put("_am._tcp.example.", AllRecordData::Srv(Srv::new(0, 0, 9094, target)));
    }
    zone.put("example.", AllRecordData::Mx(Mx::new(10, name("mail.example."))));
    zone.put("zone.example.", AllRecordData::Ns(Ns::new(name("ns1.example."))));
    // More than fits into a datagram.
    for i in 0..=255 {
        zone.address("many.example.", [10, 0, 1, i]);
    }
    zone.address("broken.example.", [10, 0, 0, 9]);
    let dirs = [folder(), folder()];
    let conf = dirs[0].path().join("resolv.conf");
    std::fs::write(&conf, "nameserver 127.0.0.1\nsearch nowhere.example mon.example\n").unwrap();
    let script = "mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"";
    let by = ["unshare", "--mount", "sh", "-c", script, "sh", conf.to_str().unwrap()];
    let servers = [(Server::Prometheus, &dirs[0]), (Server::Tortie, &dirs[1])]
        .map(|(server, dir)| serve_by(&by, server, dir.path(), CONFIG, &[]));
    both(&servers, 2 + 1 + 2 + 1 + 1 + 257 + 4, "at first");
    zone.remove("am.mon.example.");
    zone.address("am.mon.example.", [10, 0, 0, 3]);
    // A name that cannot be answered keeps its targets, one that is gone loses them.
    zone.fails("broken.example.");
    zone.remove("many.example.");
    both(&servers, 1 + 1 + 2 + 1 + 1 + 1 + 3, "after a change");
    let failures = |s: &Running| {
        let text = ask::get(s.port, "/metrics").unwrap().body;
        let line = text.lines().find_map(|l| l.strip_prefix("prometheus_sd_dns_lookup_failures_total "));
        line.unwrap_or_else(|| panic!("no such metric")).parse::<f64>().unwrap()
    };
    assert!(servers.iter().all(|s| failures(s) > 0.0));
}
