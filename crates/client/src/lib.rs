//! Requests to others: TLS, credentials, proxies, redirects, one way for scraping, discovery and notification.
//!
//! [`Transport`] is what one configuration makes: it opens connections and says which headers a request carries.
//! [`Client`] sends whole requests over it and keeps connections; scraping has its own fast path over [`Stream`].

mod client;
mod credential;
mod der;
mod dial;
mod error;
mod header;
mod jwt;
mod kept;
mod no_proxy;
mod oauth2;
mod origin;
mod provider;
mod proxy;
mod reach;
mod roots;
pub mod server_side;
mod socks;
mod stream;
mod tls;
mod transport;
mod url;
mod verify;
mod words;

pub use client::{Client, Request, Response};
pub use error::Error;
pub use no_proxy::NoProxy;
pub use origin::Origin;
pub use provider::crypto_provider;
pub use reach::Reach;
pub use stream::Stream;
pub use transport::{Connection, Transport};
pub use url::Url;
pub use words::{open_text, system_text, tls_text};
