//! `dns_sd_configs`: names of which targets are asked of DNS.

/// One element of `dns_sd_configs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsSdConfig {
    /// Names to ask for.
    pub names: Vec<String>,
    /// Which records are asked for.
    pub kind: RecordType,
    /// The type as it is written in the configuration.
    pub written: String,
    /// Port of the targets; SRV records bring their own.
    pub port: u64,
    /// Time between two questions, milliseconds.
    pub refresh_interval_ms: i64,
}

/// Types of records that name targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordType {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Hosts with ports.
    Srv,
    /// Mail servers.
    Mx,
    /// Name servers.
    Ns,
}

impl RecordType {
    /// Its name in DNS.
    pub fn as_str(self) -> &'static str {
        match self {
            RecordType::A => "A",
            RecordType::Aaaa => "AAAA",
            RecordType::Srv => "SRV",
            RecordType::Mx => "MX",
            RecordType::Ns => "NS",
        }
    }

    /// The type of a name, in capitals or not.
    pub fn parse(text: &str) -> Option<RecordType> {
        [RecordType::A, RecordType::Aaaa, RecordType::Srv, RecordType::Mx, RecordType::Ns]
            .into_iter()
            .find(|t| t.as_str().eq_ignore_ascii_case(text))
    }
}
