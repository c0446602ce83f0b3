//! # The Service's port has a name
//!
//! **Looks at** the names of the ports of the Service made for the component's metrics.
//!
//! **Why it breaks silently.** A Service with one port may leave its name out, and Calico's own documentation does. A
//! ServiceMonitor can only name ports: `port: metrics` never equals the empty name, so the scrape pool stays empty.
//!
//! **How to mend.** Give the port the name that the monitor asks for; nothing that uses the Service by number is touched.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_service_port};
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, op_add, op_test};
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::monitors::Port;
use crate::facts::service_link::ServiceLink;
use crate::facts::services::MetricsService;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T404",
    slug: "port-unnamed",
    title: "the Service's port has a name",
    station: Station::Service,
    level: Level::Fail,
    needs: &["T401"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let wrong = |link: &ServiceLink| match link {
        ServiceLink::Unnamed(index, at) => Some((*index, *at)),
        _ => None,
    };
    each_service_port(facts, wrong, finding)
}

fn finding(
    facts: &Facts<'_>,
    component: Component,
    service: &MetricsService<'_>,
    at: usize,
) -> Option<Finding> {
    let port = service.service.ports.get(at)?;
    let monitor = facts.best(component).map(|b| facts.monitor(b));
    let wanted = match monitor.map(|m| &m.port) {
        Some(Port::Name(name)) if name.bytes().any(|b| b.is_ascii_lowercase()) => name.clone(),
        _ => format!("{component}-metrics"),
    };
    let pointer = format!("/spec/ports/{at}/name");
    let mut finding = Finding::new("the Service's port has no name; a ServiceMonitor can only name ports")
        .cause_ref(service.reference(), &format!("spec.ports[{at}].name"), "")
        .heading(service.reference().to_string())
        .row(format!("ports[{at}]"), format!("(no name)  {}", port.port), "ends at the metrics");
    if let Some(monitor) = monitor {
        finding = finding.heading(monitor.object.reference().to_string()).row(
            monitor.label("port"),
            wanted.clone(),
            "",
        );
    }
    finding.cause.place = mend_link::place(service.service, &format!("/spec/ports/{at}"));
    let number = format!("/spec/ports/{at}/port");
    let ops = vec![op_test(&number, &json!(port.port)), op_add(&pointer, &json!(wanted))];
    if let Some(fix) = mend_link::service(facts, service, ops, &pointer, json!(wanted), Auto::Ask) {
        finding = finding.fix(fix);
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, roots, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    const TEXT: &str = "fail felix: the Service's port has no name; a ServiceMonitor can only name ports";

    fn unnamed(o: &mut Objects) {
        set(o.get("Service", "tortie-felix-metrics"), "/spec/ports/0/name", Value::Null);
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Objects), expect: &[&str]) {
        assert_eq!(findings("T404", &snapshot(&Options::default(), change)), expect);
    }

    #[test]
    fn a_named_port_is_needed_only_by_name() {
        check(|_| {}, &[]);
        check(unnamed, &[TEXT]);
        check(
            |o| {
                unnamed(o);
                set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", Value::Null);
            },
            &[],
        );
    }

    #[test]
    fn it_is_the_one_finding_and_names_the_port_as_the_monitor_does() {
        let snap = snapshot(&Options::default(), |o| {
            unnamed(o);
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/port", json!("felix"));
        });
        assert_eq!(roots(&snap), ["T404"]);
        assert_eq!(
            mends("T404", &snap),
            ["kubectl --context=test -n calico-system patch services tortie-felix-metrics --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/ports/0/port\",\"value\":9091},\
              {\"op\":\"add\",\"path\":\"/spec/ports/0/name\",\"value\":\"felix\"}]'"]
        );
    }
}
