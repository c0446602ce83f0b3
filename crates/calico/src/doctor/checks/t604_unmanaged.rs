//! # The operator writes the configuration
//!
//! **Looks at** the four selectors of monitors in the Prometheus object.
//!
//! **Why it breaks silently.** When `serviceMonitorSelector`, `podMonitorSelector`, `probeSelector` and `scrapeConfigSelector`
//! are all absent, prometheus-operator takes the object for one that somebody configures by hand: it makes an empty Secret
//! and keeps away from it. Monitors are never read. It is what a minimal Prometheus object looks like.
//!
//! **How to mend.** Set at least the selector of the monitors that you have; `{}` selects all.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T604",
    slug: "unmanaged",
    title: "the operator writes the configuration",
    station: Station::Selected,
    level: Level::Fail,
    needs: &["T602"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let judged = facts.reading().into_iter().map(|prometheus| {
        let entity = Entity::prometheus(prometheus.name.clone());
        if !prometheus.unmanaged() {
            return Judged::pass(entity);
        }
        let object = prometheus.object;
        let title = format!(
            "{} selects no monitors of any kind, so the operator writes no configuration for it",
            object.reference()
        );
        let mut finding = Finding::new(title).cause(object, "/spec/serviceMonitorSelector").row(
            object.reference().to_string(),
            "",
            "",
        );
        for name in ["serviceMonitorSelector", "podMonitorSelector", "probeSelector", "scrapeConfigSelector"]
        {
            finding = finding.row(name, "(not set)", "");
        }
        let fix = mend::set(facts, object, "/spec/serviceMonitorSelector", json!({}), Auto::Ask);
        Judged::fail(
            entity,
            finding.fix(fix).warning("a configuration that was put into its Secret by hand is then replaced"),
        )
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, roots, snapshot};
    use serde_json::{Value, json};
    use tortie_sim::installs::{Objects, Options, set};

    const NAME: &str = "prometheus-kube-prometheus-prometheus";

    fn unset(o: &mut Objects, keep: &str) {
        let prometheus = o.get("Prometheus", NAME);
        set(prometheus, "/metadata/labels", json!({}));
        for name in ["serviceMonitor", "podMonitor", "probe", "scrapeConfig"] {
            if name != keep {
                set(prometheus, &format!("/spec/{name}Selector"), Value::Null);
            }
        }
    }

    #[track_caller]
    fn check(keep: &str, expect: usize) {
        let snap = snapshot(&Options::default(), |o| unset(o, keep));
        assert_eq!(findings("T604", &snap).len(), expect, "{keep}");
    }

    #[test]
    fn one_selector_is_enough_to_be_kept() {
        check("serviceMonitor", 0);
        check("probe", 0);
        check("", 1);
        assert_eq!(roots(&snapshot(&Options::default(), |o| unset(o, ""))), ["T604"]);
    }

    #[test]
    fn the_command_sets_one() {
        assert_eq!(
            mends("T604", &snapshot(&Options::default(), |o| unset(o, ""))),
            ["kubectl --context=test -n monitoring patch prometheuses.v1.monitoring.coreos.com \
              prometheus-kube-prometheus-prometheus --type=merge -p '{\"spec\":{\"serviceMonitorSelector\":{}}}'"]
        );
    }
}
