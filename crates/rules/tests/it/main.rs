//! Tests of groups over series in memory: what is recorded, how alerts live, what a restart and a reload keep.
#![allow(clippy::disallowed_methods)] // test code

mod alerts;
mod manager;
mod recorded;
mod restored;
mod rig;
mod shared;
mod texts;
