//! The custom resources of a Prometheus object, followed while one of their kinds goes and comes.

use crate::real;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tortie_config::Config;
use tortie_discovery::crds::{self, FollowOptions, Follower, Identity};
use tortie_discovery::kubernetes::{Clusters, Server};
use tortie_host::{RealFs, SystemClock};
use tortie_testbed::{Bed, Options, until};

const DEFINITION: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/servicemonitors.monitoring.coreos.com";

fn definition(plural: &str) -> String {
    let folder = std::env::var("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of the fixtures");
    let file = Path::new(&folder).join(format!("crds/monitoring.coreos.com_{plural}.yaml"));
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec})
}

/// Names of the monitors that kubectl lists; none when the kind is not served.
fn listed(bed: &Bed) -> Vec<String> {
    let out = bed.kubectl(&["get", "servicemonitors.monitoring.coreos.com", "-A", "-o", "json"]).unwrap();
    let list: Value = serde_json::from_str(&out.stdout).unwrap_or_default();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items.iter().map(|o| format!("default/{}", o["metadata"]["name"].as_str().unwrap_or("?"))).collect()
}

/// K-12: the kind ServiceMonitor is deleted while it is watched and made again; its monitors are followed again within ten
/// seconds, and it was not asked for more often than every five.
#[test]
fn a_kind_that_goes_and_comes_is_followed() {
    let bed = Bed::start(Options { nodes: 1, port_forward: false, ..Options::default() }).unwrap();
    bed.install_crds(&[definition("prometheuses"), definition("servicemonitors")]).unwrap();
    // What is served is told a moment after it is.
    let kinds = ["api-resources", "--api-group=monitoring.coreos.com", "--no-headers"];
    until("both kinds are told", Duration::from_secs(60), || {
        let told = bed.kubectl_ok(&kinds)?;
        Ok((told.contains("prometheuses") && told.contains("servicemonitors")).then_some(()))
    })
    .unwrap();
    let all = json!({"serviceMonitorSelector": {}});
    bed.api().create(&object("Prometheus", "k8s", &all), "test").unwrap();
    let monitor = |name: &str| object("ServiceMonitor", name, &json!({"selector": {}, "endpoints": [{}]}));
    bed.api().create(&monitor("a"), "test").unwrap();

    let runtime = real::runtime(&bed);
    let clusters = Clusters::new(Arc::new(RealFs), Arc::new(SystemClock::new()));
    let options = FollowOptions {
        server: Server::Kubeconfig(bed.kubeconfig()),
        prometheus: None,
        identity: Identity::default(),
    };
    let accepts: crds::follow::Accepts =
        Arc::new(|text| Config::load(text, "p.yml").map(drop).map_err(|e| e.to_string()));
    let own = clusters.clone();
    let follower = runtime
        .block_on(runtime.spawn(async move { Follower::start(options, &own, accepts).await }))
        .unwrap()
        .unwrap_or_else(|e| panic!("{e}"));
    let followed =
        || -> Vec<String> { follower.state().borrow().verdicts.iter().map(|v| v.key.clone()).collect() };
    let agree = |what: &str, bound: Duration| {
        let began = Instant::now();
        until(what, bound, || Ok((followed() == listed(&bed)).then_some(()))).unwrap_or_else(|e| {
            panic!("{e}: followed {:?}, listed {:?}\n{:?}", followed(), listed(&bed), clusters.status())
        });
        println!("{what}: as kubectl lists them after {:.1?}", began.elapsed());
    };
    agree("at first", Duration::from_secs(60));
    assert_eq!(followed(), ["default/a"]);

    let (_, mark) = bed.audit_events_since(0).unwrap();
    let began = Instant::now();
    bed.api().delete(DEFINITION).unwrap();
    agree("the kind is gone", super::BOUND);
    assert!(followed().is_empty());
    // Long enough for the longest pause between two looks.
    until("it is asked for in vain", Duration::from_secs(60), || {
        let status = clusters.status();
        let monitors = status.iter().find(|s| s.selection.plural == "servicemonitors");
        Ok(monitors.filter(|s| s.health.refused && s.health.failures >= 4).map(drop))
    })
    .unwrap();
    bed.install_crds(&[definition("servicemonitors")]).unwrap();
    bed.api().create(&monitor("b"), "test").unwrap();
    agree("the kind is back", super::BOUND);
    assert_eq!(followed(), ["default/b"]);

    let (events, _) = bed.audit_events_since(mark).unwrap();
    let own = events.iter().filter(|e| e.agent.starts_with("tortie/") && e.resource == "servicemonitors");
    let lists = own.filter(|e| e.verb == "list").count();
    let most = began.elapsed().as_secs() / 5 + 1;
    println!("{lists} lists in {:.0?}", began.elapsed());
    assert!(lists as u64 <= most, "{lists} lists of a kind in {:?}", began.elapsed());
}
