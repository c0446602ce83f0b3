//! `tortie collect`: what the doctor saw, without credentials, in one file.

use super::look::{Look, unreached};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use tortie_calico::bundle;
use tortie_calico::snapshot::Source;
use tortie_host::{Fs, RealFs};

/// Writes what the doctor looks at into one archive without credentials: `tortie doctor -f` reads it to the same findings
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie collect\n  tortie collect --context prod -o - | ssh desk 'tortie doctor -f -'\n\n\
Exit: 0 written, 1 the file could not be written, 2 usage, 3 the API server could not be reached"
)]
pub(crate) struct Collect {
    /// The archive; `-` is standard output. By default tortie-bundle-SECONDS.tar.gz
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    look: Look,
}

impl Collect {
    #[allow(clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        match self.run() {
            Ok(code) => ExitCode::from(code),
            Err(e) => {
                eprintln!("tortie collect: {e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }

    #[allow(clippy::print_stderr)]
    fn run(self) -> Result<u8, String> {
        let snap = self.look.snapshot()?;
        if let Some(reason) = unreached(&snap) {
            eprintln!("tortie collect: {reason}");
            return Ok(3);
        }
        if snap.source == Source::Files {
            return Err("manifests are no cluster: there is nothing to collect \
                        (hint: name a dump of a cluster, or judge them with tortie doctor -f)"
                .to_owned());
        }
        let packed = match bundle::pack(&snap, env!("CARGO_PKG_VERSION")) {
            Ok(packed) => packed,
            Err(e) => {
                eprintln!("tortie collect: the archive cannot be made: {e}");
                return Ok(1);
            }
        };
        let path =
            self.output.unwrap_or_else(|| PathBuf::from(format!("tortie-bundle-{}.tar.gz", snap.at / 1000)));
        let standard = path.as_os_str() == "-";
        let written = if standard {
            let mut out = std::io::stdout().lock();
            out.write_all(&packed).and_then(|()| out.flush())
        } else {
            RealFs.write_atomic(&path, &packed)
        };
        if let Err(e) = written {
            eprintln!("tortie collect: {} cannot be written: {e} (hint: -o FILE)", path.display());
            return Ok(1);
        }
        let objects = snap.objects.len()
            + snap.pods.len()
            + snap.services.len()
            + snap.slices.len()
            + snap.nodes.len()
            + snap.namespaces.len();
        let what = if standard { "standard output".to_owned() } else { path.display().to_string() };
        eprintln!(
            "{what}: {objects} objects, {} Prometheus, {} probes, {} things that could not be read; credentials were \
             replaced by {}, names and addresses were not (hint: tortie doctor -f {})",
            snap.collectors.len(),
            snap.probes.len(),
            snap.unseen.len(),
            bundle::MASK,
            if standard { "-".to_owned() } else { path.display().to_string() },
        );
        Ok(0)
    }
}
