//! # The monitor asks for the right path by the right scheme
//!
//! **Looks at** `path` and `scheme` of the monitor's endpoint. Calico's components serve `/metrics`, by plain HTTP unless
//! certificates are set.
//!
//! **Why it breaks.** A wrong path gives 404 on every target, `https` towards a plain port a TLS error: `up` is 0 with a
//! message that does not name the monitor.
//!
//! **How to mend.** Take the field away: the defaults, `/metrics` and `http`, are right. When the component speaks TLS and the
//! monitor does not, T207 says so.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::branch::Reach;
use crate::facts::monitors::{Kind, Monitor};
use serde_json::Value;

pub(crate) static CHECK: Check = Check {
    id: "T511",
    slug: "path-scheme",
    title: "the monitor asks for the right path by the right scheme",
    station: Station::Monitor,
    level: Level::Fail,
    needs: &["T505", "T207"],
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
    let monitor = facts.monitor(branch);
    if !matches!(branch.reach, Reach::Metrics(_)) || monitor.kind == Kind::ScrapeConfig {
        return None;
    }
    let path = monitor.text("path");
    if !path.is_empty() && path.trim_start_matches('/') != "metrics" {
        let title = format!("the monitor asks for {path}; {} serves /metrics", component.title());
        return Some(Judged::fail(entity, finding(facts, monitor, "path", title)));
    }
    // The other way round, plain HTTP towards TLS, is T207's.
    let tls = facts.settings.of_component(component).is_some_and(|e| e.tls);
    if monitor.text("scheme").eq_ignore_ascii_case("https") && !tls {
        let title = format!("the monitor asks by https; {} speaks plain http", component.title());
        return Some(Judged::fail(entity, finding(facts, monitor, "scheme", title)));
    }
    Some(Judged::pass(entity))
}

fn finding(facts: &Facts<'_>, monitor: &Monitor<'_>, field: &str, title: String) -> Finding {
    Finding::new(title)
        .cause(monitor.object, &monitor.pointer(field))
        .heading(monitor.object.reference().to_string())
        .row(monitor.label(field), monitor.text(field), "")
        .fix(mend_link::endpoint(facts, monitor, field, Value::Null, Auto::Yes))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(field: &str, value: Value, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-felix"), &format!("/spec/endpoints/0/{field}"), value);
        });
        assert_eq!(findings("T511", &snap), expect, "{field}");
    }

    #[test]
    fn defaults_are_right() {
        check("path", json!("/metrics"), &[]);
        check("path", Value::Null, &[]);
        check("scheme", json!("http"), &[]);
        check("path", json!("/metric"), &["fail felix: the monitor asks for /metric; Felix serves /metrics"]);
        check("scheme", json!("HTTPS"), &["fail felix: the monitor asks by https; Felix speaks plain http"]);
    }

    #[test]
    fn the_command_takes_the_field_away() {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-felix"), "/spec/endpoints/0/path", json!("/metric"));
        });
        assert_eq!(
            mends("T511", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-felix --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/endpoints/0/path\",\"value\":\"/metric\"},\
              {\"op\":\"remove\",\"path\":\"/spec/endpoints/0/path\"}]'"
            ]
        );
    }
}
