//! # The Service ends at the port where the component listens
//!
//! **Looks at** `targetPort` of the Service made for the component's metrics and at the port on which the component listens
//! by its effective settings.
//!
//! **Why it breaks silently.** A Service takes any number. The target is found, scraped, and refused - or, worse, answered
//! by another process: on nodes with a Typha, Felix's default port may answer with Typha's metrics when both were set to
//! 9091, and `up` is 1. A `targetPort` by name needs a container that declares it; Calico's declare none for metrics.
//!
//! **How to mend.** Make `targetPort` the port of the settings. Which of the two is right is yours to say; the command
//! changes the Service, because Felix's setting concerns every node.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_service_port};
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, op_add, op_test};
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::service_link::ServiceLink;
use crate::facts::services::MetricsService;
use serde_json::json;
use tortie_cluster::object::Target;

pub(crate) static CHECK: Check = Check {
    id: "T403",
    slug: "target-port-wrong",
    title: "the Service ends at the port where the component listens",
    station: Station::Service,
    level: Level::Fail,
    needs: &["T401", "T203", "T209", "T211", "T213"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let wrong = |link: &ServiceLink| match link {
        ServiceLink::WrongTarget(index, at) => Some((*index, *at)),
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
    let listens = facts.settings.port(component);
    let sends = match &port.target {
        Target::Number(n) => n.to_string(),
        Target::Name(name) => format!("{name:?}, which no container declares"),
        Target::None => port.port.to_string(),
    };
    let pointer = format!("/spec/ports/{at}/targetPort");
    let title = format!("the Service sends to {sends}, {} listens on {listens}", component.title());
    let mut finding = Finding::new(title)
        .cause_ref(service.reference(), &format!("spec.ports[{at}].targetPort"), sends.clone())
        .heading(service.reference().to_string())
        .row(format!("ports[{at}].targetPort"), sends, "")
        .row(format!("{} listens on", component.title()), listens.to_string(), "by its effective settings");
    finding.cause.place = mend_link::place(service.service, &pointer);
    let number = format!("/spec/ports/{at}/port");
    let ops = vec![op_test(&number, &json!(port.port)), op_add(&pointer, &json!(listens))];
    if let Some(fix) = mend_link::service(facts, service, ops, &pointer, json!(listens), Auto::Ask) {
        finding = finding.fix(fix);
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(felix: u64, target: Value, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("FelixConfiguration", "default"), "/spec/prometheusMetricsPort", json!(felix));
            set(o.get("Service", "tortie-felix-metrics"), "/spec/ports/0/targetPort", target);
        });
        assert_eq!(findings("T403", &snap), expect);
    }

    #[test]
    fn the_service_ends_where_felix_listens() {
        check(9091, json!(9091), &[]);
        check(9099, json!(9099), &[]);
        check(9090, json!(9091), &["fail felix: the Service sends to 9091, Felix listens on 9090"]);
        check(
            9091,
            json!("metrics"),
            &[
                "fail felix: the Service sends to \"metrics\", which no container declares, Felix listens on 9091",
            ],
        );
    }

    #[test]
    fn the_command_names_the_port_of_the_settings() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("Service", "tortie-felix-metrics"), "/spec/ports/0/targetPort", json!(9090));
        });
        assert_eq!(
            mends("T403", &snap),
            ["kubectl --context=test -n calico-system patch services tortie-felix-metrics --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/ports/0/port\",\"value\":9091},\
              {\"op\":\"add\",\"path\":\"/spec/ports/0/targetPort\",\"value\":9091}]'"]
        );
    }
}
