//! Tests beside the real API server, kubectl and recorded clusters: `make peers-test`.

#![allow(clippy::print_stdout)] // what was counted and measured is printed
#![allow(clippy::disallowed_methods, missing_docs)] // tests read files and the clock

mod live;
mod recorded;
mod tunnel;
