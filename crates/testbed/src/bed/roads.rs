//! What lies between two processes of a bed: packets to an address that get lost on the way, or are sent back.

use anyhow::bail;

use super::Bed;

/// What becomes of packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// They get lost, as a firewall loses them that says nothing.
    Lost,
    /// They come back: no route to host.
    Rejected,
}

/// Rules of this priority close roads; they come before the table of local addresses.
const CLOSED: &str = "10";

/// Done once: local addresses are looked up after the rules above, and lost packets go out of a device without an other end.
const PREPARE: &str = "ip rule show pref 100 | grep -q . && exit 0
ip rule add pref 100 lookup local && ip rule del pref 0
ip link add lost type ifb && ip address add 192.0.2.1/32 dev lost && ip link set lost up
ip route add default dev lost table 77
ip route add unreachable default table 78";

impl Bed {
    /// Closes the road to TCP `port` of `address`, for all processes of the bed.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn close_road(&self, address: &str, port: u16, road: Road) -> anyhow::Result<()> {
        self.shell(PREPARE)?;
        let action = if road == Road::Lost { "lookup 77" } else { "lookup 78" };
        self.shell(&format!("ip rule add pref {CLOSED} to {address} ipproto tcp dport {port} {action}"))
    }

    /// Opens all roads.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn open_roads(&self) -> anyhow::Result<()> {
        self.shell(&format!(
            "while ip rule show pref {CLOSED} | grep -q .; do ip rule del pref {CLOSED} || exit 1; done"
        ))
    }

    fn shell(&self, script: &str) -> anyhow::Result<()> {
        let out = self.namespace().command("sh").args(["-ec", script]).output()?;
        if !out.status.success() {
            bail!("{script}: {}", String::from_utf8_lossy(&out.stderr).trim());
        }
        Ok(())
    }
}
