//! The write-up that began it all, on three versions of Calico: what it breaks is named, and the printed commands mend it.

use super::cluster::{Cluster, Told, write_up};

/// Does what the write-up says: Felix on, Typha's environment on its Deployment, Services and monitors.
fn apply(cluster: &Cluster, native: bool) {
    let settings = if native {
        "felixconfigurations.projectcalico.org"
    } else {
        "felixconfigurations.crd.projectcalico.org"
    };
    let felix =
        ["patch", settings, "default", "--type=merge", "-p", r#"{"spec":{"prometheusMetricsEnabled":true}}"#];
    cluster.bed.kubectl_ok(&felix).unwrap();
    cluster.bed.apply_objects(&write_up()).unwrap();
    let env = [
        "-n",
        "calico-system",
        "set",
        "env",
        "deployment/calico-typha",
        "TYPHA_PROMETHEUSMETRICSENABLED=true",
        "TYPHA_PROMETHEUSMETRICSPORT=9093",
    ];
    cluster.bed.kubectl_ok(&env).unwrap();
    let typha = "/apis/apps/v1/namespaces/calico-system/deployments/calico-typha";
    cluster
        .bed
        .wait("the operator sets the environment back", |api| {
            let sets = api.list("/apis/apps/v1/namespaces/calico-system/replicasets")?;
            let tried = sets.iter().any(|s| s.to_string().contains("TYPHA_PROMETHEUSMETRICSENABLED"));
            let now = api.get(typha)?["spec"]["template"].to_string();
            Ok((tried && !now.contains("PROMETHEUSMETRICSENABLED")).then_some(()))
        })
        .unwrap();
}

/// Runs the commands that the findings print until there is none, at most four rounds, and gives the last report.
fn mend(cluster: &Cluster, mut told: Told) -> Told {
    for _ in 0..4 {
        let findings = told.report["findings"].as_array().cloned().unwrap_or_default();
        let mut ran = false;
        for finding in findings.iter().filter(|f| f["level"] != "info") {
            for command in finding["fix"]["commands"].as_array().into_iter().flatten() {
                cluster.run_printed(command);
                ran = true;
            }
        }
        if !ran {
            break;
        }
        told = cluster.doctor_until(|t| t.exit == 0);
        if told.exit == 0 {
            break;
        }
    }
    told
}

/// The write-up with Typha's port set to Felix' own, as old answers say it: what the ports do to each other is named beside
/// the rest.
#[test]
fn with_one_port_for_both() {
    let cluster = Cluster::start(27, false);
    apply(&cluster, false);
    let ports = r#"{"spec":{"typhaMetricsPort":9091,"nodeMetricsPort":9091}}"#;
    cluster
        .bed
        .kubectl_ok(&["patch", "installations.operator.tigera.io", "default", "--type=merge", "-p", ports])
        .unwrap();
    let expect = ["T211", "T507"];
    let told = cluster.doctor_until(|t| t.ids() == expect);
    assert_eq!(told.ids(), expect, "{}", told.screen);
    assert_eq!(told.exit, 1);
    let healed = mend(&cluster, told);
    assert_eq!((healed.ids(), healed.exit), (vec![], 0), "{}", healed.screen);
}

fn check(minor: u16, real: bool, next: &[(&str, &[&str])]) {
    let cluster = Cluster::start(minor, real);
    apply(&cluster, minor >= 32);
    let told = cluster.doctor_until(|t| t.ids() == ["T210", "T507"]);
    assert_eq!(told.ids(), ["T210", "T507"], "{}", told.screen);
    assert_eq!(told.exit, 1);
    for (id, expect) in next {
        assert_eq!(told.next(id), *expect, "{}", told.screen);
    }
    let healed = mend(&cluster, told);
    assert_eq!((healed.ids(), healed.exit), (vec![], 0), "{}", healed.screen);
}

#[test]
fn on_calico_3_27() {
    check(27, false, &[("T210", &[])]);
}

#[test]
fn on_calico_3_29_with_the_real_operators() {
    check(29, true, &[("T210", &["T407"])]);
}

#[test]
fn on_calico_3_32() {
    check(32, false, &[("T210", &["T407"]), ("T507", &["T307"])]);
}
