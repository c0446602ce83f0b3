//! The Kubernetes API: its objects, files that hold them, a client that only reads and a separate one that writes.
//!
//! Reading order: [`object`] (what an object is), [`selector`], [`files`] (objects out of manifests, folders and bundles),
//! [`client`] (objects out of a live cluster), [`watch`] (objects kept up to date), [`writer`] (changes). Whoever only
//! looks at a cluster takes a [`client::Cluster`], which has no method that writes.

pub mod client;
pub mod files;
pub mod object;
pub mod selector;
mod slim;
pub mod watch;
pub mod writer;

pub use client::{Cluster, ConnectError, ConnectOptions, Identity, ReadError};
pub use object::{Gvk, Malformed, Meta, Object, ObjectRef, Origin};
pub use selector::Selector;
pub use writer::{ApplyError, Writer};
