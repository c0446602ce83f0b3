//! The doctor on dumps of whole clusters, as the real operators of five versions of Calico left them; the rules by real promtool.

#![allow(clippy::disallowed_methods)]

mod recorded;
mod rules;
