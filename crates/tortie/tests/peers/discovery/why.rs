//! `tortie why NAMESPACE/NAME` on a cluster with the monitors of the test around it.

use serde_json::json;
use tortie_testbed::Bed;

/// Exit code and both outputs.
fn why(bed: &Bed, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = bed.namespace().command(env!("CARGO_BIN_EXE_tortie"));
    command.arg("why").args(arguments).arg("--kubeconfig").arg(bed.folder().join("admin.kubeconfig"));
    let out = command.env("NO_COLOR", "1").env("LANG", "C.UTF-8").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout) + &text(&out.stderr))
}

/// Monitors that are fine, refused, without targets, in a namespace that nobody looks into, and none at all.
pub(super) fn of_monitors(bed: &Bed) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    bed.api().create(&namespace, "test").unwrap();
    let lost = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": "cart", "namespace": "shop"},
        "spec": {"selector": {}, "endpoints": [{}]}});
    bed.api().create(&lost, "test").unwrap();
    let check = |thing: &str, code: i32, lines: &[&str]| {
        let (exit, text) = why(bed, &[thing, "--prometheus=shapes/k8s"]);
        assert_eq!(exit, Some(code), "{thing}: {text}");
        // Long lines are broken between words.
        let whole = text.replace("\n        ", " ").replace("\n    ", " ");
        for line in lines {
            assert!(text.contains(line) || whole.contains(line), "{thing} does not say {line:?}:\n{text}");
        }
    };
    check(
        "shapes/web",
        0,
        &[
            "ServiceMonitor shapes/web\n  ✔ Prometheus shapes/k8s selects it\n  ✔ serviceMonitor/shapes/web/0: ",
        ],
    );
    check(
        "smon/shapes/nothing",
        1,
        &["✘ serviceMonitor/shapes/nothing/0: no target", "candidates without the labels that it selects"],
    );
    check(
        "servicemonitor/shapes/bad",
        1,
        &[
            "✘ prometheus-operator refuses it: endpoints[0]: scrapeTimeout \"2s\" greater than scrapeInterval \"1s\"",
        ],
    );
    let missed = "shapes/k8s looks into its own namespace shapes alone: its serviceMonitorNamespaceSelector is not set";
    check("shop/cart", 1, &["✘ no Prometheus selects it", missed, "its serviceMonitorSelector is not set"]);
    check(
        "shop/none",
        2,
        &["the cluster has no monitor shop/none (hint: kubectl get smon,pmon,probe,scfg,promrule,amcfg -A)"],
    );
    let (exit, text) = why(bed, &["shapes/web"]);
    assert_eq!(exit, Some(2), "{text}");
    assert!(text.contains("there are 2 Prometheus objects:"), "{text}");
}
