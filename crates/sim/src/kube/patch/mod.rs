//! The three patch forms that say what to change: JSON patch, merge patch, strategic merge patch.

mod json;
mod merge;
mod strategic;

pub(crate) use json::json_patch;
pub(crate) use merge::merge_patch;
pub(crate) use strategic::{built_in_keys, strategic_patch};
