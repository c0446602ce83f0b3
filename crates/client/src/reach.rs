//! What a client may reach when whoever names its targets is not trusted with this machine: neither the machine itself nor
//! what answers at link-local addresses, such as a cloud's metadata service.
//!
//! The address is judged that a connection is about to be made to, after names were resolved: no spelling of an address, no
//! redirect and no name that changes its answer leads around it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Keeps connections away from the own machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    own_ports: Vec<u16>,
}

impl Reach {
    /// Away from loopback and link-local addresses, and from the listeners of this process: `own_ports` on any address of
    /// this machine.
    pub fn outside(own_ports: Vec<u16>) -> Reach {
        Reach { own_ports }
    }

    /// Why no connection may be made to `peer`; `None` when one may.
    pub fn refuses(&self, peer: SocketAddr) -> Option<String> {
        let ip = plain(peer.ip());
        let what = match ip {
            IpAddr::V4(v4) => of_v4(v4),
            IpAddr::V6(v6) => of_v6(v6),
        };
        let what = match what {
            Some(what) => what,
            None if self.own_ports.contains(&peer.port()) && is_here(ip) => "a listener of this process",
            None => return None,
        };
        Some(format!(
            "{peer} is {what}, which targets of custom resources may not be (hint: --crds.allow-local-targets)"
        ))
    }
}

fn of_v4(ip: Ipv4Addr) -> Option<&'static str> {
    if ip.is_loopback() {
        return Some("a loopback address");
    }
    if ip.is_link_local() {
        return Some("a link-local address");
    }
    // The whole net means this machine when connected to.
    (ip.octets()[0] == 0).then_some("an address of this machine")
}

fn of_v6(ip: Ipv6Addr) -> Option<&'static str> {
    if ip.is_loopback() {
        return Some("a loopback address");
    }
    if ip.is_unspecified() {
        return Some("an address of this machine");
    }
    ip.is_unicast_link_local().then_some("a link-local address")
}

/// The address of IPv4 that one of IPv6 stands for, if it does.
fn plain(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let parts = v6.segments();
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match parts {
        // Mapped, and translated by a gateway (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        // Compatible, but for `::` and `::1`.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => v4(high, low),
        // 6to4.
        [0x2002, high, low, ..] => v4(high, low),
        _ => ip,
    }
}

/// Whether an address is one of this machine.
fn is_here(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, expect: Option<&str>) {
        let got = Reach::outside(vec![9090]).refuses(peer.parse().unwrap());
        match expect {
            None => assert_eq!(got, None, "{peer}"),
            Some(what) => assert!(got.as_deref().is_some_and(|g| g.contains(what)), "{peer}: {got:?}"),
        }
    }

    #[test]
    fn this_machine_and_its_neighbours() {
        for loopback in [
            "127.0.0.1:80",
            "127.255.1.2:80",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
            "[::127.0.0.1]:80",
            "[64:ff9b::7f00:1]:80",
            "[2002:7f00:1::]:80",
        ] {
            check(loopback, Some("a loopback address"));
        }
        for local in [
            "169.254.169.254:80",
            "169.254.0.1:80",
            "[fe80::1]:80",
            "[febf::1]:80",
            "[::ffff:a9fe:a9fe]:80",
            "[64:ff9b::a9fe:a9fe]:80",
        ] {
            check(local, Some("a link-local address"));
        }
        for here in ["0.0.0.0:80", "0.1.2.3:80", "[::]:80", "[::ffff:0.0.0.0]:80"] {
            check(here, Some("an address of this machine"));
        }
        for elsewhere in [
            "10.0.0.1:9090",
            "8.8.8.8:80",
            "169.253.1.1:80",
            "128.0.0.1:80",
            "[2001:db8::1]:80",
            "[fec0::1]:80",
            "[::ffff:8.8.8.8]:80",
        ] {
            check(elsewhere, None);
        }
    }
}
