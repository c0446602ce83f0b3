//! Section `tls_config` of a client.

use super::http::source;
use crate::http_client::{Source, TlsConfig, TlsVersion};
use crate::read::{Errors, Section};
use crate::{Diagnostic, yaml::Node};

pub(super) fn read(s: &mut Section<'_>, dir: &str, errors: &mut Errors) -> TlsConfig {
    let path = s.path_of("tls_config");
    s.take("tls_config").map_or_else(TlsConfig::default, |node| section(node, &path, dir, errors))
}

fn section(node: &Node, path: &str, dir: &str, errors: &mut Errors) -> TlsConfig {
    let mut s = Section::open(node, path, errors);
    let mut part = |key: &str, twice: &str, errors: &mut Errors| {
        source(&mut s, key, dir, errors).unwrap_or_else(|| {
            errors.push(node.at, format!("at most one of {twice} must be configured"));
            Source::Empty
        })
    };
    let ca = part("ca", "ca, ca_file & ca_ref", errors);
    let cert = part("cert", "cert, cert_file & cert_ref", errors);
    let key = part("key", "key and key_file", errors);
    if !cert.is_empty() && key.is_empty() {
        errors.push(
            node.at,
            "exactly one of key or key_file must be configured when a client certificate is configured",
        );
    }
    if cert.is_empty() && !key.is_empty() {
        errors.push(
            node.at,
            "exactly one of cert or cert_file must be configured when a client key is configured",
        );
    }
    let server_name = s.text("server_name", errors).map(|(t, _)| t).unwrap_or_default();
    let insecure_skip_verify = s.boolean("insecure_skip_verify", errors).unwrap_or(false);
    let (min_version, max_version) =
        (version(&mut s, "min_version", errors), version(&mut s, "max_version", errors));
    if let (Some(min), Some(max)) = (min_version, max_version)
        && max < min
    {
        errors.push(
            node.at,
            "tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified",
        );
    }
    if max_version.is_some_and(|v| v < TlsVersion::Tls12) {
        let d = Diagnostic::new(
            node.at,
            "max_version below TLS12 is not supported: TLS 1.0 and 1.1 are not spoken",
        );
        errors.add(d.hint("remove it, or let a proxy before the server speak TLS 1.2"));
    }
    TlsConfig { ca, cert, key, server_name, insecure_skip_verify, min_version, max_version }
}

fn version(s: &mut Section<'_>, key: &str, errors: &mut Errors) -> Option<TlsVersion> {
    let (text, at) = s.text(key, errors)?;
    let found = TlsVersion::parse(&text);
    if found.is_none() {
        errors.push(at, format!("unknown TLS version: {text}"));
    }
    found
}
