//! The objects as files: one of YAML, a kustomization, a chart.

use super::Options;
use super::objects::{NAME, objects};
use crate::render::yaml::yaml_of;
use serde_json::{Value, json};

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Documents of objects, one after the other.
    Yaml,
    /// A file an object, and the kustomization that lists them.
    Kustomize,
    /// A chart whose values are the choices.
    Helm,
}

/// The files: path and text. [`Form::Yaml`] gives one.
pub fn files(options: &Options, form: Form) -> Vec<(String, String)> {
    match form {
        Form::Yaml => {
            let all: Vec<String> = objects(options).iter().map(yaml_of).collect();
            vec![("tortie.yaml".to_owned(), all.join("---\n"))]
        }
        Form::Kustomize => kustomize(options),
        Form::Helm => helm(options),
    }
}

fn file_name(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default();
    format!("{}.yaml", kind.to_ascii_lowercase())
}

fn kustomize(options: &Options) -> Vec<(String, String)> {
    let objects = objects(options);
    let names: Vec<String> = objects.iter().map(file_name).collect();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": names,
    });
    let mut out = vec![("kustomization.yaml".to_owned(), yaml_of(&kustomization))];
    out.extend(names.iter().cloned().zip(objects.iter().map(yaml_of)));
    out
}

/// The choices as a chart's values: where they stand in the templates, by a text that stands nowhere else, and the value
/// that the person chose.
fn values(options: &Options) -> [(&'static str, &'static str, String); 6] {
    [
        ("image", "TORTIE-IMAGE", options.image.clone()),
        ("storage", "TORTIE-STORAGE", options.storage.clone()),
        ("storageClass", "TORTIE-CLASS", options.storage_class.clone()),
        ("retention", "TORTIE-RETENTION", options.retention.clone()),
        ("memory", "TORTIE-MEMORY", options.memory.clone()),
        ("cpu", "TORTIE-CPU", options.cpu.clone()),
    ]
}

/// Templates are the objects with the choices left open. The namespace is the release's, which `helm install
/// --create-namespace` makes, so the chart has no Namespace of its own.
fn helm(options: &Options) -> Vec<(String, String)> {
    let values = values(options);
    let hole = |key: &str| values.iter().find(|v| v.0 == key).map_or_else(String::new, |v| v.1.to_owned());
    let open = Options {
        namespace: "TORTIE-NAMESPACE".to_owned(),
        image: hole("image"),
        storage: hole("storage"),
        storage_class: hole("storageClass"),
        retention: hole("retention"),
        memory: hole("memory"),
        cpu: hole("cpu"),
        arguments: options.arguments.clone(),
    };
    let chart = json!({
        "apiVersion": "v2", "name": NAME, "type": "application", "version": env!("CARGO_PKG_VERSION"),
        "appVersion": env!("CARGO_PKG_VERSION"),
        "description": "The monitoring of Calico in one piece",
    });
    let mut choices = json!({});
    for (key, _, value) in &values {
        choices[*key] = json!(value);
    }
    let mut out = vec![
        ("tortie/Chart.yaml".to_owned(), yaml_of(&chart)),
        ("tortie/values.yaml".to_owned(), yaml_of(&choices)),
    ];
    for object in objects(&open).iter().filter(|o| o["kind"] != "Namespace") {
        let mut text = yaml_of(object).replace("TORTIE-NAMESPACE", "{{ .Release.Namespace }}");
        for (key, hole, _) in &values {
            text = if *key == "storageClass" { optional(&text, hole, key) } else { filled(&text, hole, key) };
        }
        out.push((format!("tortie/templates/{}", file_name(object)), text));
    }
    out
}

/// A whole value is quoted as YAML wants it; within a text it stands bare.
fn filled(text: &str, hole: &str, key: &str) -> String {
    text.replace(&format!(": {hole}\n"), &format!(": {{{{ .Values.{key} | quote }}}}\n"))
        .replace(hole, &format!("{{{{ .Values.{key} }}}}"))
}

/// The line of a choice that may be left out.
fn optional(text: &str, hole: &str, key: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.contains(hole) {
            let line = filled(line, hole, key);
            let _ = std::fmt::Write::write_fmt(
                &mut out,
                format_args!(
                    "{{{{- with .Values.{key} }}}}\n{}{{{{- end }}}}\n",
                    line.replace(&format!(".Values.{key}"), ".")
                ),
            );
        } else {
            out.push_str(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen() -> Options {
        Options { image: "registry.example/tortie:1".to_owned(), ..Options::default() }
    }

    #[test]
    fn every_file_of_every_form_is_named_once_and_lists_the_same_objects() {
        let count = |form| files(&chosen(), form).len();
        assert_eq!((count(Form::Yaml), count(Form::Kustomize), count(Form::Helm)), (1, 8, 8));
        let names: Vec<String> = files(&chosen(), Form::Kustomize).into_iter().map(|f| f.0).collect();
        for name in names.iter().filter(|n| *n != "kustomization.yaml") {
            assert!(files(&chosen(), Form::Kustomize)[0].1.contains(name.as_str()), "{name} is not listed");
        }
        let mut once = names.clone();
        once.dedup();
        assert_eq!(once, names);
    }

    #[test]
    fn a_chart_leaves_every_choice_open() {
        let all: String = files(&chosen(), Form::Helm)
            .iter()
            .filter(|(name, _)| name.contains("templates/"))
            .map(|(_, text)| text.as_str())
            .collect();
        assert!(!all.contains("TORTIE-"), "{all}");
        for (key, ..) in values(&chosen()) {
            assert!(all.contains(&format!(".Values.{key}")), "{key} is nowhere in\n{all}");
        }
        assert!(
            !all.contains("kind: Namespace") && all.contains("namespace: {{ .Release.Namespace }}"),
            "{all}"
        );
    }

    #[test]
    fn the_pod_may_do_nothing_that_restricted_forbids() {
        let set = objects(&chosen()).pop().unwrap();
        let pod = &set["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["runAsUser"], 65534);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(container["securityContext"]["capabilities"], json!({"drop": ["ALL"]}));
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
        assert!(pod.get("hostNetwork").is_none() && pod.get("hostPID").is_none());
        // Replay is outlasted: 5 s times 180.
        assert_eq!(container["startupProbe"]["failureThreshold"], 180);
    }

    #[test]
    fn a_class_of_storage_stands_only_where_it_was_chosen() {
        let class = |options: &Options| {
            objects(options).pop().unwrap()["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"]
                .clone()
        };
        assert_eq!(class(&chosen()), Value::Null);
        assert_eq!(class(&Options { storage_class: "fast".to_owned(), ..chosen() }), "fast");
    }
}
