//! Which Prometheus object is meant.

use crate::crds::objects::{Name, Objects};
use std::collections::{BTreeMap, BTreeSet};
use tortie_cluster::watch::MissingRight;

/// Why nothing can be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The API server cannot be reached or read.
    #[error("the cluster cannot be read: {0}")]
    Cluster(String),
    /// Rights are missing without which nothing can be followed.
    #[error("the cluster does not let itself be read:\n{}", missing_rights(.0))]
    Rights(Vec<MissingRight>),
    /// There is no such kind.
    #[error(
        "this cluster has no Prometheus objects: the kind Prometheus of monitoring.coreos.com is not served\nhint: without prometheus-operator's kinds use `tortie run` with a configuration file"
    )]
    NoKind,
    /// There is none of it, or not the one that was named, or several.
    #[error("{0}")]
    Which(String),
}

/// Which rights are missing, a line each, and the rules that give them.
pub fn missing_rights(missing: &[MissingRight]) -> String {
    let mut lines = BTreeSet::new();
    let mut rules = BTreeMap::<&str, BTreeSet<&str>>::new();
    for right in missing {
        let place = right
            .namespace
            .as_deref()
            .map_or("in all namespaces".to_owned(), |n| format!("in namespace {n}"));
        lines.insert(format!("  no right to {} {} {place}", right.verb, right.resource));
        let (plural, group) = right.resource.split_once('.').unwrap_or((&right.resource, ""));
        rules.entry(group).or_default().insert(plural);
    }
    let user = missing.iter().map(|r| r.user.as_str()).find(|u| !u.is_empty()).unwrap_or("its account");
    let mut text = lines.into_iter().collect::<Vec<_>>().join("\n");
    text += &format!(
        "\nhint: {user} needs a ClusterRole with these rules, bound by a ClusterRoleBinding (all of it: tortie rbac run | kubectl apply -f -)"
    );
    for (group, plurals) in rules {
        let plurals = plurals.into_iter().map(|p| format!("{p:?}")).collect::<Vec<_>>().join(", ");
        text += &format!(
            "\n  - {{apiGroups: [{group:?}], resources: [{plurals}], verbs: [\"get\", \"list\", \"watch\"]}}"
        );
    }
    text
}

/// The object that was named, or the only one.
pub(super) fn choose(objects: &Objects, named: Option<&str>) -> Result<Name, StartError> {
    let all: Vec<String> = objects.prometheuses.values().map(|p| p.meta.key()).collect();
    let list = || all.iter().map(|k| format!("\n  {k}")).collect::<String>();
    let which = |text: String| Err(StartError::Which(text));
    if let Some(named) = named {
        let Some((namespace, name)) = named.split_once('/') else {
            return which(format!("--prometheus={named}: not NAMESPACE/NAME; there are:{}", list()));
        };
        let name = (namespace.to_owned(), name.to_owned());
        if objects.prometheuses.contains_key(&name) {
            return Ok(name);
        }
        return which(match all.is_empty() {
            true => format!("there is no Prometheus {named}, and no other one"),
            false => format!("there is no Prometheus {named}; there are:{}", list()),
        });
    }
    let mut names = objects.prometheuses.keys();
    match (names.next(), names.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => which(
            "there is no Prometheus object in this cluster\nhint: kubectl get prometheuses -A".to_owned(),
        ),
        _ => which(format!(
            "there are {} Prometheus objects:{}\nhint: choose one with --prometheus=NAMESPACE/NAME",
            all.len(),
            list()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(names: &[&str], named: Option<&str>, expect: Result<&str, &str>) {
        let mut objects = Objects::default();
        for n in names {
            let (ns, n) = n.split_once('/').unwrap();
            objects.insert(&json!({"kind": "Prometheus", "metadata": {"namespace": ns, "name": n}})).unwrap();
        }
        match (choose(&objects, named), expect) {
            (Ok((ns, n)), Ok(expect)) => assert_eq!(format!("{ns}/{n}"), expect),
            (Err(e), Err(part)) => assert!(e.to_string().contains(part), "{e}"),
            (got, _) => panic!("{got:?}"),
        }
    }

    #[test]
    fn missing_rights_are_named_with_the_rule_that_gives_them() {
        let right = |resource: &str| MissingRight {
            verb: "list".to_owned(),
            resource: resource.to_owned(),
            namespace: None,
            user: "system:serviceaccount:m:tortie".to_owned(),
        };
        let all = ["servicemonitors.monitoring.coreos.com", "probes.monitoring.coreos.com", "namespaces"]
            .map(right);
        let want = "the cluster does not let itself be read:\
                    \n  no right to list namespaces in all namespaces\
                    \n  no right to list probes.monitoring.coreos.com in all namespaces\
                    \n  no right to list servicemonitors.monitoring.coreos.com in all namespaces\
                    \nhint: system:serviceaccount:m:tortie needs a ClusterRole with these rules, bound by a ClusterRoleBinding \
                    (all of it: tortie rbac run | kubectl apply -f -)\
                    \n  - {apiGroups: [\"\"], resources: [\"namespaces\"], verbs: [\"get\", \"list\", \"watch\"]}\
                    \n  - {apiGroups: [\"monitoring.coreos.com\"], resources: [\"probes\", \"servicemonitors\"], verbs: [\"get\", \"list\", \"watch\"]}";
        assert_eq!(StartError::Rights(all.into()).to_string(), want);
    }

    #[test]
    fn the_only_one_or_the_named_one() {
        check(&["a/x"], None, Ok("a/x"));
        check(&["a/x", "b/y"], Some("b/y"), Ok("b/y"));
        check(&["a/x", "b/y"], None, Err("there are 2 Prometheus objects:\n  a/x\n  b/y\nhint: choose one"));
        check(&[], None, Err("there is no Prometheus object"));
        check(&["a/x"], Some("a/z"), Err("there is no Prometheus a/z; there are:\n  a/x"));
        check(&["a/x"], Some("x"), Err("not NAMESPACE/NAME"));
    }
}
