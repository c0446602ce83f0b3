//! A plan as files, for clusters that are kept in Git.

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
    match form {
        Form::Yaml => vec![("tortie.yaml".to_owned(), documents(plan))],
        Form::Kustomize => kustomize(plan),
        Form::Helm => super::export_helm::files(plan),
    }
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
