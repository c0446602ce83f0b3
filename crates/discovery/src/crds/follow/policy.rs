//! What tortie does not do for a monitor though the operator would: read files of whoever likes.

use crate::crds::configuration::{Job, UNAVAILABLE};
use crate::crds::types::Prometheus;
use tortie_config::emit::Doc;

/// Where a pod finds its own token and authority.
const OWN_FILES: &str = "/var/run/secrets/kubernetes.io/serviceaccount/";

/// Whether the job's files may be read: the own token and authority, for objects of the Prometheus object's namespace; what
/// a scrape class names was put there by whoever owns the Prometheus object.
pub(super) fn check_files(job: &Job, prometheus: &Prometheus) -> Result<(), String> {
    if job.kind.is_empty() {
        return Ok(());
    }
    let own = &prometheus.meta.namespace;
    let of_own_namespace = job.key.split_once('/').is_some_and(|(ns, _)| ns == own);
    let mut files = Vec::new();
    collect(&job.config, &mut files);
    for file in files {
        let harmless = of_own_namespace && file.starts_with(OWN_FILES) && !file.contains("..");
        if harmless || by_class(prometheus, file) {
            continue;
        }
        return Err(format!(
            "{UNAVAILABLE}: {file} is a file; only the pod's own token and authority are read, for objects of namespace {own}\nhint: put it into a Secret and name that"
        ));
    }
    Ok(())
}

fn by_class(prometheus: &Prometheus, file: &str) -> bool {
    prometheus.spec.scrape_classes.iter().any(|c| {
        let tls = c.tls_config.as_ref();
        tls.is_some_and(|t| [&t.ca_file, &t.cert_file, &t.key_file].iter().any(|f| *f == file))
            || c.authorization.as_ref().is_some_and(|a| a.credentials_file == file)
    })
}

fn collect<'d>(doc: &'d Doc, out: &mut Vec<&'d str>) {
    match doc {
        Doc::Map(entries) => {
            for (key, value) in entries {
                match value {
                    Doc::Text(path) if key.ends_with("_file") => out.push(path),
                    other => collect(other, out),
                }
            }
        }
        Doc::List(items) => items.iter().for_each(|i| collect(i, out)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::Objects;
    use serde_json::json;

    #[track_caller]
    fn check(key: &str, file: &str, allowed: bool) {
        let mut objects = Objects::default();
        let spec = json!({"scrapeClasses": [{"name": "c", "tlsConfig": {"caFile": "/class/ca"}}]});
        let body = json!({"kind": "Prometheus", "metadata": {"namespace": "m", "name": "p"}, "spec": spec});
        objects.insert(&body).unwrap();
        let tls = Doc::Map(vec![("ca_file".into(), Doc::Text(file.into()))]);
        let job = Job {
            name: "j".into(),
            kind: "ServiceMonitor",
            key: key.into(),
            config: Doc::Map(vec![("tls_config".into(), tls)]),
        };
        let prometheus = objects.prometheuses.values().next().unwrap();
        assert_eq!(check_files(&job, prometheus).is_ok(), allowed, "{key} {file}");
    }

    #[test]
    fn own_files_for_the_own_namespace() {
        let own = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
        check("m/x", own, true);
        check("apps/x", own, false);
        check("m/x", "/etc/passwd", false);
        check("m/x", "/var/run/secrets/kubernetes.io/serviceaccount/../../../etc/passwd", false);
        check("apps/x", "/class/ca", true);
    }

    /// Every way in which an endpoint can name a file, with `deny` and without, in the own namespace and in another.
    #[test]
    fn files_by_field_denial_and_namespace() {
        use crate::crds::{Known, Style, configure};
        const OWN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
        let endpoints = |file: &str| {
            [
                json!({"bearerTokenFile": file}),
                json!({"tlsConfig": {"caFile": file}}),
                json!({"tlsConfig": {"certFile": file, "keyFile": OWN}}),
                json!({"tlsConfig": {"certFile": OWN, "keyFile": file}}),
            ]
        };
        for file in [OWN, "/etc/passwd", "/proc/self/environ"] {
            for (endpoint, deny, ns) in endpoints(file)
                .into_iter()
                .flat_map(|e| [true, false].map(|deny| (e.clone(), deny)))
                .flat_map(|(e, deny)| ["m", "apps"].map(|ns| (e.clone(), deny, ns)))
            {
                let mut objects = Objects::default();
                let spec = json!({"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}, "arbitraryFSAccessThroughSMs": {"deny": deny}});
                for body in [
                    json!({"kind": "Namespace", "metadata": {"name": "m"}}),
                    json!({"kind": "Namespace", "metadata": {"name": "apps"}}),
                    json!({"kind": "Prometheus", "metadata": {"namespace": "m", "name": "p"}, "spec": spec}),
                    json!({"kind": "ServiceMonitor", "metadata": {"namespace": ns, "name": "s"}, "spec": {"selector": {}, "endpoints": [endpoint]}}),
                ] {
                    objects.insert(&body).unwrap();
                }
                let prometheus = objects.prometheuses.values().next().unwrap();
                let made = configure(&objects, prometheus, &Known::default(), Style::default()).unwrap();
                let case = format!("{endpoint} deny {deny} in {ns}");
                if deny {
                    let words = made.verdicts[0].refused.clone().unwrap_or_default();
                    assert!(words.contains("which Prometheus specification prohibits"), "{case}: {words}");
                    assert!(made.jobs.is_empty(), "{case}");
                    continue;
                }
                assert_eq!(made.verdicts[0].refused, None, "{case}");
                let allowed = check_files(&made.jobs[0], prometheus).is_ok();
                assert_eq!(allowed, file == OWN && ns == "m", "{case}");
            }
        }
    }
}
