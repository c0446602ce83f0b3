//! What the commands around the doctor look at: a cluster, or files and bundles.

use super::doctor::files;
use super::doctor::kube_flags::{KubeFlags, PrometheusFlags};
use clap::Args;
use std::path::PathBuf;
use tortie_calico::snapshot::Snapshot;
use tortie_host::{Clock, SystemClock};

/// Where to look.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Look {
    /// Looks at files, folders, a bundle of `tortie collect` or `-` (standard input) instead of a cluster
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// What is in the cluster beside the files, such as calico=3.32,install=operator
    #[arg(long, value_name = "WHAT", default_value = "", requires = "files", hide_default_value = true)]
    pub(crate) assume: String,
    #[command(flatten)]
    pub(crate) kube: KubeFlags,
    #[command(flatten)]
    pub(crate) prometheus: PrometheusFlags,
}

impl Look {
    /// Takes the snapshot; what could not be read is told on standard error.
    ///
    /// # Errors
    /// When a flag is wrong or no file could be read.
    #[allow(clippy::print_stderr)]
    pub(crate) fn snapshot(&self) -> Result<Snapshot, String> {
        let (snap, told) = if self.files.is_empty() {
            self.kube.look(&self.prometheus, None)?
        } else {
            files::read(&self.files, &self.assume, SystemClock::new().now_ms())?
        };
        for line in told {
            eprintln!("{line}");
        }
        Ok(snap)
    }
}

/// Why an API server could not be asked at all, when that is so.
pub(crate) fn unreached(snap: &Snapshot) -> Option<&str> {
    snap.unseen.iter().find(|u| u.what == "api").map(|u| u.reason.as_str())
}
