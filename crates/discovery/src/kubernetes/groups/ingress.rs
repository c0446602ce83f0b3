//! Role `ingress`.

use super::labels::{ADDRESS, Set, attach_namespace, object_meta};
use super::{Around, AttachMetadata};
use crate::TargetGroup;
use tortie_cluster::watch::{Ingress, IngressRule};

/// Prometheus' name of the group of an Ingress.
pub fn ingress_source(key: &str) -> String {
    format!("ingress/{key}")
}

/// The paths of each host of an Ingress.
pub fn ingress(ingress: &Ingress, around: &dyn Around, attach: AttachMetadata) -> TargetGroup {
    let meta = &ingress.meta;
    let mut group = Set::new();
    group.meta("namespace", &*meta.namespace);
    if let Some(class) = &ingress.class {
        group.meta("ingress_class_name", &**class);
    }
    object_meta(&mut group, "ingress", meta);
    attach_namespace(&mut group, around, attach, &meta.namespace);
    let mut targets = Vec::new();
    for rule in &ingress.rules {
        let tls = ingress.tls_hosts.iter().any(|pattern| covers(pattern, &rule.host));
        for path in paths(rule) {
            let mut target = Set::new();
            target.put(ADDRESS, &*rule.host);
            target.meta("ingress_scheme", if tls { "https" } else { "http" });
            target.meta("ingress_host", &*rule.host);
            target.meta("ingress_path", path);
            targets.push(target.labels());
        }
    }
    let source = ingress_source(&format!("{}/{}", meta.namespace, meta.name));
    TargetGroup { source, labels: group.labels(), targets }
}

/// The paths of a rule; a rule without a section `http` has the root.
fn paths(rule: &IngressRule) -> Vec<&str> {
    match &rule.paths {
        None => vec!["/"],
        Some(paths) => paths.iter().map(|p| if p.is_empty() { "/" } else { &**p }).collect(),
    }
}

/// Whether a name of a certificate is that of a host; `*` stands for a first part.
fn covers(pattern: &str, host: &str) -> bool {
    if pattern == host {
        return true;
    }
    let (Some(("*", rest)), Some((_, tail))) = (pattern.split_once('.'), host.split_once('.')) else {
        return pattern == "*" && !host.contains('.');
    };
    rest == tail
}
