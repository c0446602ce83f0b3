//! The whole program beside the real Prometheus: same targets, same questions, same directory.

#![allow(clippy::disallowed_methods)] // tests start processes and make files

mod api;
mod ask;
mod directory;
mod doctor;
mod live;
mod process;
mod replayed;
mod setup;
