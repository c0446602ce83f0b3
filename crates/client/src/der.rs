//! The little of a certificate's own structure that is needed besides what the library checks: how long it holds, and
//! for whom.

/// Seconds since 1970 between which a certificate holds; `None` when it cannot be read.
pub(crate) fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(certificate)?;
    // version (tagged 0, may be absent), serial number, algorithm, issuer
    if rest.first() == Some(&0xa0) {
        rest = element(rest)?.2;
    }
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, times, _) = element(rest)?;
    let (kind, from, rest) = element(times)?;
    let (until_kind, until, _) = element(rest)?;
    Some((time(kind, from)?, time(until_kind, until)?))
}

/// Whether a certificate names itself as who signed it.
pub(crate) fn names_itself_as_issuer(certificate: &[u8]) -> bool {
    let parts = || {
        let (_, certificate, _) = element(certificate)?;
        let (_, mut rest, _) = element(certificate)?;
        // version (tagged 0, may be absent), serial number, algorithm
        for _ in 0..2 + usize::from(rest.first() == Some(&0xa0)) {
            rest = element(rest)?.2;
        }
        let (_, issuer, rest) = element(rest)?;
        let (_, _times, rest) = element(rest)?;
        Some(issuer == element(rest)?.1)
    };
    parts().unwrap_or(false)
}

/// The names of a certificate (subject alternative names): DNS names, mail addresses, IP addresses, URIs. None when it
/// cannot be read.
pub fn subject_alt_names(certificate: &[u8]) -> Vec<String> {
    extension(certificate, ALT_NAMES).map(names).unwrap_or_default()
}

/// Object identifier 2.5.29.17.
const ALT_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// Content of the octet string of an extension.
fn extension<'a>(certificate: &'a [u8], id: &[u8]) -> Option<&'a [u8]> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut rest, _) = element(certificate)?;
    // Extensions are tagged 3, the last part of what is signed.
    let mut extensions = loop {
        let (tag, content, after) = element(rest)?;
        if tag == 0xa3 {
            break element(content)?.1;
        }
        rest = after;
    };
    loop {
        let (_, one, after) = element(extensions)?;
        let (_, name, mut value) = element(one)?;
        if name == id {
            // Whether it is critical may stand between.
            let (mut tag, mut content, mut more) = element(value)?;
            while tag != 0x04 {
                value = more;
                (tag, content, more) = element(value)?;
            }
            return Some(content);
        }
        extensions = after;
    }
}

fn names(content: &[u8]) -> Vec<String> {
    let mut out = Vec::new();
    let Some((_, mut rest, _)) = element(content) else { return out };
    while let Some((tag, value, after)) = element(rest) {
        match tag {
            // mail, DNS, URI
            0x81 | 0x82 | 0x86 => out.push(String::from_utf8_lossy(value).into_owned()),
            0x87 => {
                let v4 = <[u8; 4]>::try_from(value).map(|b| std::net::IpAddr::from(b).to_string());
                let v6 = <[u8; 16]>::try_from(value).map(|b| std::net::IpAddr::from(b).to_string());
                out.extend(v4.or(v6));
            }
            _ => {}
        }
        rest = after;
    }
    out
}

/// Tag, content and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let n = usize::from(first & 0x7f);
        if n == 0 || n > 4 {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(n)?;
        (digits.iter().fold(0usize, |v, d| v << 8 | usize::from(*d)), rest)
    };
    let (content, after) = rest.split_at_checked(len)?;
    Some((tag, content, after))
}

/// `YYMMDDHHMMSSZ` (tag 0x17) or `YYYYMMDDHHMMSSZ` (tag 0x18).
fn time(tag: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        0x17 => {
            let (y, rest) = text.split_at_checked(2)?;
            let y: i16 = y.parse().ok()?;
            (if y >= 50 { 1900 + y } else { 2000 + y }, rest)
        }
        0x18 => {
            let (y, rest) = text.split_at_checked(4)?;
            (y.parse().ok()?, rest)
        }
        _ => return None,
    };
    let two = |i: usize| rest.get(i..i + 2)?.parse::<i8>().ok();
    let date = jiff::civil::DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?, 0).ok()?;
    Some(jiff::tz::Offset::UTC.to_timestamp(date).ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(time(0x17, b"700101000000Z"), Some(0));
        assert_eq!(time(0x17, b"200101000000Z"), Some(1_577_836_800));
        assert_eq!(time(0x18, b"20500101000000Z"), Some(2_524_608_000));
        for bad in [&b"20"[..], b"201301000000Z", b"200101000000", b"xx0101000000Z"] {
            assert_eq!(time(0x17, bad), None);
        }
    }

    #[test]
    fn names_and_times_of_a_certificate() {
        let names = ["a.example".to_owned(), "10.0.0.1".to_owned(), "::1".to_owned()];
        let cert = rcgen::generate_simple_self_signed(names.to_vec()).unwrap().cert;
        assert_eq!(subject_alt_names(cert.der()), names);
        assert!(validity(cert.der()).is_some_and(|(from, until)| from < until));
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for bad in [&b""[..], b"\x30", b"\x30\x82\xff\xff", b"\x30\x80", b"\x30\x02\x30\x00"] {
            assert_eq!((validity(bad), subject_alt_names(bad)), (None, Vec::new()));
        }
    }
}
