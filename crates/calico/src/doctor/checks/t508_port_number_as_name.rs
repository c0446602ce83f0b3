//! # The monitor names its port, and does not number it
//!
//! **Looks at** `endpoints[].port` of a monitor: is it made of digits alone?
//!
//! **Why it breaks silently.** `port` takes a name. The API server refuses a number without quotes, so people put quotes
//! around it; then it is a name that no port can have, since names of ports need a letter. The scrape pool stays empty.
//!
//! **How to mend.** Put the Service's port name there.

use crate::doctor::check::{Check, Evidence, Judged, Station, each_named_port};
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend_link;
use crate::doctor::nearest::{Choice, rank};
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::{Branch, Reach};
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T508",
    slug: "port-number-as-name",
    title: "the monitor names its port, and does not number it",
    station: Station::Monitor,
    level: Level::Fail,
    needs: &["T505"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_named_port(facts, finding)
}

fn finding(facts: &Facts<'_>, branch: &Branch, wanted: &str) -> Option<Finding> {
    let Reach::NoPort(services) = &branch.reach else { return None };
    if !wanted.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let monitor = facts.monitor(branch);
    let service = facts.services(branch.component).get(*services.first()?)?;
    let fact = |i: usize, number: u16| {
        if number.to_string() == *wanted {
            Some("same port number")
        } else {
            (service.metrics_port == Some(i)).then_some("the port that ends at the metrics")
        }
    };
    let choices: Vec<Choice<'_>> = service
        .service
        .ports
        .iter()
        .enumerate()
        .filter(|(_, p)| !p.name.is_empty())
        .map(|(i, p)| Choice { value: &p.name, fact: fact(i, p.port) })
        .collect();
    let candidates = rank(wanted, &choices, "port");
    let title = match candidates.iter().find(|c| c.sure) {
        Some(best) => format!("port: \"{wanted}\" is a name here; use {}", best.value),
        None => format!("port: \"{wanted}\" is a name here, and no port is called so"),
    };
    let kept = if service.by_operator { "kept by Tigera's operator" } else { "" };
    let mut finding = Finding::new(title)
        .cause(monitor.object, &monitor.pointer("port"))
        .heading(monitor.object.reference().to_string())
        .row(monitor.label("port"), format!("{wanted:?}"), "a name, not a number")
        .row(service.reference().to_string(), "", kept);
    for port in &service.service.ports {
        finding = finding.row("port", format!("{}  {}", port.name, port.port), "");
    }
    if let Some(best) = candidates.iter().find(|c| c.sure) {
        finding = finding.fix(mend_link::endpoint(facts, monitor, "port", json!(best.value), Auto::Yes));
    }
    Some(finding.candidates(candidates))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, roots, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(port: &str, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-kube-controllers"), "/spec/endpoints/0/port", json!(port));
        });
        assert_eq!(findings("T508", &snap), expect, "{port}");
        assert_eq!(roots(&snap), if expect.is_empty() { vec![] } else { vec!["T508"] });
    }

    #[test]
    fn digits_are_no_name() {
        check("metrics-port", &[]);
        check("9094", &["fail kube-controllers: port: \"9094\" is a name here; use metrics-port"]);
    }

    #[test]
    fn the_command_puts_the_name() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-kube-controllers"), "/spec/endpoints/0/port", json!("9094"));
        });
        assert_eq!(
            mends("T508", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-kube-controllers \
              --type=json -p '[{\"op\":\"test\",\"path\":\"/spec/endpoints/0/port\",\"value\":\"9094\"},\
              {\"op\":\"replace\",\"path\":\"/spec/endpoints/0/port\",\"value\":\"metrics-port\"}]'"
            ]
        );
    }
}
