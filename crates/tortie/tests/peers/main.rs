//! The whole program beside the real Prometheus: same targets, same questions, same directory.

#![allow(clippy::print_stdout)] // what was counted and measured is printed
#![allow(clippy::needless_pass_by_value)] // objects are written where they are handed over
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
mod notifications_secured;
#[path = "../../../client/tests/it/pki.rs"]
mod pki;
mod process;
mod replayed;
mod rules;
mod setup;
#[path = "../../../client/tests/it/server.rs"]
mod tls_server;
