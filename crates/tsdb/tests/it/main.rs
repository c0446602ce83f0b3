//! Tests of the database through its public API, on simulated disks and clocks.

#![allow(clippy::disallowed_methods)] // tests may read the clock and the disk

mod blocks;
mod db;
mod rig;
mod series;
