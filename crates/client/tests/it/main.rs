//! Requests over real sockets on loopback.
#![allow(clippy::disallowed_methods)] // the tests run on real time

mod bodies;
mod pki;
mod proxies;
mod reach;
mod redirects;
mod rig;
mod secrets;
mod server;
mod tls;
mod tokens;
