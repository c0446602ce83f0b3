//! A tortie in the cluster that finds Calico's components by itself (`run --calico`): it needs the settings, and to be let
//! through. Services and monitors are for others.

use crate::facts::Facts;
use crate::facts::policies::End;
use serde_json::Value;
use std::collections::BTreeMap;

/// One such tortie.
pub(super) struct Alone<'a> {
    /// Namespace of its pods.
    pub(super) namespace: &'a str,
    /// Name of its workload.
    pub(super) name: &'a str,
    labels: BTreeMap<String, String>,
    account: String,
}

/// The label by which a policy knows its pods; `deploy` sets it.
pub(super) const LABEL: (&str, &str) = ("app.kubernetes.io/name", "tortie");

/// All of them.
pub(super) fn of<'a>(facts: &'a Facts<'_>) -> Vec<Alone<'a>> {
    let sets = facts.snap.of("apps", "StatefulSet").chain(facts.snap.of("apps", "Deployment"));
    let found = sets.filter_map(|o| {
        let says = |word: &str| {
            let words = |c: &Value| {
                let args = ["command", "args"].iter().filter_map(|k| c.get(*k)?.as_array()).flatten();
                args.filter_map(Value::as_str).any(|a| a == word)
            };
            o.list("/spec/template/spec/containers").iter().any(words)
        };
        let labels = o.at("/spec/template/metadata/labels")?.as_object()?;
        let labels: BTreeMap<String, String> =
            labels.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect();
        let own = labels.get(LABEL.0).is_some_and(|v| v == LABEL.1) && says("run") && says("--calico");
        own.then(|| Alone {
            namespace: &o.meta.namespace,
            name: &o.meta.name,
            labels,
            account: o.text("/spec/template/spec/serviceAccountName").unwrap_or_default().to_owned(),
        })
    });
    found.collect()
}

impl Alone<'_> {
    /// As the sending end of a scrape.
    pub(super) fn end(&self, facts: &Facts<'_>) -> End {
        End {
            namespace: self.namespace.to_owned(),
            namespace_labels: facts.snap.namespace_labels(self.namespace),
            labels: self.labels.clone(),
            account: self.account.clone(),
            selectable: true,
            profile_allows: true,
            ..End::default()
        }
    }
}
