//! What tortie knows of Calico: components, ports, settings, dashboards; the doctor that judges a cluster's chain from
//! Felix's setting to the person who is paged.

// Tables of cases read better with values in place.
#![cfg_attr(test, allow(clippy::needless_pass_by_value))]

pub mod bundle;
pub mod catalogue;
pub mod collect;
pub mod component;
pub mod dashboards;
pub mod deploy;
pub mod doctor;
pub mod facts;
pub mod generated;
pub mod render;
pub mod rules;
pub mod scraping;
pub mod setup;
pub mod snapshot;
pub mod why;

#[cfg(test)]
mod testing;
