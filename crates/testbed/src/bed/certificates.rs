//! Certificates that are no good.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::Bed;

impl Bed {
    /// A certificate that expired yesterday and its key: the files, made when first asked for.
    ///
    /// # Errors
    /// Without openssl.
    pub fn expired_certificate(&self) -> anyhow::Result<(PathBuf, PathBuf)> {
        expired(&self.folder().join("certs"))
    }
}

pub(crate) fn expired(folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let at = |name: &str| folder.join(format!("expired.{name}"));
    if !at("crt").exists() {
        let (key, request, new) = (at("key"), at("csr"), at("new"));
        let subject = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=felix"];
        openssl(
            Command::new("openssl")
                .arg("req")
                .arg("-new")
                .args(subject)
                .arg("-keyout")
                .arg(&key)
                .arg("-out")
                .arg(&request),
        )?;
        // With an extension it is of version 3, which others are not taken for.
        std::fs::write(at("ext"), "basicConstraints=CA:FALSE\n")?;
        let mut sign = Command::new("openssl");
        sign.args(["x509", "-req", "-days", "-1"]).arg("-in").arg(&request).arg("-signkey").arg(&key);
        sign.arg("-extfile").arg(at("ext")).arg("-out").arg(&new);
        openssl(&mut sign)?;
        std::fs::rename(new, at("crt"))?;
    }
    Ok((at("crt"), at("key")))
}

fn openssl(command: &mut Command) -> anyhow::Result<()> {
    let out = command.output().context("cannot run openssl (hint: package openssl)")?;
    if !out.status.success() {
        bail!("cannot make a certificate: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(())
}
