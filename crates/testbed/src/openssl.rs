//! Certificates, made with openssl: the authority whose client certificates the API server takes, and what it signs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::bed::Bed;

/// Files of the authority in a bed's folder.
const AUTHORITY: [&str; 2] = ["client-ca.crt", "client-ca.key"];

/// Runs openssl and gives what it printed.
pub(crate) fn openssl(arguments: &[&str], input: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot run openssl (hint: package openssl)")?;
    let mut pipe = child.stdin.take().context("no standard input")?;
    pipe.write_all(input)?;
    drop(pipe);
    let out = child.wait_with_output()?;
    if !out.status.success() {
        bail!("openssl {}: {}", arguments.join(" "), String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(out.stdout)
}

/// Makes the authority in `folder`.
pub(crate) fn authority(folder: &Path) -> anyhow::Result<()> {
    let [certificate, key] = AUTHORITY.map(|f| folder.join(f).display().to_string());
    curve(&key)?;
    let subject = ["-subj", "/CN=bed", "-days", "30", "-out", &certificate];
    openssl(&[&["req", "-x509", "-new", "-key", &key], &subject[..]].concat(), b"").map(drop)
}

fn curve(to: &str) -> anyhow::Result<()> {
    let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", to];
    openssl(&[&["genpkey"], &curve[..]].concat(), b"").map(drop)
}

impl Bed {
    /// The certificate of the authority of [`Bed::certificate`].
    pub fn client_authority(&self) -> PathBuf {
        self.folder().join(AUTHORITY[0])
    }

    /// Makes a certificate and its key, files `NAME.crt` and `NAME.key`, good for `days` from now on; -1 was good until
    /// yesterday. `subject` is openssl's, such as `/O=GROUP/CN=USER`; `extensions` are lines of its configuration, such as
    /// `subjectAltName=IP:10.99.0.1`.
    ///
    /// # Errors
    /// When openssl does not do it.
    pub fn certificate(
        &self,
        name: &str,
        subject: &str,
        extensions: &str,
        days: i32,
    ) -> anyhow::Result<(PathBuf, PathBuf)> {
        let file = |kind: &str| self.folder().join(format!("{name}.{kind}"));
        let text = |path: &Path| path.display().to_string();
        let (certificate, key, lines) = (file("crt"), file("key"), file("ext"));
        std::fs::write(&lines, extensions)?;
        curve(&text(&key))?;
        let request = openssl(&["req", "-new", "-key", &text(&key), "-subj", subject], b"")?;
        let [authority, signer] = AUTHORITY.map(|f| text(&self.folder().join(f)));
        let signed = ["-CA", &authority, "-CAkey", &signer, "-CAcreateserial"];
        let (days, lines, out) = (days.to_string(), text(&lines), text(&certificate));
        let shape = ["-days", &days, "-extfile", &lines, "-out", &out];
        openssl(&[&["x509", "-req"], &signed[..], &shape[..]].concat(), &request)?;
        Ok((certificate, key))
    }
}
