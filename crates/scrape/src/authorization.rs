//! The Authorization header of scrapes, which nothing prints.

use std::fmt;
use std::path::Path;
use tortie_config::Secret;
use tortie_host::Fs;

/// Who a scrape says it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Basic { user: Credential, password: Credential },
    Scheme { scheme: String, credentials: Credential },
}

/// A secret, or the file that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// The text itself.
    Text(Secret),
    /// A path; the file is read for each request and trimmed, so that it may change without a reload.
    File(String),
}

impl Credential {
    /// A text.
    pub fn text(text: &str) -> Credential {
        Credential::Text(Secret::new(text))
    }

    fn read(&self, fs: &dyn Fs) -> Result<String, String> {
        match self {
            Credential::Text(s) => Ok(s.expose().to_owned()),
            Credential::File(path) => match fs.read(Path::new(path)) {
                Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim().to_owned()),
                Err(e) => Err(format!(
                    "unable to read file {path}: {e}; hint: check that the file is there and may be read"
                )),
            },
        }
    }
}

impl Authorization {
    /// `basic_auth`: user and password.
    pub fn basic(user: Credential, password: Credential) -> Authorization {
        Authorization(Kind::Basic { user, password })
    }

    /// `authorization`: a scheme, `Bearer` by default, and credentials.
    pub fn scheme(scheme: &str, credentials: Credential) -> Authorization {
        Authorization(Kind::Scheme { scheme: scheme.to_owned(), credentials })
    }

    /// The header's value.
    pub(crate) fn header(&self, fs: &dyn Fs) -> Result<String, String> {
        let value = match &self.0 {
            Kind::Basic { user, password } => {
                format!("Basic {}", base64(format!("{}:{}", user.read(fs)?, password.read(fs)?).as_bytes()))
            }
            Kind::Scheme { scheme, credentials } => format!("{scheme} {}", credentials.read(fs)?),
        };
        // A line break would begin another header.
        if value.bytes().any(|b| b.is_ascii_control()) {
            return Err("net/http: invalid header field value for \"Authorization\"".into());
        }
        Ok(value)
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
    use tortie_host::MemFs;

    #[test]
    fn basic_is_base64_and_hidden() {
        for (user, password, expect) in [
            ("a", "", "Basic YTo="),
            ("a", "b", "Basic YTpi"),
            ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ] {
            let a = Authorization::basic(Credential::text(user), Credential::text(password));
            assert_eq!(a.header(&MemFs::new()).unwrap(), expect);
            assert_eq!(format!("{a:?}"), "<secret>");
        }
    }

    #[test]
    fn files_are_read_and_trimmed() {
        let fs = MemFs::new();
        let a = Authorization::scheme("Bearer", Credential::File("/token".into()));
        assert!(a.header(&fs).unwrap_err().starts_with("unable to read file /token: "));
        fs.create(Path::new("/token")).unwrap().append(b" one\n").unwrap();
        assert_eq!(a.header(&fs).unwrap(), "Bearer one");
        fs.create(Path::new("/token")).unwrap().append(b"one\ntwo").unwrap();
        assert!(a.header(&fs).is_err(), "a line break inside is refused");
    }
}
