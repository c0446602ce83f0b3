//! A kept connection of a target, and naming what went wrong with it as Go does.

use std::io;
use std::net::SocketAddr;
use tortie_client::{Stream, Transport, system_text, tls_text};

use crate::target::TargetUrl;

/// A connection to one authority.
pub(super) struct Connection {
    pub(super) stream: Stream,
    https: bool,
    authority: Box<str>,
    /// Whether it was opened for the host that credentials are for.
    trusted: bool,
    generation: u64,
    peer: SocketAddr,
}

impl Connection {
    /// Resolves and connects; with `https` through TLS.
    pub(super) async fn open(
        transport: &Transport,
        url: &TargetUrl,
        trusted: bool,
    ) -> Result<Connection, String> {
        let origin = url.origin()?;
        let opened = transport.connect(&origin, trusted).await?;
        Ok(Connection {
            stream: opened.stream,
            https: origin.https,
            authority: url.authority().into(),
            trusted,
            generation: opened.generation,
            peer: opened.peer,
        })
    }

    /// Whether this connection leads where a request goes.
    pub(super) fn serves(&self, url: &TargetUrl, trusted: bool, generation: u64) -> bool {
        *self.authority == *url.authority()
            && self.https == (url.scheme() == "https")
            && (!self.https || (self.trusted == trusted && self.generation == generation))
    }

    /// An error of reading or writing, with both addresses; of TLS, in its own words.
    pub(super) fn error(&self, what: &str, e: &io::Error) -> String {
        if let Some(text) = tls_text(e) {
            return text;
        }
        let from = self.stream.local_addr().map_or_else(|_| "?".to_owned(), |a| a.to_string());
        format!("{what} tcp {from}->{}: {what}: {}", self.peer, system_text(e))
    }
}
