//! A small HTTP/1.1 server for many targets: one listener each, shared bodies, next to no memory while idle.
//!
//! It exists because a simulated fleet has thousands of addresses and must never cost more than the server that
//! scrapes it: a response is a few shared slices written with one system call, and a connection that waits holds no
//! buffer.

mod listener;
mod reply;
mod request;

pub(crate) use listener::Listener;
pub(crate) use reply::Reply;
pub(crate) use request::Request;

/// Answers the requests of one or more targets.
pub(crate) trait Answer: Send + Sync + 'static {
    /// The reply of target `target` to a `GET /metrics`.
    fn metrics(&self, target: usize, request: &Request) -> Reply;
}
