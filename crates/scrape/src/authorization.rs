//! The Authorization header of scrapes, which nothing prints.

use std::fmt;

/// Value of an Authorization header. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization(String);

impl Authorization {
    /// `basic_auth`: user and password.
    pub fn basic(user: &str, password: &str) -> Authorization {
        Authorization(format!("Basic {}", base64(format!("{user}:{password}").as_bytes())))
    }

    /// `authorization`: a scheme, `Bearer` by default, and credentials.
    pub fn credentials(scheme: &str, credentials: &str) -> Authorization {
        Authorization(format!("{scheme} {credentials}"))
    }

    pub(crate) fn header(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |g, b| g << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_base64_and_hidden() {
        for (user, password, expect) in [
            ("a", "", "Basic YTo="),
            ("a", "b", "Basic YTpi"),
            ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ] {
            let a = Authorization::basic(user, password);
            assert_eq!(a.header(), expect);
            assert_eq!(format!("{a:?}"), "<secret>");
        }
    }
}
