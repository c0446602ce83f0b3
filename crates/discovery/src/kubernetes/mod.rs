//! Discovery by a Kubernetes API server, as Prometheus' `kubernetes_sd_configs`.
//!
//! [`Spec`] says what to look at; it comes from the configuration. Jobs with the same spec share one provider, and providers
//! of the same API server share its watches ([`Clusters`]). A provider makes one target group of each object by the pure
//! functions of [`groups`], remembers which other objects it looked at for it, and makes it anew when one of them changes.
//!
//! Where Prometheus makes a group anew only when the object itself, its Service or its node changes, here a change of the
//! pod, namespace, ReplicaSet or Job behind a target shows as well, at once.

mod around;
mod clusters;
pub mod groups;
mod pinned;
mod provider;
mod scope;
mod spec;

pub use clusters::{Clusters, WatchStatus};
pub use provider::Provider;
pub use spec::{Server, Spec};
