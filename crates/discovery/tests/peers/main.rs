//! Beside the real thing: prometheus-operator's own generator, and the definitions of its kinds.
//!
//! `TORTIE_PEERS_BIN` is the folder of the peers' programs, `TORTIE_FIXTURES` that of the fixtures.

#![allow(clippy::print_stdout)] // what was counted and measured is printed
#![allow(clippy::needless_pass_by_value)] // objects are written where they are handed over
#![allow(clippy::disallowed_methods)]

mod batch;
mod by_hand;
#[path = "../clusters/mod.rs"]
mod clusters;
mod compare;
mod fields;
mod files;
mod kubernetes;
mod live;
mod oracle;
mod real;
mod receivers;
mod rows;
mod rule_files;
mod speed;
