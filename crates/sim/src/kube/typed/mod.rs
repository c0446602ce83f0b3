//! Server-side apply on JSON: which fields a value has, how two differ, how one is merged into another, what is taken out.

mod compare;
mod merge;
mod remove;
mod to_set;
mod update;

pub(crate) use compare::{Changes, compare};
pub(crate) use merge::merge;
pub(crate) use remove::remove;
pub(crate) use to_set::to_set;
pub(crate) use update::{Conflict, Stop, Writer, apply, update};
