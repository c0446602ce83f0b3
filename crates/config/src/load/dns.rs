//! The lists of `dns_sd_configs`. Checks and words are Prometheus'.

use super::render::{Entries, put, text, time};
use crate::dns::{DnsSdConfig, RecordType};
use crate::emit::Doc;
use crate::read::{Errors, Section};
use crate::yaml::Value;

/// Time between two questions when none is given, milliseconds.
const REFRESH: i64 = 30_000;

pub(super) fn read(s: &mut Section<'_>, errors: &mut Errors) -> Vec<DnsSdConfig> {
    let path = format!("{}[]", s.path_of("dns_sd_configs"));
    let mut out = Vec::new();
    for node in s.list("dns_sd_configs", errors).unwrap_or_default() {
        if matches!(node.value, Value::Null) {
            errors.push(node.at, "empty or null section in dns_sd_configs");
            continue;
        }
        let mut section = Section::open(node, &path, errors);
        let names: Vec<String> =
            section.texts("names", errors).unwrap_or_default().into_iter().map(|(n, _)| n).collect();
        if names.is_empty() {
            errors.push(node.at, "DNS-SD config must contain at least one SRV record name");
        }
        let (written, at) = section.text("type", errors).unwrap_or_else(|| ("SRV".to_owned(), node.at));
        let kind = RecordType::parse(&written).unwrap_or_else(|| {
            errors.push(at, format!("invalid DNS-SD records type {written}"));
            RecordType::Srv
        });
        let port = section.unsigned("port", errors).unwrap_or(0);
        if port == 0 && kind != RecordType::Srv {
            errors.push(node.at, "a port is required in DNS-SD configs for all record types except SRV");
        }
        let refresh_interval_ms =
            section.duration("refresh_interval", errors).map(|(ms, _)| ms).unwrap_or(REFRESH);
        out.push(DnsSdConfig { names, kind, written, port, refresh_interval_ms });
    }
    out
}

/// One element as it is shown.
pub(super) fn render(d: &DnsSdConfig) -> Doc {
    let mut e: Entries = vec![("names".to_owned(), Doc::List(d.names.iter().map(|n| text(n)).collect()))];
    if d.refresh_interval_ms != 0 {
        put(&mut e, "refresh_interval", time(d.refresh_interval_ms));
    }
    put(&mut e, "type", text(&d.written));
    put(&mut e, "port", Doc::Raw(d.port.to_string()));
    Doc::Map(e)
}
