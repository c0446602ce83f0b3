//! The testbed with its real peers.

#![allow(clippy::print_stdout)] // what was counted and measured is printed
#![allow(clippy::disallowed_methods)] // waits and reads files

mod accepted;
mod bed;
mod chain;
mod recordings;
mod tigera;
