//! Sets of field paths and the `managedFields` of an object.

mod managed;
mod set;
mod step;

pub(crate) use managed::{Managed, ManagerId, Operation};
pub(crate) use set::Set;
pub(crate) use step::{Atom, Path, Step};
