//! The real kubectl on a bed, and kubeconfigs for others.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;

use super::{Bed, cluster_files};
use crate::process::binary;

/// What a program printed and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// Exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Both outputs.
    pub fn both(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl From<std::process::Output> for Output {
    fn from(out: std::process::Output) -> Output {
        Output {
            status: out.status.code(),
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }
}

impl Bed {
    /// A cluster administrator's kubeconfig, context and cluster `bed`, user `admin`; it checks the server's
    /// certificate.
    pub fn kubeconfig(&self) -> PathBuf {
        cluster_files::path(self.folder(), "admin")
    }

    /// Writes a kubeconfig for whoever has `token`, context `bed`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn kubeconfig_with(&self, name: &str, token: &str) -> anyhow::Result<PathBuf> {
        let path = cluster_files::path(self.folder(), name);
        let text = cluster_files::kubeconfig(name, token, Some(&self.authority()));
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// The certificate that the API server's own is checked with.
    pub fn authority(&self) -> PathBuf {
        self.folder().join("certs/apiserver.crt")
    }

    /// Lets the administrator's kubeconfig check the server's certificate, which the server has made by now.
    pub(super) fn write_kubeconfig_authority(&self) -> anyhow::Result<()> {
        self.kubeconfig_with("admin", &cluster_files::token("admin")).map(drop)
    }

    /// A command that runs `program` inside, with `KUBECONFIG` set to the administrator's.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.namespace().command(program);
        command.env("KUBECONFIG", self.kubeconfig()).env("HOME", self.folder());
        command
    }

    /// Runs kubectl as administrator.
    ///
    /// # Errors
    /// When it cannot be run; any exit status is an answer.
    pub fn kubectl<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> anyhow::Result<Output> {
        Ok(self.command(binary("kubectl")?).args(arguments).stdin(Stdio::null()).output()?.into())
    }

    /// Runs kubectl as administrator and gives what it printed.
    ///
    /// # Errors
    /// When it ends otherwise than with 0.
    pub fn kubectl_ok<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> anyhow::Result<String> {
        let out = self.kubectl(arguments)?;
        if out.status != Some(0) {
            let words: Vec<_> = arguments.iter().map(|a| a.as_ref().to_string_lossy()).collect();
            bail!("kubectl {}: {:?}: {}", words.join(" "), out.status, out.both().trim());
        }
        Ok(out.stdout)
    }

    /// `kubectl apply -f -` of YAML or JSON, as a person does.
    ///
    /// # Errors
    /// When kubectl ends otherwise than with 0.
    pub fn apply(&self, documents: &str) -> anyhow::Result<String> {
        let mut command = self.command(binary("kubectl")?);
        command.args(["apply", "-f", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        child.stdin.take().context("no standard input")?.write_all(documents.as_bytes())?;
        let out = Output::from(child.wait_with_output()?);
        if out.status != Some(0) {
            bail!("kubectl apply: {}", out.both().trim());
        }
        Ok(out.stdout)
    }

    /// `kubectl apply` of objects, as a person does.
    ///
    /// # Errors
    /// As [`Bed::apply`].
    pub fn apply_objects(&self, objects: &[Value]) -> anyhow::Result<String> {
        self.apply(&serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects }).to_string())
    }
}
