//! How a finding is mended: commands that can be pasted as they are, edits to make, or what to do where no command can.

use crate::snapshot::Identity;
use serde_json::{Value, json};
use std::fmt;
use tortie_cluster::object::ObjectRef;

/// How bold a fix may be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Auto {
    /// Safe and reversible.
    Yes,
    /// Touches what others own: it must be named.
    Ask,
    /// Only printed.
    No,
}

/// The way to mend a finding.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // a handful a report
pub enum Fix {
    /// Commands, in order.
    Commands {
        /// What may be applied without asking.
        auto: Auto,
        /// At least one.
        commands: Vec<Command>,
    },
    /// A change in an object that is made where the object is kept (Git, values), with its place.
    Edit {
        /// The object.
        object: ObjectRef,
        /// JSON pointer of the field.
        path: String,
        /// Its new value; `null` removes it.
        value: Value,
        /// Where it has to be made and why, when not in the cluster.
        note: String,
    },
    /// Nothing that a command could do: a node's firewall, a foreign process.
    Outside(String),
}

/// One command. It carries its argument vector; the shell's form is derived from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Standard input, when the command reads one (`kubectl apply -f -`).
    pub stdin: Option<String>,
}

impl Command {
    /// Any other program.
    pub fn new(argv: &[&str]) -> Command {
        Command { argv: argv.iter().map(|&a| a.to_owned()).collect(), stdin: None }
    }

    /// Begins a kubectl command that somebody with several contexts and kubeconfigs can paste: it goes where the doctor
    /// went.
    pub fn kubectl(to: &Identity) -> Kubectl {
        let mut argv = vec!["kubectl".to_owned()];
        argv.extend(to.flags());
        Kubectl { argv }
    }
}

/// Builds kubectl commands.
#[derive(Debug, Clone)]
pub struct Kubectl {
    argv: Vec<String>,
}

impl Kubectl {
    /// A JSON patch of `object` that first tests what it replaces, so that it does nothing to an object that changed.
    pub fn patch(self, object: &ObjectRef, plural: &str, ops: Vec<Value>) -> Command {
        let patch = Value::Array(ops).to_string();
        self.run(object, &["patch", &kind(object, plural), &object.name, "--type=json", "-p", &patch])
    }

    /// A merge patch.
    pub fn merge(self, object: &ObjectRef, plural: &str, patch: &Value) -> Command {
        let patch = patch.to_string();
        self.run(object, &["patch", &kind(object, plural), &object.name, "--type=merge", "-p", &patch])
    }

    /// Sets or takes away (`key-`) a label.
    pub fn label(self, object: &ObjectRef, plural: &str, label: &str) -> Command {
        self.run(object, &["label", &kind(object, plural), &object.name, label, "--overwrite"])
    }

    /// Deletes an object.
    pub fn delete(self, object: &ObjectRef, plural: &str) -> Command {
        self.run(object, &["delete", &kind(object, plural), &object.name])
    }

    /// Creates or changes objects given as YAML on standard input.
    pub fn apply(mut self, yaml: String) -> Command {
        self.argv.extend(["apply", "-f", "-"].map(str::to_owned));
        Command { argv: self.argv, stdin: Some(yaml) }
    }

    /// Arguments about no object.
    pub fn ask(mut self, args: &[&str]) -> Command {
        self.argv.extend(args.iter().map(|&a| a.to_owned()));
        Command { argv: self.argv, stdin: None }
    }

    /// Any other arguments, with the namespace of `object`.
    pub fn run(mut self, object: &ObjectRef, args: &[&str]) -> Command {
        if !object.namespace.is_empty() {
            self.argv.extend(["-n".to_owned(), object.namespace.clone()]);
        }
        self.argv.extend(args.iter().map(|&a| a.to_owned()));
        Command { argv: self.argv, stdin: None }
    }
}

/// `felixconfigurations.v3.projectcalico.org`: kubectl takes the version only with the group; a core kind stands bare.
fn kind(object: &ObjectRef, plural: &str) -> String {
    if object.gvk.group.is_empty() {
        return plural.to_owned();
    }
    format!("{plural}.{}.{}", object.gvk.version, object.gvk.group)
}

/// A `test` of a JSON patch.
pub fn op_test(path: &str, value: &Value) -> Value {
    json!({"op": "test", "path": path, "value": value})
}

/// A `replace` of a JSON patch.
pub fn op_replace(path: &str, value: &Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

/// An `add` of a JSON patch.
pub fn op_add(path: &str, value: &Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

/// A `remove` of a JSON patch.
pub fn op_remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

impl fmt::Display for Command {
    /// The form for a POSIX shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.argv.iter().map(|a| quoted(a)).collect();
        f.write_str(&words.join(" "))?;
        if let Some(stdin) = &self.stdin {
            write!(f, " <<'EOF'\n{}\nEOF", stdin.trim_end())?;
        }
        Ok(())
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_cluster::object::Gvk;

    fn object(group: &str, version: &str, kind: &str, namespace: &str, name: &str) -> ObjectRef {
        ObjectRef {
            gvk: Gvk { group: group.into(), version: version.into(), kind: kind.into() },
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    fn context(name: &str) -> Identity {
        Identity { context: name.to_owned(), ..Identity::default() }
    }

    /// Another kubeconfig may have a context of the same name, which leads elsewhere.
    #[test]
    fn commands_go_where_the_doctor_went() {
        let there = ["--kubeconfig=my files/prod", "--cluster=blue"].map(str::to_owned).to_vec();
        let to = Identity { there, ..context("prod") };
        assert_eq!(
            Command::kubectl(&to).delete(&object("", "v1", "Service", "a", "s"), "services").to_string(),
            "kubectl '--kubeconfig=my files/prod' --cluster=blue --context=prod -n a delete services s"
        );
    }

    #[test]
    fn commands_can_be_pasted() {
        #[track_caller]
        fn check(command: Command, expect: &str) {
            assert_eq!(command.to_string(), expect);
        }
        let monitor = object("monitoring.coreos.com", "v1", "ServiceMonitor", "monitoring", "m");
        check(
            Command::kubectl(&context("prod eu")).patch(
                &monitor,
                "servicemonitors",
                vec![op_test("/spec/a", &json!("x")), op_replace("/spec/a", &json!("y"))],
            ),
            "kubectl '--context=prod eu' -n monitoring patch servicemonitors.v1.monitoring.coreos.com m --type=json -p \
             '[{\"op\":\"test\",\"path\":\"/spec/a\",\"value\":\"x\"},{\"op\":\"replace\",\"path\":\"/spec/a\",\"value\":\"y\"}]'",
        );
        let service = object("", "v1", "Service", "calico-system", "s");
        check(
            Command::kubectl(&context("c")).label(&service, "services", "a=b"),
            "kubectl --context=c -n calico-system label services s a=b --overwrite",
        );
        let felix = object("projectcalico.org", "v3", "FelixConfiguration", "", "default");
        check(
            Command::kubectl(&context("")).merge(
                &felix,
                "felixconfigurations",
                &json!({"spec": {"it's": 1}}),
            ),
            "kubectl patch felixconfigurations.v3.projectcalico.org default --type=merge -p \
             '{\"spec\":{\"it'\\''s\":1}}'",
        );
    }
}
