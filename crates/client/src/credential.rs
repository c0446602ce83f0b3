//! Credentials: read where they are, and the header that they make.

use crate::words::open_text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::Path;
use tortie_config::http_client::Source;
use tortie_host::Fs;

/// The text of a source; a file is read anew and trimmed.
///
/// # Errors
/// When the file cannot be read. The text itself is in no error.
pub(crate) fn read(source: &Source, fs: &dyn Fs) -> Result<String, String> {
    match source {
        Source::Empty => Ok(String::new()),
        Source::Inline(secret) => Ok(secret.expose().to_owned()),
        Source::File(path) => match fs.read(Path::new(path)) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim().to_owned()),
            Err(e) => Err(format!("unable to read file {path}: {}", open_text(path, &e))),
        },
    }
}

/// How errors name a source.
pub(crate) fn description(source: &Source) -> String {
    match source {
        Source::Empty => "none".to_owned(),
        Source::Inline(_) => "inline".to_owned(),
        Source::File(path) => format!("file {path}"),
    }
}

/// `Basic` and the two parts.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Whether the value may stand in a header: a line break would begin another one.
pub(crate) fn checked(name: &str, value: String) -> Result<String, String> {
    if value.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
        return Err(format!("net/http: invalid header field value for {name:?}"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_config::Secret;
    use tortie_host::MemFs;

    #[test]
    fn basic_is_base64() {
        for (user, password, expect) in [
            ("a", "", "Basic YTo="),
            ("a", "b", "Basic YTpi"),
            ("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ] {
            assert_eq!(basic(user, password), expect);
        }
    }

    #[test]
    fn files_are_read_and_trimmed() {
        let fs = MemFs::new();
        let token = Source::File("/token".into());
        assert_eq!(
            read(&token, &fs).unwrap_err(),
            "unable to read file /token: open /token: no such file or directory"
        );
        fs.create(Path::new("/token")).unwrap().append(b" one\n").unwrap();
        assert_eq!(read(&token, &fs).unwrap(), "one");
        assert_eq!(read(&Source::Inline(Secret::new(" x")), &fs).unwrap(), " x");
        assert!(checked("Authorization", "a\nb".into()).is_err(), "a line break inside is refused");
    }
}
