//! A plan as plain data: what is written, where, what was there before, and what it costs.

use crate::component::Component;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tortie_cluster::object::{Gvk, ObjectRef};

/// The form of a saved plan.
pub const SCHEMA: &str = "tortie.setup/v1";

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of the program that made it.
    pub tool: String,
    /// Context of the kubeconfig.
    pub context: String,
    /// Address of the API server.
    pub server: String,
    /// The cluster's own name: uid of namespace `kube-system`.
    pub cluster_uid: String,
    /// When it was made, milliseconds since 1970.
    pub at: i64,
    /// What was found, in lines.
    pub found: Vec<String>,
    /// The Prometheus object, `namespace/name`; empty when there is none.
    pub prometheus: String,
    /// Namespace of the journal.
    pub namespace: String,
    /// The components that are to be seen in Prometheus when all is done.
    pub components: Vec<String>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// What is left out and why.
    pub notes: Vec<String>,
}

impl Plan {
    /// The steps that write.
    pub fn writes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|s| s.write.writes())
    }

    /// Whether there is nothing to do, here or elsewhere.
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|s| s.write == Write::Nothing)
    }
}

/// An object by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for objects of the whole cluster.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Target {
    /// From its parts.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Target {
        Target {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    /// The name that clients take.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef::new(Gvk::from_api_version(&self.api_version, &self.kind), &self.namespace, &self.name)
    }
}

impl From<&ObjectRef> for Target {
    fn from(r: &ObjectRef) -> Target {
        Target::new(&r.gvk.api_version(), &r.gvk.kind, &r.namespace, &r.name)
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The object.
    pub target: Target,
    /// The component that it brings nearer to Prometheus; none for what is about all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
    /// Whether the object is made by setup, so that undo deletes it.
    pub own: bool,
    /// uid of the object that is there; empty when none is.
    #[serde(default)]
    pub uid: String,
    /// What is written.
    pub write: Write,
    /// The fields of an object that others own too, before and after. Empty for objects of our own.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// What it costs or is for, a sentence.
    #[serde(default)]
    pub remark: String,
    /// Whether the server was asked.
    pub checked: Checked,
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "camelCase")]
pub enum Write {
    /// Server-side apply of these fields, and of those that setup applied to the object before.
    Apply {
        /// The fields as an object.
        object: Value,
        /// Managers whose values are overwritten.
        #[serde(default)]
        take: Vec<String>,
    },
    /// A JSON patch that tests what it replaces.
    Patch {
        /// Its operations.
        operations: Vec<Value>,
    },
    /// It is as it should be.
    Nothing,
    /// Somebody else's value stands there.
    Conflict,
    /// It is made where the object is kept, not here.
    Elsewhere {
        /// Why, and what to do.
        advice: String,
        /// The fragment for its owner, as YAML; empty when there is none.
        fragment: String,
    },
}

impl Write {
    /// Whether the cluster is written to.
    pub fn writes(&self) -> bool {
        matches!(self, Write::Apply { .. } | Write::Patch { .. })
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// JSON pointer; a step `name=X` is the item of a list whose `name` is X.
    pub pointer: String,
    /// The value that stands there; none when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value that is written; null takes the field away.
    pub after: Value,
    /// Who wrote the value that stands there; empty when nobody did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manager: String,
    /// When, milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
    /// All who keep the field. One who applies the value that stands there already gets no time from the server, so the last
    /// writer alone does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keepers: Vec<String>,
}

/// What the server said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Checked {
    /// It was not asked.
    No,
    /// It accepted the step in a dry run.
    Tested,
    /// It cannot judge before an earlier step was made.
    Predicted {
        /// What it says now.
        reason: String,
    },
    /// It refuses the step.
    Refused {
        /// Its words.
        reason: String,
    },
}
