//! # The monitor does not wait for a container port that nobody declares
//!
//! **Looks at** `targetPort` of a ServiceMonitor, `port` and `portNumber` of a PodMonitor, and at the ports that the
//! containers declare.
//!
//! **Why it breaks silently.** These fields are compared with *declared* container ports. Calico's containers listen on their
//! metrics port without declaring it (Typha declares 5473 alone), so the rule drops every target: no error, no target.
//!
//! **How to mend.** Use `port` with the name of the Service's port. A PodMonitor cannot reach an undeclared port except by
//! a relabelling that writes `__address__`; a ServiceMonitor is simpler.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Command, Fix, op_add, op_remove, op_test};
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::Reach;
use crate::facts::monitors::{Kind, Monitor, Port, selects_service};
use serde_json::json;
use std::collections::BTreeSet;

pub(crate) static CHECK: Check = Check {
    id: "T509",
    slug: "undeclared-container-port",
    title: "the monitor does not wait for a container port that nobody declares",
    station: Station::Monitor,
    level: Level::Fail,
    needs: &["T501"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let entity = Entity::of(component);
    let branch = facts.best(component)?;
    match &branch.reach {
        Reach::Undeclared => {}
        Reach::Metrics(_) => return Some(Judged::pass(entity)),
        _ => return None,
    }
    let monitor = facts.monitor(branch);
    let (field, wanted) = match &monitor.port {
        Port::Number(n) if monitor.kind == Kind::Pod && monitor.field("portNumber").is_some() => {
            ("portNumber", n.to_string())
        }
        Port::Number(n) => ("targetPort", n.to_string()),
        Port::Container(name) => ("targetPort", name.clone()),
        Port::Name(name) => ("port", name.clone()),
        Port::Any => ("port", "(any)".to_owned()),
    };
    let workload = facts.workloads.get(&component)?;
    let declared: BTreeSet<String> = workload
        .pods
        .iter()
        .flat_map(|p| &p.containers)
        .flat_map(|c| &c.ports)
        .map(|p| format!("{}  {}", p.name, p.port))
        .collect();
    let shown = if declared.is_empty() {
        "none".to_owned()
    } else {
        declared.into_iter().collect::<Vec<_>>().join(", ")
    };
    let title = format!(
        "{field} {wanted} is compared with declared container ports; the pods of {} declare {shown}",
        component.title()
    );
    let finding = Finding::new(title)
        .cause(monitor.object, &monitor.pointer(field))
        .heading(monitor.object.reference().to_string())
        .row(monitor.label(field), wanted, "")
        .row("declared by the containers", shown, "")
        .row("metrics port", facts.settings.port(component).to_string(), "listens, undeclared");
    Some(Judged::fail(entity, finding.fix(fix(facts, monitor, field))))
}

/// A ServiceMonitor can name the port of its Service instead; a PodMonitor has to write the address itself.
fn fix(facts: &Facts<'_>, monitor: &Monitor<'_>, field: &str) -> Fix {
    let advice = "use a ServiceMonitor by the name of a Service's port: the containers do not declare this one (tortie setup makes it)";
    if monitor.kind != Kind::Service {
        return readdressed(facts, monitor).unwrap_or_else(|| Fix::Outside(advice.to_owned()));
    }
    let services =
        facts.services(monitor.component).iter().filter(|s| s.sends && selects_service(monitor, s));
    let mut named =
        services.filter_map(|s| s.service.ports.get(s.metrics_port?)).filter(|p| !p.name.is_empty());
    let Some(port) = named.next() else { return Fix::Outside(advice.to_owned()) };
    let pointer = monitor.pointer("port");
    if let Some(edit) = mend::edit(facts, monitor.object, &pointer, &json!(port.name)) {
        return edit;
    }
    let old = monitor.pointer(field);
    let ops = vec![
        op_test(&old, monitor.field(field).unwrap_or(&json!(null))),
        op_remove(&old),
        op_add(&pointer, &json!(port.name)),
    ];
    let command = Command::kubectl(&facts.snap.identity).patch(
        &monitor.object.reference(),
        monitor.plural(),
        ops,
    );
    Fix::Commands { auto: Auto::Yes, commands: vec![command] }
}

/// The endpoint without its port and with a rule that writes the address: a pod that declares no port is one target.
fn readdressed(facts: &Facts<'_>, monitor: &Monitor<'_>) -> Option<Fix> {
    let path = format!("/spec/podMetricsEndpoints/{}", monitor.index);
    let mut endpoint = monitor.object.at(&path)?.as_object()?.clone();
    for field in ["port", "portNumber", "targetPort"] {
        endpoint.remove(field);
    }
    let port = facts.settings.port(monitor.component);
    let rule = json!({"sourceLabels": ["__meta_kubernetes_pod_ip"], "targetLabel": "__address__", "replacement": format!("$1:{port}")});
    let rules = endpoint.entry("relabelings").or_insert_with(|| json!([]));
    rules.as_array_mut()?.push(rule);
    let note = "the containers declare no port, so write the address; or use a ServiceMonitor by the name of a Service's port";
    Some(Fix::Edit {
        object: monitor.object.reference(),
        path,
        value: json!(endpoint),
        note: note.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, roots, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, object, set};

    fn target_port(o: &mut Objects, endpoint: Value) {
        set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0", endpoint);
    }

    #[track_caller]
    fn check(endpoint: Value, expect: &[&str]) {
        assert_eq!(findings("T509", &snapshot(&Options::default(), |o| target_port(o, endpoint))), expect);
    }

    #[test]
    fn containers_of_calico_declare_no_metrics_port() {
        check(json!({"port": "felix-metrics"}), &[]);
        check(
            json!({"targetPort": 9091}),
            &[
                "fail felix: targetPort 9091 is compared with declared container ports; the pods of Felix declare none",
            ],
        );
    }

    #[test]
    fn the_command_names_the_port_of_the_service() {
        let snap = snapshot(&Options::default(), |o| target_port(o, json!({"targetPort": 9091})));
        assert_eq!(roots(&snap), ["T509"]);
        assert_eq!(
            mends("T509", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-felix --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/endpoints/0/targetPort\",\"value\":9091},\
              {\"op\":\"remove\",\"path\":\"/spec/endpoints/0/targetPort\"},\
              {\"op\":\"add\",\"path\":\"/spec/endpoints/0/port\",\"value\":\"felix-metrics\"}]'"
            ]
        );
    }

    #[test]
    fn a_pod_monitor_writes_the_address() {
        let snap = snapshot(&Options::default(), |o| {
            o.remove("ServiceMonitor", "calico-felix");
            let spec = json!({"selector": {"matchLabels": {"k8s-app": "calico-node"}}, "podMetricsEndpoints": [{"portNumber": 9091}],
                "namespaceSelector": {"matchNames": ["calico-system"]}});
            let mut monitor = object("monitoring.coreos.com/v1", "PodMonitor", "monitoring", "felix", spec);
            set(&mut monitor, "/metadata/labels", json!({"release": "prometheus"}));
            o.add(monitor);
        });
        let got = mends("T509", &snap);
        assert_eq!(got.len(), 1, "{:?}", findings("T509", &snap));
        let expect = "edit PodMonitor monitoring/felix /spec/podMetricsEndpoints/0 = {\"relabelings\":[{\"sourceLabels\":\
                      [\"__meta_kubernetes_pod_ip\"],\"targetLabel\":\"__address__\",\"replacement\":\"$1:9091\"}]}: ";
        assert!(got[0].starts_with(expect), "{got:?}");
    }
}
