//! # Prometheus may list what it discovers
//!
//! **Looks at** roles and bindings of the ServiceAccount of the Prometheus object: may it list and watch services, pods and
//! endpoints (or endpointslices, by its discovery role) in the namespace of Calico's Services?
//!
//! **Why it breaks silently.** Without the right, Prometheus' discovery logs `forbidden` and finds nothing; the job is there,
//! with no target. kube-prometheus grants its Prometheus three namespaces and no more, so nothing in `calico-system` is
//! found until a Role is added. The chart kube-prometheus-stack grants the whole cluster.
//!
//! **How to mend.** A Role and a RoleBinding in that namespace. A monitor with `namespaceSelector.any` lists the whole cluster
//! and needs a ClusterRole.

use crate::component::Component;
use crate::doctor::blind;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_installed};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::mend_link;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::monitors::Kind;
use crate::facts::prometheus::{Prometheus, Role, Taken};
use crate::facts::rbac::{Want, may};
use tortie_cluster::object::{Gvk, ObjectRef};

pub(crate) static CHECK: Check = Check {
    id: "T607",
    slug: "prometheus-rbac",
    title: "Prometheus may list what it discovers",
    station: Station::Targets,
    level: Level::Fail,
    needs: &["T602", "T605"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_installed(facts, of)
}

fn of(facts: &Facts<'_>, component: Component) -> Option<Judged> {
    let branch = facts.best(component).filter(|b| b.taken.as_ref().is_some_and(Taken::yes))?;
    let prometheus = facts.prometheus(branch)?;
    let monitor = facts.monitor(branch);
    if monitor.kind == Kind::ScrapeConfig {
        return None;
    }
    let entity = Entity::of(component).in_prometheus(prometheus.name.clone());
    for kind in ["roles", "rolebindings", "clusterroles", "clusterrolebindings"] {
        if let Some(judged) = blind::list(facts, &entity, &format!("{kind}.rbac.authorization.k8s.io")) {
            return Some(judged);
        }
    }
    if let Some(judged) = blind::only_files(facts, &entity, "the roles") {
        return Some(judged);
    }
    // A dump without any role says nothing about them.
    if facts.snap.of("rbac.authorization.k8s.io", "ClusterRole").next().is_none() {
        return Some(Judged::skipped(entity, "no roles are in this source"));
    }
    let workload = facts.workloads.get(&component)?;
    let namespace = monitor.namespaces.as_ref().map(|_| workload.namespace.as_str());
    // Under another API server, or with its own certificate, the ServiceAccount is not who asks.
    if prometheus.object.at("/spec/apiserverConfig").is_some() {
        return None;
    }
    let wanted = wanted(monitor.kind, prometheus.role(monitor.object));
    let lacks: Vec<Want> =
        wanted.iter().copied().filter(|w| !may(facts.snap, prometheus, *w, namespace)).collect();
    if lacks.is_empty() {
        return Some(Judged::pass(entity));
    }
    Some(Judged::fail(entity, finding(facts, prometheus, &wanted, &lacks, namespace)))
}

fn wanted(kind: Kind, role: Role) -> Vec<Want> {
    let pods = Want { group: "", resource: "pods" };
    match (kind, role) {
        (Kind::Pod, _) => vec![pods],
        (_, Role::Endpoints) => {
            vec![Want { group: "", resource: "endpoints" }, pods, Want { group: "", resource: "services" }]
        }
        (_, Role::EndpointSlice) => {
            vec![
                Want { group: "discovery.k8s.io", resource: "endpointslices" },
                pods,
                Want { group: "", resource: "services" },
            ]
        }
    }
}

fn finding(
    facts: &Facts<'_>,
    prometheus: &Prometheus<'_>,
    wanted: &[Want],
    lacks: &[Want],
    namespace: Option<&str>,
) -> Finding {
    let home = &prometheus.object.meta.namespace;
    let account = prometheus.account();
    let names = |list: &[Want]| list.iter().map(|w| w.resource).collect::<Vec<_>>().join(", ");
    let place = namespace.map_or_else(|| "the whole cluster".to_owned(), ToOwned::to_owned);
    let title =
        format!("{home}/{account}, as which Prometheus runs, may not list {} in {place}", names(lacks));
    let object = ObjectRef::new(Gvk::new("", "v1", "ServiceAccount"), home, account);
    let finding = Finding::new(title)
        .cause_ref(object, "", format!("{place}: {}", names(lacks)))
        .row(prometheus.object.reference().to_string(), "", "")
        .row("runs as", format!("ServiceAccount {home}/{account}"), "")
        .row("may not list and watch", names(lacks), format!("in {place}"));
    finding.fix(mend_link::apply(facts, yaml(prometheus, wanted, namespace), Auto::Ask))
}

/// A role with all that discovery asks for there, and its binding.
fn yaml(prometheus: &Prometheus<'_>, wanted: &[Want], namespace: Option<&str>) -> String {
    let (home, account) = (&prometheus.object.meta.namespace, prometheus.account());
    let prefix = if namespace.is_some() { "" } else { "Cluster" };
    let place = namespace.map(|n| format!("  namespace: {n}\n")).unwrap_or_default();
    let name = format!("{account}-calico");
    let rules: String = wanted
        .iter()
        .map(|w| {
            format!(
                "- apiGroups: [\"{}\"]\n  resources: [{}]\n  verbs: [get, list, watch]\n",
                w.group, w.resource
            )
        })
        .collect();
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {prefix}Role\nmetadata:\n  name: {name}\n{place}rules:\n{rules}---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: {prefix}RoleBinding\nmetadata:\n  name: {name}\n{place}roleRef:\n  \
         apiGroup: rbac.authorization.k8s.io\n  kind: {prefix}Role\n  name: {name}\nsubjects:\n- kind: ServiceAccount\n  \
         name: {account}\n  namespace: {home}\n"
    )
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, roots, snapshot};
    use tortie_sim::installs::{Kind, Options, Stack};

    #[track_caller]
    fn check(kind: Kind, stack: Stack, expect: &[&str]) {
        let snap = snapshot(&Options { kind, stack, ..Options::default() }, |_| {});
        let got = findings("T607", &snap);
        let got: Vec<&str> = got.iter().filter_map(|f| Some(f.split_once(": ")?.1)).collect();
        assert_eq!(got, expect);
    }

    #[test]
    fn kube_prometheus_has_rights_in_three_namespaces() {
        check(Kind::Operator, Stack::KubePrometheusStack { release: "p".to_owned() }, &[]);
        check(Kind::Manifest, Stack::KubePrometheus, &[]);
        let text = "monitoring/prometheus-k8s, as which Prometheus runs, may not list endpointslices, pods, services in calico-system";
        check(Kind::Operator, Stack::KubePrometheus, &[text; 3]);
    }

    #[test]
    fn one_role_mends_all_three() {
        let snap =
            snapshot(&Options { stack: Stack::KubePrometheus, calico: 31, ..Options::default() }, |_| {});
        assert_eq!(roots(&snap), ["T607"]);
        let command = mends("T607", &snap).remove(0);
        assert!(command.starts_with("kubectl --context=test apply -f - <<'EOF'\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n"), "{command}");
        assert!(
            command.contains("  namespace: calico-system\n") && command.contains("  namespace: monitoring\n"),
            "{command}"
        );
    }
}
