//! The hand that writes: every call passes a gate before and after, by which tests end setup at any moment.

use super::apply::SetupError;
use serde_json::Value;
use tortie_cluster::client::ReadError;
use tortie_cluster::object::{Object, ObjectRef};
use tortie_cluster::writer::{ApplyError, Mode, Writer};

use super::MANAGER;

/// Says whether to go on; asked before and after each call that writes.
pub type Gate<'g> = &'g (dyn Fn() -> bool + Send + Sync);

/// Writes under setup's name.
pub(super) struct Hand<'h> {
    pub(super) writer: &'h Writer,
    pub(super) gate: Gate<'h>,
}

impl Hand<'_> {
    #[allow(clippy::result_large_err)] // its callers are asynchronous and hold the error anyway
    fn pass(&self) -> Result<(), SetupError> {
        if (self.gate)() { Ok(()) } else { Err(SetupError::Stopped) }
    }

    /// The object, if it is there. A kind that is not served counts as not there.
    pub(super) async fn get(&self, target: &ObjectRef) -> Result<Option<Object>, SetupError> {
        match self.writer.get(target).await {
            Ok(object) => Ok(Some(object)),
            Err(ReadError::NotFound { .. }) => Ok(None),
            Err(e) => Err(SetupError::Read { what: target.to_string(), source: e }),
        }
    }

    /// Applies; where the aggregated API of Calico 3.32.0 answers an apply of a new object with NotFound, creates it.
    pub(super) async fn apply(&self, object: &Object, force: bool, mode: Mode) -> Result<Object, SetupError> {
        if mode == Mode::Real {
            self.pass()?;
        }
        let made = match self.writer.apply(object, MANAGER, force, mode).await {
            Err(ApplyError::Read(ReadError::NotFound { served: true, .. }))
                if object.gvk.group == "projectcalico.org" =>
            {
                self.writer.create(object, MANAGER, mode).await
            }
            other => other,
        }?;
        if mode == Mode::Real {
            self.pass()?;
        }
        Ok(made)
    }

    pub(super) async fn patch(
        &self,
        target: &ObjectRef,
        operations: &[Value],
        mode: Mode,
    ) -> Result<Object, SetupError> {
        if mode == Mode::Real {
            self.pass()?;
        }
        let made = self.writer.patch_json(target, operations, MANAGER, mode).await?;
        if mode == Mode::Real {
            self.pass()?;
        }
        Ok(made)
    }

    pub(super) async fn create(&self, object: &Object) -> Result<Object, SetupError> {
        self.pass()?;
        let made = self.writer.create(object, MANAGER, Mode::Real).await?;
        self.pass()?;
        Ok(made)
    }

    pub(super) async fn replace(&self, object: &Object) -> Result<Object, SetupError> {
        self.pass()?;
        let made = self.writer.replace(object, MANAGER, Mode::Real).await?;
        self.pass()?;
        Ok(made)
    }

    pub(super) async fn delete(&self, target: &ObjectRef, uid: &str) -> Result<bool, SetupError> {
        self.pass()?;
        let made = self.writer.delete(target, uid, Mode::Real).await?;
        self.pass()?;
        Ok(made)
    }
}
