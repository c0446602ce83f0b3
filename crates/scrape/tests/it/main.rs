//! Scraping from outside: real requests to tiny servers on the loopback, into a stand-in of the head.
#![allow(clippy::disallowed_methods)] // the tests run on real time

mod configured;
mod connections;
mod foreign;
mod head;
mod limits;
mod live;
#[path = "../../../client/tests/it/pki.rs"]
mod pki;
mod random;
mod rig;
mod secured;
mod series;
mod server;
mod sink;
mod targets;
#[path = "../../../client/tests/it/server.rs"]
mod tls_server;
mod warped;
