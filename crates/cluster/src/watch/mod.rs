//! Watches: all objects of a kind, kept up to date.
//!
//! [`Watches`] stands for one API server. It makes each watch once, however many ask for it, and ends it when nobody holds it
//! any more. A [`Watch`] leads to a [`Store`], which holds the objects and tells its listeners which have changed.
//!
//! A watch lists its objects page by page, then is told of changes from there on. It begins anew where it was when the
//! connection ends, and with a list when the API server no longer knows that place (410). While it fails the store keeps
//! what it had and says since when ([`Health`]). Nothing of this is done more often than [`pace`] allows.

mod event;
mod follow;
mod health;
mod hub;
mod lines;
mod objects;
pub mod pace;
mod selection;
mod store;

pub use health::{Health, MissingRight};
pub use hub::{Connect, Watch, Watches};
pub use objects::{
    Conditions, Container, ContainerPort, Custom, Endpoint, EndpointSlice, Endpoints, Ingress, IngressRule,
    Job, Meta, Namespace, Node, Pairs, Pod, Reference, ReplicaSet, Service, ServicePort, SlicePort, Subset,
    SubsetAddress, SubsetPort,
};
pub use selection::{Selection, Standard, Watched};
pub use store::{Changes, Key, Listener, Store, key};

#[cfg(test)]
mod tests;
