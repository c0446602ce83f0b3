//! Tests of the crate from outside: objects, selectors, files, and the client against a scripted API server.

#![allow(clippy::disallowed_methods, clippy::needless_pass_by_value, missing_docs)] // tests read the clock and build files of their own; JSON literals are handed over

mod connect;
mod files;
mod lists;
mod objects;
mod requests;
mod scripted;
mod selectors;
mod writes;
