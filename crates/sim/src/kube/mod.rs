//! A Kubernetes API server in this process, for tests and the demo: everything in memory, plain HTTP on loopback, the
//! same uids and times for the same seed and clock.
//!
//! It knows the kinds of `data/kube/kinds.txt` and every custom kind that is defined in it by a
//! CustomResourceDefinition (or installed without one, `data/kube/custom.txt`). Server-side apply, ownership of
//! fields, conflicts, dry runs, preconditions, patches, watches, pages and rights behave as the real server's;
//! what it has not answers 501 with a Status that says so. It runs no controllers: nothing is scheduled, no slices are
//! filled.
//!
//! Not here: protobuf, tables, YAML bodies, OpenAPI documents, CEL rules, admission webhooks, several versions of one
//! custom kind converted into each other, the ownership of `kubectl.kubernetes.io/last-applied-configuration`.

mod aggregated;
mod checks;
mod clock;
mod defaults;
mod discovery;
mod fields;
mod handlers;
mod kinds;
mod patch;
mod plane;
mod request;
mod rights;
mod schema;
mod selectors;
mod server;
mod status;
mod store;
mod tiers;
mod typed;

pub use plane::CalicoApi;
pub use rights::User;
pub use server::{KubeOptions, KubeServer, SeenRequest};
