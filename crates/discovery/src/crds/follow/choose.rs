//! Which Prometheus object is meant.

use crate::crds::objects::{Name, Objects};

/// Why nothing can be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The API server cannot be reached or read.
    #[error("the cluster cannot be read: {0}")]
    Cluster(String),
    /// There is no such kind.
    #[error(
        "this cluster has no Prometheus objects: the kind Prometheus of monitoring.coreos.com is not served\nhint: without prometheus-operator's kinds use `tortie run` with a configuration file"
    )]
    NoKind,
    /// There is none of it, or not the one that was named, or several.
    #[error("{0}")]
    Which(String),
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
    fn the_only_one_or_the_named_one() {
        check(&["a/x"], None, Ok("a/x"));
        check(&["a/x", "b/y"], Some("b/y"), Ok("b/y"));
        check(&["a/x", "b/y"], None, Err("there are 2 Prometheus objects:\n  a/x\n  b/y\nhint: choose one"));
        check(&[], None, Err("there is no Prometheus object"));
        check(&["a/x"], Some("a/z"), Err("there is no Prometheus a/z; there are:\n  a/x"));
        check(&["a/x"], Some("x"), Err("not NAMESPACE/NAME"));
    }
}
