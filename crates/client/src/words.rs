//! What went wrong with a connection, in the words that Go has for it.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible};
use std::io;

/// What the system said, as Go prints it: `connection refused`.
pub fn system_text(e: &io::Error) -> String {
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or("");
    let mut chars = text.chars();
    match chars.next() {
        // A word in capitals stays: only the first letter of a sentence is made small.
        Some(first) if chars.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// The failure of TLS inside an error of reading or writing, if there is one.
pub fn tls_text(e: &io::Error) -> Option<String> {
    let inner = e.get_ref()?.downcast_ref::<Error>()?;
    Some(tls_error(inner))
}

/// A failed read of a file: `open /x: no such file or directory`.
pub fn open_text(path: &str, e: &io::Error) -> String {
    let why = match e.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => system_text(e),
    };
    format!("open {path}: {why}")
}

pub(crate) fn tls_error(e: &Error) -> String {
    match e {
        Error::InvalidCertificate(c) => format!("tls: failed to verify certificate: {}", certificate(c)),
        Error::AlertReceived(alert) => format!("remote error: tls: {}", alert_text(*alert)),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "tls: first record does not look like a TLS handshake".to_owned()
        }
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "tls: server selected unsupported protocol version".to_owned(),
        other => format!("tls: {other}"),
    }
}

fn certificate(e: &CertificateError) -> String {
    match e {
        CertificateError::UnknownIssuer => "x509: certificate signed by unknown authority".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => format!(
            "x509: certificate has expired or is not yet valid: current time {} is after {}",
            instant(time.as_secs()),
            instant(not_after.as_secs())
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "x509: certificate has expired or is not yet valid: current time {} is before {}",
            instant(time.as_secs()),
            instant(not_before.as_secs())
        ),
        CertificateError::NotValidForNameContext { expected, presented } => wrong_name(
            &expected.to_str(),
            matches!(expected, rustls::pki_types::ServerName::IpAddress(_)),
            presented,
        ),
        CertificateError::BadSignature => {
            "x509: certificate signed by unknown authority (its signature does not fit)".to_owned()
        }
        other => format!("x509: {other}"),
    }
}

fn wrong_name(wanted: &str, is_ip: bool, presented: &[String]) -> String {
    // Each is printed as `DnsName("a")` or `IpAddress(1.2.3.4)`.
    let of = |kind: &str| -> Vec<String> {
        let inner =
            presented.iter().filter_map(|p| p.strip_prefix(kind)?.strip_prefix('(')?.strip_suffix(')'));
        inner.map(|p| p.trim_matches('"').to_owned()).collect()
    };
    let names = if is_ip { of("IpAddress") } else { of("DnsName") };
    match (names.is_empty(), is_ip) {
        (true, true) => {
            format!("x509: cannot validate certificate for {wanted} because it doesn't contain any IP SANs")
        }
        (true, false) => {
            format!("x509: certificate is not valid for any names, but wanted to match {wanted}")
        }
        (false, _) => format!("x509: certificate is valid for {}, not {wanted}", names.join(", ")),
    }
}

fn instant(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|s| jiff::Timestamp::from_second(s).ok())
        .map_or_else(|| seconds.to_string(), |t| t.to_string())
}

fn alert_text(alert: AlertDescription) -> String {
    let known = match alert {
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record MAC",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::IllegalParameter => "illegal parameter",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecodeError => "error decoding message",
        AlertDescription::DecryptError => "error decrypting message",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InsufficientSecurity => "insufficient security level",
        AlertDescription::InternalError => "internal error",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::NoApplicationProtocol => "no application protocol",
        other => return format!("{other:?}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_go() {
        assert_eq!(system_text(&io::Error::from_raw_os_error(111)), "connection refused");
        assert_eq!(system_text(&io::Error::from_raw_os_error(104)), "connection reset by peer");
        let e = io::Error::other(Error::AlertReceived(AlertDescription::CertificateRequired));
        assert_eq!(tls_text(&e).as_deref(), Some("remote error: tls: certificate required"));
        assert_eq!(tls_text(&io::Error::other("x")), None);
        assert_eq!(instant(1_577_836_800), "2020-01-01T00:00:00Z");
        let presented = ["DnsName(\"a.example\")".to_owned(), "IpAddress(10.0.0.1)".to_owned()];
        assert_eq!(wrong_name("h", false, &presented), "x509: certificate is valid for a.example, not h");
        assert_eq!(
            wrong_name("10.0.0.2", true, &presented),
            "x509: certificate is valid for 10.0.0.1, not 10.0.0.2"
        );
        assert_eq!(
            wrong_name("10.0.0.2", true, &[]),
            "x509: cannot validate certificate for 10.0.0.2 because it doesn't contain any IP SANs"
        );
    }
}
