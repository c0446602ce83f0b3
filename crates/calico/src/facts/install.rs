//! How Calico came into the cluster, where it lives, which version it is, and which API serves its settings.

use crate::component::Component;
use crate::snapshot::Snapshot;
use std::fmt;

/// A version of Calico, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3.
    pub major: u32,
    /// 32.
    pub minor: u32,
    /// 1.
    pub patch: u32,
}

impl Version {
    /// Reads `v3.29.7`, `3.32`, `v3.30.0-0.dev`.
    pub fn parse(text: &str) -> Option<Version> {
        let text = text.trim().trim_start_matches('v');
        let mut parts = text.split(['.', '-', '+']);
        let mut number = || parts.next().and_then(|p| p.parse::<u32>().ok());
        let (major, minor) = (number()?, number()?);
        Some(Version { major, minor, patch: number().unwrap_or(0) })
    }

    /// Whether it is `3.minor` or later.
    pub fn since(self, minor: u32) -> bool {
        (self.major, self.minor) >= (3, minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Who keeps Calico's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// Tigera's operator, from an Installation.
    Operator,
    /// Applied manifests.
    Manifest,
    /// Nothing of Calico was found.
    Nobody,
}

/// The install.
#[derive(Debug, Clone)]
pub struct Install {
    /// Who keeps it.
    pub keeper: Keeper,
    /// Whether the Installation itself is Helm's.
    pub by_helm: bool,
    /// Namespace of the pods; `calico-system` or `kube-system`, or what was found.
    pub namespace: String,
    /// The version, when it could be read.
    pub version: Option<Version>,
    /// `projectcalico.org/v3` or `crd.projectcalico.org/v1`: group and version through which settings are written.
    pub api: (String, String),
    /// Whether Calico keeps its settings in etcd, where kubectl cannot reach them.
    pub etcd: bool,
}

const SETTINGS: [&str; 2] = ["projectcalico.org", "crd.projectcalico.org"];

impl Install {
    /// Reads it off the snapshot.
    pub fn of(snap: &Snapshot) -> Install {
        let node = workload(snap, Component::Felix);
        let installation = snap.of("operator.tigera.io", "Installation").next();
        let kept = node.is_some_and(|o| o.meta.controller().is_some_and(|c| c.kind == "Installation"));
        let keeper = if installation.is_some() || kept {
            Keeper::Operator
        } else if node.is_some() || workload(snap, Component::KubeControllers).is_some() {
            Keeper::Manifest
        } else {
            Keeper::Nobody
        };
        let status = installation.and_then(|i| i.at("/status/calicoVersion")).and_then(|v| v.as_str());
        let image = node.and_then(|o| image_tag(&o.body)).or_else(|| {
            let pods = snap.pods.iter().filter(|p| is_pod_of(p, Component::Felix));
            pods.flat_map(|p| &p.containers).find_map(|c| tag_of(&c.image))
        });
        let version = status
            .and_then(Version::parse)
            .or_else(|| image.as_deref().and_then(Version::parse))
            .or_else(|| snap.assume.calico.as_deref().and_then(Version::parse));
        let namespace = node
            .map(|o| o.meta.namespace.clone())
            .or_else(|| {
                snap.pods.iter().find(|p| is_pod_of(p, Component::Felix)).map(|p| p.meta.namespace.clone())
            })
            .unwrap_or_else(|| {
                let operator =
                    keeper == Keeper::Operator || snap.assume.install.as_deref() == Some("operator");
                if operator { "calico-system" } else { "kube-system" }.to_owned()
            });
        Install {
            keeper,
            by_helm: installation.is_some_and(|i| {
                i.meta.labels.get("app.kubernetes.io/managed-by").is_some_and(|v| v == "Helm")
            }),
            namespace,
            version,
            api: api(snap),
            etcd: node.is_some_and(|o| o.body.to_string().contains("\"ETCD_ENDPOINTS\"")),
        }
    }

    /// Whether the version is known to be `3.minor` or later.
    pub fn since(&self, minor: u32) -> bool {
        self.version.is_some_and(|v| v.since(minor))
    }
}

/// The workload object of a component, wherever it is.
pub(crate) fn workload(
    snap: &Snapshot,
    component: Component,
) -> Option<&std::sync::Arc<tortie_cluster::object::Object>> {
    let kind = if component == Component::Felix { "DaemonSet" } else { "Deployment" };
    snap.of("apps", kind).find(|o| {
        let name = component.workloads().contains(&o.meta.name.as_str());
        let label = o.at("/spec/selector/matchLabels/k8s-app").and_then(|v| v.as_str());
        name || label.is_some_and(|l| component.apps().contains(&l))
    })
}

/// Whether a pod runs the component, by the label that every install sets.
pub(crate) fn is_pod_of(pod: &tortie_cluster::object::Pod, component: Component) -> bool {
    pod.meta.labels.get("k8s-app").is_some_and(|app| component.apps().contains(&app.as_str()))
}

fn api(snap: &Snapshot) -> (String, String) {
    let served =
        |group: &str| snap.served.iter().any(|s| s.starts_with(&format!("felixconfigurations.{group}/")));
    let seen = |group: &str| snap.of(group, "FelixConfiguration").next().is_some();
    let versions = ["v3", "v1"];
    for (group, version) in SETTINGS.iter().zip(versions) {
        if served(group) || (snap.served.is_empty() && seen(group)) {
            return ((*group).to_owned(), version.to_owned());
        }
    }
    (SETTINGS[1].to_owned(), versions[1].to_owned())
}

fn image_tag(workload: &serde_json::Value) -> Option<String> {
    let containers = workload.pointer("/spec/template/spec/containers")?.as_array()?;
    containers.iter().find_map(|c| tag_of(c.get("image")?.as_str()?))
}

fn tag_of(image: &str) -> Option<String> {
    let tag = image.split('@').next()?.rsplit_once(':')?.1;
    Version::parse(tag).map(|_| tag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_read() {
        #[track_caller]
        fn check(text: &str, expect: Option<(u32, u32, u32)>) {
            let got = Version::parse(text).map(|v| (v.major, v.minor, v.patch));
            assert_eq!(got, expect, "{text}");
        }
        check("v3.29.7", Some((3, 29, 7)));
        check("3.32", Some((3, 32, 0)));
        check("v3.33.0-0.dev-12", Some((3, 33, 0)));
        check("latest", None);
        assert!(Version::parse("3.32").unwrap().since(28));
        assert!(!Version::parse("3.27.5").unwrap().since(28));
    }
}
