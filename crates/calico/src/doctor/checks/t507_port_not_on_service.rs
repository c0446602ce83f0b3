//! # The monitor asks for a port name that the Service does not have
//!
//! **Looks at** `endpoints[].port` of the ServiceMonitor and at the names of the ports of the Service that it selects.
//!
//! **Why it breaks silently.** `port` is a name, not a number. prometheus-operator makes a rule of it that keeps only
//! targets whose port has that name; when none has, the scrape pool stays empty. No object shows an error, the monitor
//! looks accepted, and Prometheus' page of targets shows `0 / 0 up` or nothing.
//!
//! The usual ways into it: Tigera's operator calls the port of kube-controllers' Service `metrics-port`, while most
//! write-ups ask for `kube-controllers-metrics`; and a Service of the operator's replaced one's own of the same name.
//!
//! **How to mend.** Put the Service's port name into the monitor. Do not rename the port of a Service that an operator
//! keeps: it puts its own name back.
//!
//! **To reproduce:** `tortie demo break port-name`.

use crate::doctor::check::{Check, Evidence, Judged, Station, each_named_port};
use crate::doctor::checks::t407_operator_owns_this_name::taken_over;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend_link;
use crate::doctor::nearest::{Choice, rank};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::{Branch, Reach};
use crate::facts::service_link::ServiceLink;
use crate::facts::services::MetricsService;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T507",
    slug: "port-not-on-service",
    title: "the monitor's port is on the Service",
    station: Station::Monitor,
    level: Level::Fail,
    needs: &["T505"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_named_port(facts, |facts, branch, wanted| {
        let link = facts.service_link(branch.component);
        let index = match &branch.reach {
            Reach::NoPort(services) => *services.first()?,
            // It names another port of the very Service that has the metrics.
            Reach::OtherPort(i, _) if link == ServiceLink::Whole(*i) => *i,
            _ => return None,
        };
        // A number in quotes is T508's, a Service that the operator took over T407's, a port without a name T404's.
        let unnamed = matches!(link, ServiceLink::Unnamed(..));
        if wanted.bytes().all(|b| b.is_ascii_digit()) || taken_over(facts, branch).is_some() || unnamed {
            return None;
        }
        let service = facts.services(branch.component).get(index)?;
        Some(finding(facts, branch, service, wanted))
    })
}

fn finding(facts: &Facts<'_>, branch: &Branch, service: &MetricsService<'_>, wanted: &str) -> Finding {
    let monitor = facts.monitor(branch);
    let pointer = monitor.pointer("port");
    let choices: Vec<Choice<'_>> = service
        .service
        .ports
        .iter()
        .enumerate()
        .filter(|(_, p)| p.name != wanted)
        .map(|(i, p)| Choice {
            value: &p.name,
            fact: (service.metrics_port == Some(i)).then_some("the port that ends at the metrics"),
        })
        .collect();
    let candidates = rank(wanted, &choices, "port");
    let kept = if service.by_operator { "kept by Tigera's operator" } else { "" };
    let title = match &branch.reach {
        Reach::OtherPort(..) => {
            format!("the monitor asks for the port {wanted}, which does not end at the metrics")
        }
        _ => "the monitor asks for a port name that the Service does not have".to_owned(),
    };
    let mut finding = Finding::new(title)
        .cause(monitor.object, &pointer)
        .heading(monitor.object.reference().to_string())
        .row(format!("endpoints[{}].port", monitor.index), wanted, "")
        .row(service.reference().to_string(), "", kept);
    for (i, port) in service.service.ports.iter().enumerate() {
        let label = if i == 0 { "ports" } else { "" };
        let why = candidates.iter().find(|c| c.value == port.name).map(|c| c.why.clone()).unwrap_or_default();
        finding = finding.row(label, format!("{}  {}", port.name, port.port), why);
    }
    if service.by_operator {
        finding = finding.warning("do not rename the Service's port: the operator puts it back");
    }
    if let Some(best) = candidates.iter().find(|c| c.sure && !c.value.is_empty()) {
        finding = finding.fix(mend_link::endpoint(facts, monitor, "port", json!(best.value), Auto::Yes));
    }
    finding.candidates(candidates)
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, judged, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(port: &str, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-kube-controllers"), "/spec/endpoints/0/port", json!(port));
        });
        assert_eq!(findings("T507", &snap), expect, "{port}");
    }

    #[test]
    fn the_port_must_be_a_name_of_the_service() {
        check("metrics-port", &[]);
        check("metrics-.*", &[]);
        check(
            "kube-controllers-metrics",
            &["fail kube-controllers: the monitor asks for a port name that the Service does not have"],
        );
    }

    #[test]
    fn the_command_tests_the_old_value_and_names_the_only_port() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-kube-controllers"), "/spec/endpoints/0/port", json!("x"));
        });
        let finding = judged("T507", &snap).into_iter().find_map(|j| j.finding).expect("a finding");
        let crate::doctor::fix::Fix::Commands { commands, .. } = finding.fix.expect("a fix") else {
            panic!("no command")
        };
        assert_eq!(
            commands[0].to_string(),
            "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-kube-controllers --type=json -p \
             '[{\"op\":\"test\",\"path\":\"/spec/endpoints/0/port\",\"value\":\"x\"},\
             {\"op\":\"replace\",\"path\":\"/spec/endpoints/0/port\",\"value\":\"metrics-port\"}]'"
        );
    }
}
