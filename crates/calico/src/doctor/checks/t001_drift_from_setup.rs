//! # What setup wrote is still there
//!
//! **Looks at** the journal of `tortie setup` and at the fields and objects it names.
//!
//! **Why it breaks silently.** FelixConfiguration, Installation and the monitors have many writers: an upgrade, a GitOps
//! sync or a colleague's `kubectl apply` puts an older value back, and nothing says that the metrics went off with it.
//!
//! **How to mend.** Look at who changed it. When it was a mistake, the command brings the value back that setup wrote. When
//! it was meant, `tortie setup undo` forgets the field. A manager that changes it again and again has to be told at its
//! source (Git, Helm values).

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::{Finding, written};
use crate::doctor::fix::Auto;
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::ownership::writers;
use crate::snapshot::Written;
use serde_json::Value;

pub(crate) static CHECK: Check = Check {
    id: "T001",
    slug: "drift-from-setup",
    title: "what setup wrote is still there",
    station: Station::Access,
    level: Level::Warn,
    needs: &["T101"],
    evidence: &[Evidence::Objects, Evidence::Managers],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let Some(journal) = &facts.snap.setup else {
        return vec![Judged::skipped(Entity::cluster(), "the journal of setup is not in this source")];
    };
    let drifted: Vec<Judged> = journal.fields.iter().filter_map(|w| drift(facts, w)).collect();
    if drifted.is_empty() { vec![Judged::pass(Entity::cluster())] } else { drifted }
}

fn drift(facts: &Facts<'_>, wrote: &Written) -> Option<Judged> {
    let wanted = &wrote.object;
    let object = facts.snap.objects.iter().find(|o| {
        o.gvk.is(&wanted.gvk.group, &wanted.gvk.kind)
            && o.meta.name == wanted.name
            && o.meta.namespace == wanted.namespace
    });
    // A kind that could not be listed is no drift.
    let object = object?;
    let now = object.at(&wrote.pointer).unwrap_or(&Value::Null);
    if *now == wrote.value {
        return None;
    }
    let by = writers(&object.meta, &wrote.pointer);
    let by = by.first().map_or("somebody whom the API server did not record", |m| m.manager.as_str());
    let field = written(&wrote.pointer);
    let title = format!("{field} was set by setup and is changed by {by}");
    let finding = Finding::new(title)
        .cause(object, &wrote.pointer)
        .heading(wanted.to_string())
        .row("set by setup to", wrote.value.to_string(), "")
        .row("is now", if now.is_null() { "absent".to_owned() } else { now.to_string() }, format!("by {by}"))
        // Setup itself would leave a chain alone that holds with the other value too.
        .fix(mend::set(facts, object, &wrote.pointer, wrote.value.clone(), Auto::Ask));
    Some(Judged::warn(Entity::cluster().item(wanted.to_string()), finding))
}

#[cfg(test)]
mod tests {
    use crate::snapshot::{Journal, Written};
    use crate::testing::{findings, mends, snapshot};
    use serde_json::{Value, json};
    use tortie_cluster::object::{Gvk, ObjectRef};
    use tortie_sim::installs::Options;

    fn after(wrote: Value) -> crate::snapshot::Snapshot {
        let mut snap = snapshot(&Options::default(), |_| {});
        let object = ObjectRef::new(Gvk::new("projectcalico.org", "v3", "FelixConfiguration"), "", "default");
        let field = Written { object, pointer: "/spec/prometheusMetricsEnabled".into(), value: wrote, at: 0 };
        snap.setup = Some(Journal { fields: vec![field], objects: Vec::new() });
        snap
    }

    #[track_caller]
    fn check(wrote: Value, expect: &[&str]) {
        assert_eq!(findings("T001", &after(wrote)), expect);
    }

    #[test]
    fn a_changed_field_names_its_last_writer() {
        check(json!(true), &[]);
        check(
            json!(false),
            &[
                "warn FelixConfiguration default: spec.prometheusMetricsEnabled was set by setup and is changed by kubectl-patch",
            ],
        );
    }

    #[test]
    fn the_value_of_setup_is_brought_back() {
        assert_eq!(
            mends("T001", &after(json!(false))),
            ["kubectl --context=test patch felixconfigurations.v3.projectcalico.org default --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/prometheusMetricsEnabled\",\"value\":true},\
              {\"op\":\"replace\",\"path\":\"/spec/prometheusMetricsEnabled\",\"value\":false}]'"]
        );
    }
}
