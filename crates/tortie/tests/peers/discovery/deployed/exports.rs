//! The three forms of `tortie deploy --export` say the same, by the real Helm and kubectl, and a restricted namespace takes it.

use super::tortie;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tortie_cluster::files;
use tortie_host::RealFs;
use tortie_testbed::{Bed, binary};

const CHOICES: [&str; 6] = [
    "--image=registry.example/tortie:1",
    "--namespace=watchers",
    "--storage=2Gi",
    "--storage-class=fast",
    "--memory=1Gi",
    "--retention=3d",
];

/// What was exported.
pub(super) struct Exported {
    /// The file of YAML.
    pub(super) file: PathBuf,
    pub(super) objects: Vec<Value>,
}

impl Exported {
    pub(super) fn of(&self, kind: &str) -> &Value {
        self.objects.iter().find(|o| o["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
    }
}

fn objects(file: &Path) -> Vec<Value> {
    let (objects, problems) = files::read(&RealFs, &[file.to_owned()]);
    assert!(problems.is_empty(), "{problems:?}");
    let mut all: Vec<Value> = objects.into_iter().map(|o| o.body).collect();
    all.sort_by_key(|o| format!("{} {}", o["kind"], o["metadata"]["name"]));
    all
}

fn export(form: &str, out: &Path) {
    let out = format!("--out={}", out.display());
    tortie(&[&["deploy", "--export", form, &out][..], &CHOICES].concat());
}

/// Exports in all forms; Helm's and kustomize's own programs make the same objects of theirs.
pub(super) fn same_in_every_form(bed: &Bed) -> Exported {
    let folder = bed.folder().join("deploy");
    export("yaml", &folder);
    let file = folder.join("tortie.yaml");
    let plain = objects(&file);

    export("kustomize", &folder.join("kustomize"));
    let built = bed.kubectl_ok(&["kustomize", folder.join("kustomize").to_str().unwrap()]).unwrap();
    std::fs::write(folder.join("kustomize.yaml"), built).unwrap();
    assert_eq!(objects(&folder.join("kustomize.yaml")), plain);

    export("helm", &folder);
    let mut helm = Command::new(binary("helm").unwrap());
    helm.args(["template", "any-name"]).arg(folder.join("tortie")).args(["--namespace", "watchers"]);
    let out = helm.env("HOME", bed.folder()).stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    std::fs::write(folder.join("helm.yaml"), out.stdout).unwrap();
    let rendered = objects(&folder.join("helm.yaml"));
    // `helm install --create-namespace` makes the namespace.
    let wanted: Vec<Value> = plain.iter().filter(|o| o["kind"] != "Namespace").cloned().collect();
    assert_eq!(rendered, wanted);
    assert_eq!(wanted.len(), 6);
    Exported { file, objects: plain }
}

/// The API server takes it by server-side apply into a namespace that enforces `restricted`, and its controller makes the pod.
pub(super) fn admitted(bed: &Bed, exported: &Exported) {
    bed.kubectl_ok(&["apply", "--server-side", "-f", exported.file.to_str().unwrap()]).unwrap();
    let namespace = bed.api().get("/api/v1/namespaces/watchers").unwrap();
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    let pod = bed
        .wait("the pod of the StatefulSet", |api| api.find("/api/v1/namespaces/watchers/pods/tortie-0"))
        .unwrap_or_else(|e| panic!("{e:#}: {:?}", refusals(bed)));
    assert_eq!(refusals(bed), [""; 0]);
    assert_eq!(pod["spec"]["serviceAccountName"], "tortie");
    let claim = bed.api().get("/api/v1/namespaces/watchers/persistentvolumeclaims/data-tortie-0").unwrap();
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "2Gi");
    assert_eq!(claim["spec"]["storageClassName"], "fast");
    // The namespace does refuse what it should: the same pod with one privilege more.
    let mut bold = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bold", "namespace": "watchers"},
        "spec": exported.of("StatefulSet")["spec"]["template"]["spec"]});
    bold["spec"]["containers"][0]["volumeMounts"] = json!([]);
    bold["spec"]["hostNetwork"] = json!(true);
    let refused = bed.api().create(&bold, "test").unwrap_err();
    assert!(format!("{refused:#}").contains("violates PodSecurity \"restricted"), "{refused:#}");
    bold["spec"].as_object_mut().unwrap().remove("hostNetwork");
    bed.api().create(&bold, "test").unwrap();
    bed.api().delete("/api/v1/namespaces/watchers/pods/bold").unwrap();
}

/// What controllers could not make, in the API server's words.
fn refusals(bed: &Bed) -> Vec<String> {
    let events = bed.api().list("/api/v1/namespaces/watchers/events").unwrap();
    let failed =
        events.iter().filter(|e| e["reason"].as_str().is_some_and(|r| r.starts_with("FailedCreate")));
    failed.map(|e| e["message"].as_str().unwrap_or_default().to_owned()).collect()
}
