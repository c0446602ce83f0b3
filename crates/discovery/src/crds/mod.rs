//! The custom resources of prometheus-operator as discovery: [`Objects`] are kept as they come, [`configure`] makes of one
//! Prometheus object the configuration that the operator would write, and names who was refused and why.
//!
//! Reading order: [`types`] (what the resources say), [`objects`] (decoding), [`configuration`] (selection and the whole),
//! `accept` (who is refused, in the operator's words), `generate` (the
//! jobs), `rule_files` and `enforce` (PrometheusRule), `managers` and `alertmanagers`, `targets` and `narrow` (from jobs to
//! targets by index).

mod accept;
mod alertmanagers;
mod bytes;
pub mod configuration;
mod credentials;
mod enforce;
pub mod follow;
mod generate;
mod managers;
mod narrow;
pub mod objects;
mod rule_files;
mod selector;
mod targets;
pub mod types;
mod unread;
mod unselected;
pub mod version;

pub use alertmanagers::{ConfigSeen, ConfigsSeen, Taken, alertmanager_configs};
pub use configuration::{Configuration, Job, Style, Verdict, configure};
pub use credentials::{Absent, Contents, Credentials, Known};
pub use follow::{FollowOptions, Follower, Identity};
pub use generate::{Material, Sharing};
pub use narrow::{Cause, Indexed, Narrow, Narrowed};
pub use objects::{Objects, Unreadable};
pub use rule_files::RuleFile;
pub use targets::{is_of_monitor, job};
pub use unselected::{Unselected, unselected};
