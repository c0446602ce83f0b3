//! What is known of a target's body: its lines as a template shared between targets, and which slot each line fills.

mod table;
mod template;

pub(crate) use table::{DROPPED, Draft, NEW, REPEAT, Table, UNKNOWN};
pub(crate) use template::{Line, Template, Templates};
