//! # Interval and timeout fit each other, and the look-back
//!
//! **Looks at** `interval` and `scrapeTimeout` of the monitor's endpoint, with the Prometheus object's as default.
//!
//! **Why it breaks silently.** A timeout longer than the interval makes prometheus-operator leave the monitor out, with an
//! event and no status. An interval of five minutes or more reaches Prometheus' look-back: between two scrapes every series
//! is gone for a moment, graphs have gaps, and alerts with a `for` never fire.
//!
//! **How to mend.** Take `scrapeTimeout` away (Prometheus then takes ten seconds, or the interval if that is shorter); scrape
//! at most every two minutes.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::verdict::Level;
use crate::doctor::{mend, mend_link};
use crate::facts::Facts;
use crate::facts::prometheus::seconds;
use serde_json::{Value, json};

pub(crate) static CHECK: Check = Check {
    id: "T512",
    slug: "interval",
    title: "interval and timeout fit each other, and the look-back",
    station: Station::Monitor,
    level: Level::Fail,
    needs: &["T501"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

/// Prometheus' default look-back, seconds.
const LOOK_BACK: f64 = 300.0;

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let entity = Entity::of(component);
    let branch = facts.best(component)?;
    let monitor = facts.monitor(branch);
    let prometheus = facts.prometheus(branch);
    let own = monitor.text("interval");
    let global = prometheus.and_then(|p| p.object.text("/spec/scrapeInterval")).unwrap_or("30s");
    let interval = if own.is_empty() { global } else { own };
    let every = seconds(interval)?;
    let timeout = monitor.text("scrapeTimeout");
    if seconds(timeout).is_some_and(|t| t > every) {
        let title = format!(
            "scrapeTimeout {timeout} is longer than the interval {interval}, so the operator leaves the monitor out"
        );
        let finding = Finding::new(title)
            .cause(monitor.object, &monitor.pointer("scrapeTimeout"))
            .heading(monitor.object.reference().to_string())
            .row(monitor.label("scrapeTimeout"), timeout, "")
            .row("interval", interval, if own.is_empty() { "of the Prometheus object" } else { "" })
            .fix(mend_link::endpoint(facts, monitor, "scrapeTimeout", Value::Null, Auto::Ask));
        return Some(Judged::fail(entity, finding));
    }
    let look_back = prometheus.and_then(|p| p.seconds("/spec/query/lookbackDelta")).unwrap_or(LOOK_BACK);
    if every < look_back {
        return Some(Judged::pass(entity));
    }
    let title = format!(
        "the interval {interval} is as long as Prometheus' look-back: series flicker between scrapes"
    );
    let finding = Finding::new(title);
    let finding = match prometheus.filter(|_| own.is_empty()) {
        Some(p) => finding.cause(p.object, "/spec/scrapeInterval").fix(mend::set(
            facts,
            p.object,
            "/spec/scrapeInterval",
            json!("30s"),
            Auto::Ask,
        )),
        None => finding.cause(monitor.object, &monitor.pointer("interval")).fix(mend_link::endpoint(
            facts,
            monitor,
            "interval",
            json!("30s"),
            Auto::Ask,
        )),
    };
    Some(Judged::warn(
        entity,
        finding.row("interval", interval, "").row("look-back", format!("{look_back} s"), ""),
    ))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(interval: Value, timeout: Value, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            let monitor = o.get("ServiceMonitor", "calico-felix");
            set(monitor, "/spec/endpoints/0/interval", interval);
            set(monitor, "/spec/endpoints/0/scrapeTimeout", timeout);
        });
        assert_eq!(findings("T512", &snap), expect);
    }

    #[test]
    fn timeout_interval_and_look_back_are_compared() {
        check(json!("15s"), json!("10s"), &[]);
        check(Value::Null, json!("30s"), &[]);
        check(
            json!("15s"),
            json!("30s"),
            &[
                "fail felix: scrapeTimeout 30s is longer than the interval 15s, so the operator leaves the monitor out",
            ],
        );
        check(
            json!("5m"),
            Value::Null,
            &[
                "warn felix: the interval 5m is as long as Prometheus' look-back: series flicker between scrapes",
            ],
        );
    }

    #[test]
    fn the_command_takes_the_timeout_away() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/scrapeTimeout", json!("30s"));
        });
        assert_eq!(
            mends("T512", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-felix --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/endpoints/0/scrapeTimeout\",\"value\":\"30s\"},\
              {\"op\":\"remove\",\"path\":\"/spec/endpoints/0/scrapeTimeout\"}]'"
            ]
        );
    }
}
