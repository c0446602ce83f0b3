//! A real cluster for tests: etcd, API server, controllers, scheduler and kubelets that pretend, each bed in a network
//! namespace of its own, where every pod of the simulated fleet answers at its own address.
//!
//! Only tests use this crate. It needs root, `ip`, `nsenter`, `setpriv`, and the peers' binaries.

// A tool of tests: it starts processes, waits for them and writes their files.
#![allow(clippy::disallowed_methods)]

mod actor;
mod api;
mod bed;
mod faulty_proxy;
mod fleet;
mod http;
pub mod installs;
pub mod names;
mod namespace;
pub mod openid;
mod openssl;
pub mod operators;
mod pods;
mod process;
pub mod shapes;
mod wait;
mod watch;

pub use actor::Actor;
pub use api::{Api, Refused, path_of};
pub use bed::{AuditEvent, Bed, Options, Output, Road};
pub use faulty_proxy::{Act, Asked, FaultyProxy, Piece, Rule, Treat};
pub use fleet::{Fault, Fleet, Listening, Where};
pub use http::Answer;
pub use namespace::Namespace;
pub use pods::Kubelet;
pub use process::{Process, binary};
pub use wait::until;
