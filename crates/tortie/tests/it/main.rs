//! The program as a whole, on this repository's own data: started as a process, asked over HTTP, ended by signals.

#![allow(clippy::disallowed_methods)] // tests start processes, open sockets and make files

mod cluster_page;
mod commands;
mod compat;
mod configuration;
mod demo;
mod doctor;
mod doctor_tools;
mod flags;
mod from_crds;
mod full_disk;
mod grafana;
mod http;
mod image;
mod no_cluster;
mod own_rules;
#[path = "../../../client/tests/it/pki.rs"]
mod pki;
mod process;
mod reload;
mod rules;
mod scraping;
mod secure;
mod setup;
mod slow_server;
mod stopping;
mod target;
#[path = "../../../client/tests/it/server.rs"]
mod tls_server;
mod web;
