//! What a server that speaks TLS shares with the clients of this crate.

pub use crate::der::subject_alt_names;
pub use crate::tls::{Time, certified};
