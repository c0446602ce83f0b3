//! What is in the cluster beside the files: the objects that an operator makes are in no repository, so `--assume
//! calico=3.32,install=operator,stack=kube-prometheus-stack:prometheus` puts the model of them beside the files.

use crate::facts::install::Version;
use crate::snapshot::Assumptions;
use serde_json::Value;
use tortie_cluster::object::Object;
use tortie_sim::installs::{Kind, Objects, Options, Stack};

/// A word of `--assume` that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Assume {
    /// Not `key=value`.
    #[error(
        "{0:?} is no assumption (hint: write calico=3.32,install=operator,stack=kube-prometheus-stack:prometheus)"
    )]
    NoPair(String),
    /// No such key.
    #[error("nothing can be assumed about {0:?} (hint: calico, install and stack are known)")]
    Key(String),
    /// No such value.
    #[error("{0} cannot be {1:?} (hint: {2})")]
    Value(&'static str, String, &'static str),
}

/// Reads the flag.
///
/// # Errors
/// When a word of it means nothing.
pub fn parse(text: &str) -> Result<Assumptions, Assume> {
    let mut out = Assumptions::default();
    for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        let (key, value) = word.split_once('=').ok_or_else(|| Assume::NoPair(word.to_owned()))?;
        match key.trim() {
            "calico" => {
                Version::parse(value)
                    .ok_or_else(|| Assume::Value("calico", value.to_owned(), "a version such as 3.32"))?;
                out.calico = Some(value.to_owned());
            }
            "install" => {
                kind(value).ok_or_else(|| {
                    Assume::Value("install", value.to_owned(), "operator, helm, manifest or canal")
                })?;
                out.install = Some(value.to_owned());
            }
            "stack" => {
                stack(value).ok_or_else(|| {
                    Assume::Value(
                        "stack",
                        value.to_owned(),
                        "kube-prometheus-stack:RELEASE, kube-prometheus or none",
                    )
                })?;
                out.stack = Some(value.to_owned());
            }
            other => return Err(Assume::Key(other.to_owned())),
        }
    }
    Ok(out)
}

fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "operator" => Kind::Operator,
        "helm" => Kind::Helm,
        "manifest" => Kind::Manifest,
        "canal" => Kind::Canal,
        _ => return None,
    })
}

fn stack(word: &str) -> Option<Stack> {
    Some(match word.split_once(':').unwrap_or((word, "")) {
        ("none", "") => Stack::None,
        ("kube-prometheus", "") => Stack::KubePrometheus,
        ("kube-prometheus-stack", "") => Stack::KubePrometheusStack { release: "prometheus".to_owned() },
        ("kube-prometheus-stack", release) => Stack::KubePrometheusStack { release: release.to_owned() },
        _ => return None,
    })
}

/// Puts the assumed objects beside the files'. What a file says of an object is laid over the assumed one of its name, but
/// for Services that an operator keeps: its own wins.
pub fn beside(files: Vec<Object>, assume: &Assumptions) -> Vec<Object> {
    let Some(kind) = assume.install.as_deref().and_then(kind) else { return files };
    let minor = assume.calico.as_deref().and_then(Version::parse).map_or(32, |v| v.minor);
    let options = Options {
        calico: minor,
        kind,
        stack: assume.stack.as_deref().and_then(stack).unwrap_or(Stack::None),
        chain: false,
        ..Options::default()
    };
    let mut model = Objects::of(&options);
    follow(&files, &options, &mut model);
    let mut all: Vec<Object> = model.0.into_iter().filter_map(|v| Object::parse(v).ok()).collect();
    for file in files {
        let Some(at) = all.iter().position(|a| same(&file, a)) else {
            all.push(file);
            continue;
        };
        // The operator puts its own Service back whole; of everything else a file says a part, which counts.
        if file.gvk.kind == "Service" && operated(&all[at]) {
            continue;
        }
        let mut body = all[at].body.clone();
        merge(&mut body, &file.body);
        if let Ok(merged) = Object::parse(body) {
            all[at] = Object { gvk: file.gvk.clone(), origin: file.origin, ..merged };
        }
    }
    all
}

/// Lays a part over the whole: mappings by key, lists of named things by name, all else replaced.
fn merge(whole: &mut Value, part: &Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, value) in part {
                match whole.get_mut(key) {
                    Some(old) => merge(old, value),
                    None => {
                        whole.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(whole), Value::Array(part)) if named(part) && named(whole) => {
            // The file's items keep their places, so that a finding can point at them.
            let mut rest = std::mem::take(whole);
            for item in part {
                match rest.iter().position(|w| w["name"] == item["name"]) {
                    Some(at) => {
                        let mut old = rest.remove(at);
                        merge(&mut old, item);
                        whole.push(old);
                    }
                    None => whole.push(item.clone()),
                }
            }
            whole.extend(rest);
        }
        (whole, part) => *whole = part.clone(),
    }
}

fn named(list: &[Value]) -> bool {
    list.iter().all(|v| v["name"].is_string())
}

/// What the operator would do with the files' Installation: set Typha's environment, and from 3.28 make its Service.
fn follow(files: &[Object], options: &Options, model: &mut Objects) {
    let wants = files.iter().filter(|f| f.gvk.is("operator.tigera.io", "Installation"));
    let port = wants.filter_map(|f| f.at("/spec/typhaMetricsPort")?.as_u64()).next_back();
    let Some(port) = port.filter(|_| options.operated()) else { return };
    tortie_sim::installs::set_typha_port(options, model, port);
}

fn operated(o: &Object) -> bool {
    o.meta.controller().is_some_and(|c| c.api_version.starts_with("operator.tigera.io/"))
}

fn same(a: &Object, b: &Object) -> bool {
    a.gvk.kind == b.gvk.kind
        && a.meta.name == b.meta.name
        && (a.meta.namespace == b.meta.namespace || b.meta.namespace.is_empty())
}

/// Whether an object was assumed and not read: it has no origin.
pub fn is_assumed(object: &Object) -> bool {
    object.origin.is_none()
        && object.body.pointer("/metadata/resourceVersion").unwrap_or(&Value::Null).is_null()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_or_refused() {
        #[track_caller]
        fn check(text: &str, expect: &str) {
            let got = match parse(text) {
                Ok(a) => format!("{:?} {:?} {:?}", a.calico, a.install, a.stack),
                Err(e) => e.to_string(),
            };
            assert!(got.starts_with(expect), "{text}: {got}");
        }
        check("calico=3.32,install=operator", "Some(\"3.32\") Some(\"operator\") None");
        check("stack=kube-prometheus-stack:mon", "None None Some(");
        check("", "None None None");
        check("calico", "\"calico\" is no assumption");
        check("colour=red", "nothing can be assumed about \"colour\"");
        check("calico=new", "calico cannot be \"new\"");
        check("install=magic", "install cannot be \"magic\"");
        check("stack=x", "stack cannot be \"x\"");
    }
}
