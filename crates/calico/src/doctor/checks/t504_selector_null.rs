//! # The selector of monitors is set
//!
//! **Looks at** the selector for this kind of monitor in the Prometheus object.
//!
//! **Why it breaks silently.** A selector that is absent (null) selects nothing; an empty one (`{}`) selects everything. A
//! Prometheus object written by hand often has a `serviceMonitorSelector` and no `podMonitorSelector`, and its PodMonitors
//! are never looked at.
//!
//! **How to mend.** Set it: `{}` for all, or the labels that your monitors have.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::{Finding, written};
use crate::doctor::fix::Auto;
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use serde_json::json;
use tortie_cluster::object::Selector;

pub(crate) static CHECK: Check = Check {
    id: "T504",
    slug: "selector-null",
    title: "the selector of monitors is set",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T602", "T604"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branch = facts.best(component)?;
    let prometheus = facts.prometheus(branch)?;
    let entity = Entity::of(component).in_prometheus(prometheus.name.clone());
    if !branch.taken.as_ref()?.selector_null {
        return Some(Judged::pass(entity));
    }
    // With all four null the operator writes nothing at all: T604 speaks.
    if prometheus.unmanaged() {
        return None;
    }
    let pointer = facts.monitor(branch).selected_as().selector();
    let name = written(pointer).trim_start_matches("spec.").to_owned();
    let malformed = prometheus.object.at(pointer).and_then(|v| Selector::parse(v).err());
    let title = match &malformed {
        Some(error) => format!("{name} of {} cannot be read: {error}", prometheus.object.reference()),
        None => format!(
            "{name} of {} is not set, which selects nothing ({{}} would select all)",
            prometheus.object.reference()
        ),
    };
    let finding = Finding::new(title)
        .cause(prometheus.object, pointer)
        .row(prometheus.object.reference().to_string(), "", "")
        .row(name, if malformed.is_some() { "malformed" } else { "(not set)" }, "")
        .row(facts.monitor(branch).object.reference().to_string(), "", "not taken")
        .fix(mend::set(facts, prometheus.object, pointer, json!({}), Auto::Ask));
    Some(Judged::fail(entity, finding))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    const NAME: &str = "prometheus-kube-prometheus-prometheus";

    fn unset(o: &mut Objects, selector: Value) {
        let prometheus = o.get("Prometheus", NAME);
        set(prometheus, "/spec/serviceMonitorSelector", selector);
        set(prometheus, "/metadata/labels", json!({}));
    }

    #[track_caller]
    fn check(selector: Value, expect: Option<&str>) {
        let snap = snapshot(&Options::default(), |o| unset(o, selector));
        let got = findings("T504", &snap);
        let first = got.first().map(|f| f.split_once(": ").map_or("", |x| x.1));
        assert_eq!(first, expect);
    }

    #[test]
    fn null_selects_nothing_and_empty_all() {
        check(json!({}), None);
        check(
            Value::Null,
            Some(
                "serviceMonitorSelector of Prometheus monitoring/prometheus-kube-prometheus-prometheus is not set, which selects \
                 nothing ({} would select all)",
            ),
        );
    }

    #[test]
    fn the_command_sets_the_empty_one() {
        let snap = snapshot(&Options::default(), |o| unset(o, Value::Null));
        assert_eq!(
            mends("T504", &snap)[0],
            format!(
                "kubectl --context=test -n monitoring patch prometheuses.v1.monitoring.coreos.com {NAME} --type=merge -p \
                 '{{\"spec\":{{\"serviceMonitorSelector\":{{}}}}}}'"
            )
        );
    }
}
