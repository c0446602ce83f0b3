//! # The targets of the component are up
//!
//! **Looks at** the targets that are down and at the text of their last error, which says what kind of break it is.
//!
//! **Why it breaks silently.** It does not, for whoever has an alert on `up == 0`. But the error's text alone rarely says
//! which setting is wrong: *connection refused* is the same for metrics that are off, a bind to 127.0.0.1 and a port that
//! another process took.
//!
//! **How to mend.** The report names the setting, Service or policy that explains the error when it can be seen. Otherwise:
//!
//! | error | means |
//! | --- | --- |
//! | connection refused | nothing listens there: metrics off, another port, bound to 127.0.0.1 |
//! | context deadline exceeded, i/o timeout | dropped on the way (policy, firewall), or a slow process |
//! | no route to host | rejected on the way |
//! | HTTP status 400, malformed HTTP response | one side speaks TLS, the other does not |
//! | HTTP status 401, 403 | somebody asks for credentials |
//! | HTTP status 404 | wrong path, or another process on that port |
//! | x509 | the certificate's name, issuer or age |

use crate::component::Component;
use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::last_error::{Class, bare};
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::facts::Facts;
use crate::facts::samples::host_port;
use crate::snapshot::Target;
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    id: "T705",
    slug: "target-down",
    title: "the targets of the component are up",
    station: Station::Targets,
    level: Level::Fail,
    needs: &[
        "T702", "T202", "T203", "T204", "T205", "T206", "T207", "T209", "T210", "T211", "T212", "T213",
        "T301", "T302", "T303", "T304", "T305", "T307", "T308", "T309", "T403", "T511", "T706",
    ],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.installed().flat_map(|component| of(facts, component)).collect()
}

fn of(facts: &Facts<'_>, component: Component) -> Vec<Judged> {
    if let Some(judged) = unasked(facts, Entity::of(component)) {
        return vec![judged];
    }
    let targets = facts.targets(component);
    if targets.is_empty() {
        return Vec::new();
    }
    // One entry an address: replicas see the same targets.
    let mut down: BTreeMap<Class, BTreeMap<&str, &Target>> = BTreeMap::new();
    let mut all: BTreeMap<&str, bool> = BTreeMap::new();
    for (_, target) in &targets {
        *all.entry(target.url.as_str()).or_default() |= target.health == "up";
        if target.health == "down" {
            down.entry(Class::of(&target.last_error)).or_default().insert(&target.url, target);
        }
    }
    let mut out = Vec::new();
    for (class, targets) in &down {
        // T706 speaks of limits.
        if *class == Class::Limit {
            continue;
        }
        let finding = finding(component, *class, targets, all.len());
        for url in targets.keys() {
            let entity = match node_of(facts, component, url) {
                Some(node) => Entity::of(component).on(node),
                None => Entity::of(component),
            };
            out.push(Judged::fail(entity, finding.clone()));
        }
    }
    if down.is_empty() {
        let up = all.values().filter(|up| **up).count();
        out.push(Judged::pass_with(Entity::of(component), format!("{up}/{}", all.len())));
    }
    out
}

fn node_of(facts: &Facts<'_>, component: Component, url: &str) -> Option<String> {
    let host = host_port(url).0;
    let pods = &facts.workloads.get(&component)?.pods;
    let pod = pods.iter().find(|p| p.ips.iter().any(|ip| ip == host))?;
    // Felix is one a node; of the others the node says nothing that the component does not.
    (component == Component::Felix && !pod.node.is_empty()).then(|| pod.node.clone())
}

fn finding(component: Component, class: Class, targets: &BTreeMap<&str, &Target>, all: usize) -> Finding {
    let title = format!("{} of {all} targets of {} {}", targets.len(), component.title(), class.meaning());
    let mut finding = Finding::new(title).confidence(Confidence::Observed);
    for (url, target) in targets.iter().take(3) {
        finding = finding.row(*url, bare(&target.last_error, url), "");
    }
    if targets.len() > 3 {
        finding =
            finding.row("", format!("and {} like these", counted(targets.len() - 3, "more target")), "");
    }
    finding.cause.path = format!("targets of {component}");
    finding.cause.have = class.as_str().to_owned();
    finding.fix(Fix::Outside(class.next().to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, judged, running};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(url: &str, error: &str, expect: &[&str]) {
        let mut snap = running(&Options::default(), |_| {});
        for target in snap.collectors[0].targets.iter_mut().filter(|t| t.url.contains(url)) {
            target.health = "down".to_owned();
            target.last_error = error.to_owned();
        }
        let mut got = findings("T705", &snap);
        got.dedup();
        assert_eq!(got, expect, "{url}");
    }

    #[test]
    fn errors_are_told_by_class() {
        check("nowhere", "", &[]);
        check(
            "10.99.1.2:9091",
            "Get \"http://10.99.1.2:9091/metrics\": dial tcp 10.99.1.2:9091: connect: connection refused",
            &[
                "fail felix node/n2: 1 of 3 targets of Felix refuse the connection: nothing listens on that port",
            ],
        );
        check(
            ":9094",
            "context deadline exceeded",
            &["fail kube-controllers: 1 of 1 targets of kube-controllers do not answer in time"],
        );
        check(":9094", "sample limit exceeded", &[]);
    }

    #[test]
    fn it_says_what_to_look_at() {
        let mut snap = running(&Options::default(), |_| {});
        snap.collectors[0].targets.iter_mut().for_each(|t| t.health = "down".to_owned());
        let fixes = judged("T705", &snap).into_iter().filter_map(|j| j.finding?.fix).count();
        assert_eq!(fixes, snap.collectors[0].targets.len());
    }
}
