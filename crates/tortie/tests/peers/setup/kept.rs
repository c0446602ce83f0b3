//! Values of others on the real server: shown with manager, time and value, taken only by name, given back with their owner.
//! And a saved plan is refused when value, manager or identity of what it touches changed.

use super::stage::Stage;
use serde_json::json;

const PATH: &str = "/apis/crd.projectcalico.org/v1/felixconfigurations/default";

/// Server-side apply of Felix' switch, as somebody does with kubectl.
fn apply(stage: &Stage, manager: &str, on: bool) {
    let object = json!({"apiVersion": "crd.projectcalico.org/v1", "kind": "FelixConfiguration",
        "metadata": {"name": "default"}, "spec": {"prometheusMetricsEnabled": on}});
    stage.cluster.bed.api().apply(&object, manager, true).unwrap();
}

/// Waits until the clock shows the next second: `managedFields` know no finer time.
fn next_second() {
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let left =
        std::time::Duration::from_secs(1) - std::time::Duration::from_nanos(now().subsec_nanos().into());
    std::thread::sleep(left);
}

pub(super) fn check(stage: &Stage) {
    conflict(stage);
    saved(stage);
}

fn conflict(stage: &Stage) {
    apply(stage, "colleague", false);
    let before = stage.dump();
    let at = stage.cluster.bed.api().get(PATH).unwrap()["metadata"]["managedFields"].clone();
    let entry = at.as_array().unwrap().iter().find(|m| m["manager"] == "colleague").unwrap().clone();
    let time = entry["time"].as_str().unwrap();
    let shown = stage.tortie_ends(&["setup", "--dry-run", "--no-prometheus"], 1);
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let expect = format!(
        "spec.prometheusMetricsEnabled is false, kept by colleague, last written {time}; true is wanted this field is not \
         taken: change it where colleague has it from, or: tortie setup --take colleague"
    );
    assert!(words.contains(&expect), "{expect}\n{shown}");

    // Whoever may not ask Prometheus is told that nothing is verified; what somebody puts back is seen all the same.
    let flags =
        ["setup", "-y", "--context", "bed", "--no-prometheus", "--no-dashboards", "--take", "colleague"];
    let args: Vec<&str> = flags.into_iter().chain(["--second-look", "5s"]).collect();
    let told = stage.tortie_watched(&args, 3, |line| {
        if line.starts_with("looking again") {
            apply(stage, "colleague", false);
        }
    });
    assert!(told.contains("written: FelixConfiguration default\n"), "{told}");
    assert!(told.contains("pods of Typha carry TYPHA_PROMETHEUSMETRICSPORT=9093\n"), "{told}");
    assert!(told.contains("written, not verified: no Prometheus could be asked"), "{told}");
    let put_back = "it did not stay:\n  FelixConfiguration default /spec/prometheusMetricsEnabled: false, setup left true: \
                    changed by colleague\n";
    assert!(told.contains(put_back), "{told}");
    stage.tortie_ends(&["setup", "undo", "-y"], 0);
    stage.becomes(&before);
}

fn saved(stage: &Stage) {
    let file = stage.file("plan.json");
    let name = file.to_str().unwrap();
    let save = |take: &str| {
        let flags = ["setup", "--out", name, "--no-prometheus", "--no-dashboards", "--take", take];
        stage.tortie_ends(&flags, 1);
    };
    let refused = |why: &str| {
        let told = stage.tortie_ends(&["setup", "--plan", name, "-y", "--no-prometheus"], 3);
        assert!(told.contains("the plan is refused") && told.contains(why), "{why}\n{told}");
    };
    let mark = stage.mark();
    save("colleague");
    // Another field is nobody's business.
    let other = json!({"spec": {"logSeverityScreen": "Info"}});
    stage.cluster.bed.api().merge(PATH, &other, "somebody").unwrap();
    let shown = stage.tortie(&["setup", "--plan", name, "--dry-run", "--no-prometheus"]);
    assert_eq!(shown.status, Some(1), "{}", shown.both());
    next_second();
    apply(stage, "another", false);
    refused("/spec/prometheusMetricsEnabled of FelixConfiguration default is kept by another since the plan");
    apply(stage, "another", true);
    refused("/spec/prometheusMetricsEnabled of FelixConfiguration default is true since the plan");
    stage.cluster.bed.api().delete(PATH).unwrap();
    apply(stage, "colleague", false);
    refused("FelixConfiguration default is another object of the same name now");
    let written: Vec<String> =
        stage.written_since("admin", mark).iter().map(|e| format!("{} {}", e.verb, e.uri)).collect();
    assert_eq!(written, [""; 0]);
}
