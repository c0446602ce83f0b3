//! Where simulated and replayed targets listen.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::http::{Answer, Listener};

/// How targets get their addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bind {
    /// Each target its own loopback address `127.x.y.z` at the component's usual port; where one cannot be bound
    /// (another demo runs, or the system has no 127.0.0.0/8), that target takes a free port on 127.0.0.1.
    #[default]
    OwnAddress,
    /// Each target a free port on 127.0.0.1.
    AnyPort,
}

/// Nodes a /16 of addresses holds: the last octet stays within 1..=250.
const PER_NET: usize = 250;

/// The address number `i` of net `127.net.0.0`.
pub(crate) fn address(net: u8, i: usize) -> Ipv4Addr {
    let extra = i / (PER_NET * 256);
    let third = (i / PER_NET) % 256;
    Ipv4Addr::new(127, net.saturating_add(extra as u8), third as u8, (i % PER_NET + 1) as u8)
}

impl Bind {
    /// Listens as target `target`, at `wanted` if this bind asks for it and it is free.
    ///
    /// # Errors
    /// When not even a free port on 127.0.0.1 can be had.
    pub(crate) fn open(
        self,
        wanted: SocketAddr,
        target: usize,
        answer: &Arc<dyn Answer>,
    ) -> io::Result<Listener> {
        if self == Bind::OwnAddress {
            match Listener::open(wanted, target, answer.clone()) {
                Ok(listener) => return Ok(listener),
                Err(e) => tracing::debug!("cannot listen on {wanted}: {e}; taking a free port on 127.0.0.1"),
            }
        }
        Listener::open(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), target, answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_distinct_and_never_end_in_zero() {
        let all: std::collections::HashSet<_> = (0..70_000).map(|i| address(20, i)).collect();
        assert_eq!(all.len(), 70_000);
        assert!(all.iter().all(|a| a.octets()[3] != 0 && a.octets()[3] != 255));
        assert_eq!(address(20, 0).to_string(), "127.20.0.1");
        assert_eq!(address(20, 250).to_string(), "127.20.1.1");
    }
}
