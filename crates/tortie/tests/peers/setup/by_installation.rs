//! Felix turned on by the Installation: the DaemonSet rolls, and undo takes back what the roll left, the annotations that the
//! operator keeps and the revision that the DaemonSet keeps.

use super::stage::Stage;
use std::collections::BTreeSet;

const REVISIONS: &str = "controllerrevisions.apps";

pub(super) fn check(stage: &Stage) {
    let revisions = || stage.dump_of(REVISIONS).into_keys().collect::<BTreeSet<_>>();
    let (before, kept) = (stage.dump(), revisions());
    let template = || {
        let path = "/apis/apps/v1/namespaces/calico-system/daemonsets/calico-node";
        stage.cluster.bed.api().get(path).unwrap()["spec"]["template"].clone()
    };
    let was = template();
    let flags = ["setup", "-y", "--felix-through", "installation", "--no-dashboards", "--no-rules"];
    let flags = [&flags[..], &["--wait", "90s", "--second-look", "0s"]].concat();
    let told = stage.tortie_ends(&flags, 0);
    assert!(told.contains(": fresh samples of Felix\n"), "{told}");
    let on = template();
    assert_eq!(on["metadata"]["annotations"]["prometheus.io/port"], "9091", "{on}");
    assert!(revisions().len() > kept.len());
    let undone = stage.tortie_ends(&["setup", "undo", "-y"], 0);
    assert!(!undone.contains("left alone") && !undone.contains("it still has pods"), "{undone}");
    stage.becomes(&before);
    assert_eq!(template(), was);
    assert_eq!(revisions(), kept);
}
