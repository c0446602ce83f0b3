//! A plan as files, for clusters that are kept in Git.

use super::patch;
use super::step::{Plan, Write};
use crate::render::yaml::yaml_of;
use serde_json::{Value, json};

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Documents of objects, one after the other.
    Yaml,
    /// A kustomization with objects and patches in one document each, as `(file name, text)`.
    Kustomize,
    /// Values for the charts kube-prometheus-stack and tigera-operator, one file each, and the rest beside them.
    Helm,
}

/// The files: name and text. [`Form::Yaml`] gives one.
///
/// Fields of shared objects stand as objects with those fields alone: `kubectl apply --server-side` and kustomize's
/// patches take them so. JSON patches are comments in the one and patches in the other.
pub fn files(plan: &Plan, form: Form) -> Vec<(String, String)> {
    let plan = joined(plan);
    match form {
        Form::Yaml => vec![("tortie.yaml".to_owned(), documents(&plan))],
        Form::Kustomize => kustomize(&plan),
        Form::Helm => super::export_helm::files(&plan),
    }
}

/// The plan with one step for each object that is applied: whoever applies a second document of the same object gives up what
/// stood in the first.
fn joined(plan: &Plan) -> Plan {
    let mut out = Plan { steps: Vec::new(), ..plan.clone() };
    for step in &plan.steps {
        if let Write::Apply { object: more, .. } = &step.write {
            let same = out.steps.iter_mut().filter(|s| s.target == step.target);
            let first = same.map(|s| &mut s.write).find_map(|w| match w {
                Write::Apply { object, .. } => Some(object),
                _ => None,
            });
            if let Some(first) = first {
                patch::merge(first, more);
                continue;
            }
        }
        out.steps.push(step.clone());
    }
    out
}

fn documents(plan: &Plan) -> String {
    let mut out = Vec::new();
    for step in &plan.steps {
        match &step.write {
            Write::Apply { object, .. } => out.push(yaml_of(object)),
            Write::Patch { operations } => {
                let text = Value::Array(operations.clone());
                out.push(format!("# a JSON patch of {}:\n# {text}\n", step.target.reference()));
            }
            Write::Elsewhere { advice, fragment } => {
                let lines: String = fragment.lines().map(|l| format!("# {l}\n")).collect();
                out.push(format!("# {}: {advice}\n{lines}", step.target.reference()));
            }
            Write::Conflict => {
                out.push(format!("# {}: somebody else keeps another value there\n", step.target.reference()))
            }
            Write::Nothing => {}
        }
    }
    out.join("---\n")
}

fn kustomize(plan: &Plan) -> Vec<(String, String)> {
    let (mut resources, mut patches, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for step in &plan.steps {
        let t = &step.target;
        let name = format!("{}-{}.yaml", t.kind.to_ascii_lowercase(), t.name.replace('.', "-"));
        match &step.write {
            Write::Apply { object, .. } if step.own => {
                resources.push(json!(name));
                files.push((name, yaml_of(object)));
            }
            Write::Apply { object, .. } => {
                patches.push(json!({"path": name}));
                files.push((name, yaml_of(object)));
            }
            Write::Patch { operations } => {
                let (group, version) = t.api_version.split_once('/').unwrap_or(("", &t.api_version));
                let mut target = json!({"version": version, "kind": t.kind, "name": t.name});
                if !group.is_empty() {
                    target["group"] = json!(group);
                }
                if !t.namespace.is_empty() {
                    target["namespace"] = json!(t.namespace);
                }
                patches.push(json!({"path": name, "target": target}));
                files.push((name, yaml_of(&Value::Array(operations.clone()))));
            }
            _ => {}
        }
    }
    let mut root = json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources});
    if !patches.is_empty() {
        root["patches"] = Value::Array(patches);
    }
    files.insert(0, ("kustomization.yaml".to_owned(), yaml_of(&root)));
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::setup::{FelixThrough, Options, plan};
    use crate::testing::snapshot;
    use tortie_sim::installs::{self, Kind};

    fn exported(kind: Kind, form: Form) -> Vec<(String, String)> {
        let cluster = installs::Options { calico: 30, kind, chain: false, ..installs::Options::default() };
        let options = Options {
            felix: Some(FelixThrough::Installation),
            no_dashboards: true,
            no_rules: true,
            ..Options::default()
        };
        let snap = snapshot(&cluster, |_| {});
        files(&plan(&Facts::of(&snap), &options).expect("a plan"), form)
    }

    /// Both ports of the Installation stand in one document, one file, one section of a chart's values.
    #[test]
    fn an_object_that_two_steps_write_stands_once() {
        #[track_caller]
        fn check(kind: Kind, form: Form, file: &str, head: &str) {
            let files = exported(kind, form);
            let own: Vec<&str> = files.iter().filter(|f| f.0 == file).map(|f| f.1.as_str()).collect();
            let [text] = own[..] else { panic!("{file}: {files:?}") };
            let documents: Vec<&str> = text.split("---\n").filter(|d| d.lines().any(|l| l == head)).collect();
            let [document] = documents[..] else { panic!("{head}: {text}") };
            assert_eq!(document.lines().filter(|l| *l == head).count(), 1, "{document}");
            for field in ["nodeMetricsPort: 9091", "typhaMetricsPort: 9093"] {
                assert!(document.contains(&format!("\n  {field}\n")), "{field}: {document}");
            }
        }
        check(Kind::Operator, Form::Yaml, "tortie.yaml", "kind: Installation");
        check(Kind::Operator, Form::Kustomize, "installation-default.yaml", "kind: Installation");
        check(Kind::Operator, Form::Helm, "calico-settings.yaml", "kind: Installation");
        check(Kind::Helm, Form::Helm, "tigera-operator-values.yaml", "installation:");
        let root = &exported(Kind::Operator, Form::Kustomize)[0].1;
        assert_eq!(root.matches("installation-default.yaml").count(), 1, "{root}");
    }
}
