//! # Objects of the chain that Git keeps
//!
//! **Looks at** the marks of Argo CD and Flux on Calico's settings and on the Services and monitors of the chain.
//!
//! **Why it matters.** A change by hand of such an object works, and is gone at the next sync: minutes later with self-heal,
//! days later without. The metrics then stop for no reason that anybody remembers.
//!
//! **How to mend.** Nothing is broken. Make changes in the repository; `tortie setup --export kustomize` writes them as
//! files.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::ownership::kept_by;
use std::sync::Arc;
use tortie_cluster::object::Object;

pub(crate) static CHECK: Check = Check {
    id: "T002",
    slug: "kept-by-gitops",
    title: "objects of the chain are changed where they are kept",
    station: Station::Access,
    level: Level::Info,
    needs: &["T101"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out = Vec::new();
    for object in chain_objects(facts) {
        let Some(keeper) = kept_by(&object.meta, facts.snap).filter(|k| k.is_gitops()) else { continue };
        let finding = Finding::new(format!("{} is kept by {keeper}", object.reference()))
            .cause(object, "/metadata/annotations")
            .row(object.reference().to_string(), keeper.to_string(), "")
            .fix(Fix::Outside(format!(
                "{}; tortie setup --export kustomize writes the files",
                keeper.where_to_change()
            )));
        out.push(Judged::info(Entity::cluster().item(object.reference().to_string()), finding));
    }
    if out.is_empty() {
        out.push(Judged::pass(Entity::cluster()));
    }
    out
}

/// Objects that decide about the chain and that people change: settings and monitors.
pub(crate) fn chain_objects<'a>(facts: &Facts<'a>) -> Vec<&'a Arc<Object>> {
    let settings = &facts.settings;
    let mut out: Vec<&'a Arc<Object>> = settings.installations.clone();
    out.extend(settings.felix_default);
    out.extend(settings.felix_overrides.iter().copied());
    out.extend(settings.kube_controllers_object);
    for monitor in &facts.monitors {
        if !out.iter().any(|o| Arc::ptr_eq(o, monitor.object)) {
            out.push(monitor.object);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, snapshot};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[track_caller]
    fn check(annotation: &str, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(
                o.get("Installation", "default"),
                &format!("/metadata/annotations/{annotation}"),
                json!("infra:x/y:a/b"),
            );
        });
        assert_eq!(findings("T002", &snap), expect, "{annotation}");
    }

    #[test]
    fn marks_of_argo_cd_are_seen() {
        check("note", &[]);
        check(
            "argocd.argoproj.io~1tracking-id",
            &["info Installation default: Installation default is kept by Argo CD's application infra"],
        );
    }

    #[test]
    fn it_is_mended_in_git() {
        let snap = snapshot(&Options::default(), |o| {
            let labels = json!({"kustomize.toolkit.fluxcd.io/name": "net", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
            set(o.get("FelixConfiguration", "default"), "/metadata/labels", labels);
        });
        assert_eq!(
            mends("T002", &snap),
            [
                "outside: change it in the repository of Flux' Kustomization flux-system/net; tortie setup --export kustomize writes the files"
            ]
        );
    }
}
