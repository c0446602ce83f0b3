//! Recording and alerting rules: groups evaluated on a grid of time, samples recorded, alerts kept and told of.
//!
//! Reading order: [`spec`] (what a group says), [`environment`] (what evaluation needs from outside), [`rule`] and
//! [`group`] (one rule, one tick of a group), [`alert`], `alerting` and `texts` (the life of an alert), `recording`, `commit`
//! `refused` and `alert_series` (rows into storage), [`restore`] (the wait of alerts after a restart), [`grid`] (when), [`manager`] (all groups).
//!
//! What Prometheus 3.16 does is right, down to the words of errors.

pub mod alert;
mod alert_series;
mod alerting;
mod commit;
pub mod dependencies;
pub mod environment;
pub mod from_config;
pub mod grid;
pub mod group;
pub mod link;
pub mod lint;
pub mod manager;
pub mod metrics;
pub mod notify;
mod recording;
mod refused;
pub mod restore;
pub mod rule;
mod runner;
mod shared;
pub mod spec;
pub mod templates;
mod texts;

pub use alert::{Alert, AlertState};
pub use environment::{
    Environment, Options, Settings, Store, Template, TemplateData, TemplateQuery, Templates,
};
pub use group::Group;
pub use manager::Manager;
pub use notify::{Notice, Notify};
pub use rule::{Health, Rule};
pub use spec::{GroupSpec, Kind, RuleSpec};
pub use templates::GoTemplates;
