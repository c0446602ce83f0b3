//! Fleet and replay over real sockets.

#![allow(clippy::disallowed_methods, missing_docs, unreachable_pub)] // tests write their own small folders

mod client;
mod faults;
mod fleet;
mod kube;
mod replay;
