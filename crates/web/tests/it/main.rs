//! What a running server cannot be made to show: handlers that panic, clients that go away in the middle, a storage
//! that is still being opened.

#![allow(clippy::disallowed_methods)] // tests may wait by the machine's clock

mod doctor;
#[path = "../../../client/tests/it/pki.rs"]
mod pki;
mod requests;
mod secure;
mod stand_in;
