//! `http_headers`: own headers of each request.

use crate::credential::checked;
use crate::words::open_text;
use std::path::Path;
use tortie_config::http_client::Header;
use tortie_host::Fs;

/// The headers with their values, files read anew. Names are as Go writes them.
///
/// # Errors
/// When a file cannot be read, or a name or value may not stand in a request.
pub(crate) fn all(headers: &[Header], fs: &dyn Fs) -> Result<Vec<(String, String)>, String> {
    let mut out = Vec::new();
    for h in headers {
        let name = canonical(checked_name(&h.name)?);
        for v in &h.values {
            out.push((name.clone(), checked(&name, v.clone())?));
        }
        for s in &h.secrets {
            out.push((name.clone(), checked(&name, s.expose().to_owned())?));
        }
        for f in &h.files {
            let bytes = fs
                .read(Path::new(f))
                .map_err(|e| format!("unable to read headers file {f}: {}", open_text(f, &e)))?;
            out.push((name.clone(), checked(&name, String::from_utf8_lossy(&bytes).trim().to_owned())?));
        }
    }
    Ok(out)
}

/// The name, when it may stand in a request.
pub(crate) fn checked_name(name: &str) -> Result<&str, String> {
    let fine = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    if fine { Ok(name) } else { Err(format!("net/http: invalid header field name {name:?}")) }
}

/// `x-my-header` as `X-My-Header`.
fn canonical(name: &str) -> String {
    let mut upper = true;
    name.chars()
        .map(|c| {
            let c = if upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            upper = c == '-';
            c
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_config::Secret;
    use tortie_host::MemFs;

    #[test]
    fn values_secrets_and_files_in_this_order() {
        let fs = MemFs::new();
        fs.create(Path::new("/f")).unwrap().append(b" three\n").unwrap();
        let h = Header {
            name: "x-own".into(),
            values: vec!["one".into()],
            secrets: vec![Secret::new("two")],
            files: vec!["/f".into()],
        };
        let got = all(std::slice::from_ref(&h), &fs).unwrap();
        assert_eq!(
            got.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>(),
            ["X-Own=one", "X-Own=two", "X-Own=three"]
        );
        let gone = Header { files: vec!["/g".into()], ..h.clone() };
        assert_eq!(
            all(&[gone], &fs).unwrap_err(),
            "unable to read headers file /g: open /g: no such file or directory"
        );
        let broken = Header { name: "a b".into(), ..h.clone() };
        assert_eq!(all(&[broken], &fs).unwrap_err(), "net/http: invalid header field name \"a b\"");
        let broken = Header { secrets: vec![Secret::new("hunter2\n")], ..h };
        let e = all(&[broken], &fs).unwrap_err();
        assert_eq!(e, "net/http: invalid header field value for \"X-Own\"");
    }
}
