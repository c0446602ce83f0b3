//! Alerts on their way to Alertmanagers.
//!
//! [`Manager::notify`] takes the notices of an evaluation, relabels them and puts them into the queue of every
//! Alertmanager; each has a loop of its own, so that one that hangs holds up no other. A queue keeps the newest state of
//! an alert; what it has no room for it asks of a [`Source`] later. What was told and what waits survives a restart in a
//! side file ([`memory`]).
//!
//! Reading order: [`alert`], [`queue`], [`target`], [`sender`], [`manager`], `saver`.

pub mod alert;
mod body;
mod from_config;
pub mod manager;
pub mod memory;
mod metrics;
pub mod post;
pub mod queue;
mod saver;
pub mod sender;
pub mod target;

pub use alert::{Alert, Source};
pub use from_config::{SetSettings, Settings};
pub use manager::{Manager, Options, Status};
pub use post::{Answer, ClientPost, Post};
