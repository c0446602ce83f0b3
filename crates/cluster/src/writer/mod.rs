//! The writing client, a type of its own: whoever may only look never holds one.
//!
//! No write is sent twice but when the server said that it did not take it (429). After a timeout nobody knows whether it
//! happened: whoever keeps a journal reads the object again.

mod conflict;
mod error;

pub use conflict::FieldConflict;
pub use error::ApplyError;

use crate::client::{Answer, Call, Cluster, ReadError, Resource};
use crate::object::{Object, ObjectRef};
use http::Method;
use serde_json::{Value, json};

/// Writes to the cluster that a [`Cluster`] reads.
#[derive(Clone)]
pub struct Writer {
    cluster: Cluster,
}

/// How a write is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is made.
    Real,
    /// The server goes through all of it, admission included, and keeps nothing.
    DryRun,
}

impl Writer {
    /// A writer to the same server as the same user.
    pub fn new(cluster: &Cluster) -> Writer {
        Writer { cluster: cluster.clone() }
    }

    /// The reading side.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Server-side apply of exactly these fields. Unknown fields are refused. Gives the object as it is then.
    ///
    /// # Errors
    /// [`ApplyError::Conflict`] when another manager keeps a field with another value and `force` is not set.
    pub async fn apply(
        &self,
        object: &Object,
        manager: &str,
        force: bool,
        mode: Mode,
    ) -> Result<Object, ApplyError> {
        let resource = self.cluster.resource(&object.gvk).await?;
        // The server refuses an apply that carries managedFields.
        let mut body = object.body.clone();
        if let Some(Value::Object(meta)) = body.get_mut("metadata") {
            meta.remove("managedFields");
        }
        let path = resource.path(Some(&object.meta.namespace), Some(&object.meta.name));
        let call = Call::with_body(Method::PATCH, &path, "application/apply-patch+yaml", bytes(&body))
            .query("force", if force { "true" } else { "false" });
        self.write(call, "patch", &resource, &object.reference(), manager, mode).await
    }

    /// Makes an object.
    ///
    /// # Errors
    /// [`ApplyError::Exists`] when there is one of that name.
    pub async fn create(&self, object: &Object, manager: &str, mode: Mode) -> Result<Object, ApplyError> {
        let resource = self.cluster.resource(&object.gvk).await?;
        let path = resource.path(Some(&object.meta.namespace), None);
        let call = Call::with_body(Method::POST, &path, "application/json", bytes(&object.body));
        self.write(call, "create", &resource, &object.reference(), manager, mode).await
    }

    /// Puts an object in the place of the one there; its resourceVersion, if it has one, must still be that of the
    /// object there.
    ///
    /// # Errors
    /// [`ApplyError::Changed`] when the object changed since.
    pub async fn replace(&self, object: &Object, manager: &str, mode: Mode) -> Result<Object, ApplyError> {
        let resource = self.cluster.resource(&object.gvk).await?;
        let path = resource.path(Some(&object.meta.namespace), Some(&object.meta.name));
        let call = Call::with_body(Method::PUT, &path, "application/json", bytes(&object.body));
        self.write(call, "update", &resource, &object.reference(), manager, mode).await
    }

    /// JSON patch (RFC 6902). Begin with a `test` of what is to be changed.
    ///
    /// # Errors
    /// [`ApplyError::Invalid`] when a `test` does not hold.
    pub async fn patch_json(
        &self,
        target: &ObjectRef,
        operations: &[Value],
        manager: &str,
        mode: Mode,
    ) -> Result<Object, ApplyError> {
        let body = Value::Array(operations.to_vec());
        self.patch(target, "application/json-patch+json", &body, manager, mode).await
    }

    /// JSON merge patch (RFC 7386).
    ///
    /// # Errors
    /// As [`ApplyError`] says.
    pub async fn merge_patch(
        &self,
        target: &ObjectRef,
        patch: &Value,
        manager: &str,
        mode: Mode,
    ) -> Result<Object, ApplyError> {
        self.patch(target, "application/merge-patch+json", patch, manager, mode).await
    }

    async fn patch(
        &self,
        target: &ObjectRef,
        content_type: &'static str,
        body: &Value,
        manager: &str,
        mode: Mode,
    ) -> Result<Object, ApplyError> {
        let resource = self.cluster.resource(&target.gvk).await?;
        let path = resource.path(Some(&target.namespace), Some(&target.name));
        let call = Call::with_body(Method::PATCH, &path, content_type, bytes(body));
        self.write(call, "patch", &resource, target, manager, mode).await
    }

    /// Deletes the object with this uid, in the background. Says whether it was there.
    ///
    /// # Errors
    /// [`ApplyError::Changed`] when another object has the name now.
    pub async fn delete(&self, target: &ObjectRef, uid: &str, mode: Mode) -> Result<bool, ApplyError> {
        let resource = self.cluster.resource(&target.gvk).await?;
        let path = resource.path(Some(&target.namespace), Some(&target.name));
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        });
        if mode == Mode::DryRun {
            // Of a DELETE the server takes it from the body alone.
            options["dryRun"] = json!(["All"]);
        }
        let call = Call::with_body(Method::DELETE, &path, "application/json", bytes(&options));
        let call = call.about("delete", &resource.full_name(), namespace(target), Some(&target.name));
        let answer = self.cluster.exchange(&call).await?;
        if answer.status.is_success() {
            return Ok(true);
        }
        match error::refusal(&call, &answer, target) {
            ApplyError::Read(ReadError::NotFound { served: true, .. }) => Ok(false),
            e => Err(e),
        }
    }

    /// Reads one object.
    ///
    /// # Errors
    /// As [`ReadError`] says.
    pub async fn get(&self, target: &ObjectRef) -> Result<Object, ReadError> {
        let resource = self.cluster.resource(&target.gvk).await?;
        self.cluster.get(&resource, namespace(target), &target.name).await
    }

    async fn write(
        &self,
        call: Call,
        verb: &'static str,
        resource: &Resource,
        target: &ObjectRef,
        manager: &str,
        mode: Mode,
    ) -> Result<Object, ApplyError> {
        let mut call = call
            .about(verb, &resource.full_name(), namespace(target), Some(&target.name))
            .query("fieldManager", manager)
            .query("fieldValidation", "Strict");
        if mode == Mode::DryRun {
            call = call.query("dryRun", "All");
        }
        let answer: Answer = self.cluster.exchange(&call).await?;
        if !answer.status.is_success() {
            return Err(error::refusal(&call, &answer, target));
        }
        Ok(Object::parse(answer.json()?).map_err(ReadError::malformed)?)
    }
}

fn namespace(target: &ObjectRef) -> Option<&str> {
    Some(target.namespace.as_str()).filter(|n| !n.is_empty())
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
