//! The whole program beside the real Prometheus: same targets, same questions, same directory.

#![allow(clippy::disallowed_methods)] // tests start processes and make files

mod api;
mod ask;
mod directory;
mod discovery;
mod dns;
mod doctor;
mod http_clients;
mod live;
mod notifications;
#[path = "../../../client/tests/it/pki.rs"]
mod pki;
mod process;
mod replayed;
mod rules;
mod setup;
#[path = "../../../client/tests/it/server.rs"]
mod tls_server;
