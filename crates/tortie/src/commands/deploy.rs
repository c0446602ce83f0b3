//! `tortie deploy`: the objects that run tortie inside a cluster, as files.

use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tortie_calico::deploy::{Form, Options, files};
use tortie_host::{Fs, RealFs};

/// Prints what runs tortie inside a cluster; nothing is written to any cluster
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie deploy --export yaml --image registry.example/tortie:0.1 | kubectl apply -f -\n  \
                  tortie deploy --export kustomize --image registry.example/tortie:0.1 --out deploy/\n  \
                  tortie deploy --export helm --image registry.example/tortie:0.1 --out charts/; helm install -n tortie \
                  --create-namespace tortie charts/tortie\n\n\
                  `make image` builds the image as an OCI archive; push it where your nodes pull from."
)]
pub(crate) struct Deploy {
    /// Form of the files
    #[arg(long, value_enum)]
    export: Export,

    /// The image as nodes pull it
    #[arg(long, value_name = "IMAGE")]
    image: String,

    /// Namespace of everything; a chart takes the release's
    #[arg(short, long, default_value = "tortie", value_parser = namespace)]
    namespace: String,

    /// Size of the volume
    #[arg(long, default_value = "10Gi", value_parser = quantity, value_name = "QUANTITY")]
    storage: String,

    /// Class of the volume; by default the cluster's
    #[arg(long, default_value = "", value_name = "NAME")]
    storage_class: String,

    /// How long samples are kept
    #[arg(long, default_value = "15d", value_parser = duration, value_name = "DURATION")]
    retention: String,

    /// Memory, asked for and the limit
    #[arg(long, default_value = "512Mi", value_parser = quantity, value_name = "QUANTITY")]
    memory: String,

    /// Processor time that is asked for
    #[arg(long, default_value = "100m", value_parser = quantity, value_name = "QUANTITY")]
    cpu: String,

    /// Folder to write into; yaml goes to the output without it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Export {
    Yaml,
    Kustomize,
    Helm,
}

/// A name of a namespace: letters, digits and dashes.
fn namespace(text: &str) -> Result<String, String> {
    let fine = !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-');
    if fine { Ok(text.to_owned()) } else { Err("small letters, digits and dashes, at most 63".to_owned()) }
}

/// A quantity as Kubernetes writes it: a number above zero and a suffix.
fn quantity(text: &str) -> Result<String, String> {
    const SUFFIXES: [&str; 14] = ["", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let fine = digits.parse::<f64>().is_ok_and(|n| n > 0.0) && SUFFIXES.contains(&suffix);
    if fine { Ok(text.to_owned()) } else { Err("not a quantity (hint: 10Gi, 512Mi, 250m)".to_owned()) }
}

fn duration(text: &str) -> Result<String, String> {
    tortie_model::duration::parse(text).map(|_| text.to_owned()).map_err(|e| e.to_string())
}

impl Deploy {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let options = Options {
            namespace: self.namespace,
            image: self.image,
            storage: self.storage,
            storage_class: self.storage_class,
            retention: self.retention,
            memory: self.memory,
            cpu: self.cpu,
            ..Options::default()
        };
        let form = match self.export {
            Export::Yaml => Form::Yaml,
            Export::Kustomize => Form::Kustomize,
            Export::Helm => Form::Helm,
        };
        let made = files(&options, form);
        let Some(out) = self.out else {
            if let [(_, text)] = made.as_slice() {
                print!("{text}");
                return ExitCode::SUCCESS;
            }
            eprintln!("tortie deploy: this form has several files (hint: --out DIR)");
            return ExitCode::from(super::EXIT_USAGE);
        };
        for (name, text) in &made {
            if let Err(e) = write(&out.join(name), text) {
                eprintln!("tortie deploy: {}: {e}", out.join(name).display());
                return ExitCode::FAILURE;
            }
            println!("{}", out.join(name).display());
        }
        ExitCode::SUCCESS
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        RealFs.create_dir_all(folder)?;
    }
    RealFs.create(path)?.write_all_at(text.as_bytes(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_server_would_take_is_refused_before() {
        for fine in ["10Gi", "512Mi", "100m", "1.5", "2"] {
            assert!(quantity(fine).is_ok(), "{fine}");
        }
        for wrong in ["", "0", "Gi", "-1", "10GiB", "ten", "1e3x"] {
            assert!(quantity(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "Tortie", "-x", "a.b", "x-"] {
            assert!(namespace(wrong).is_err(), "{wrong}");
        }
        assert!(namespace("calico-monitoring").is_ok());
        assert!(duration("15d").is_ok() && duration("soon").is_err());
    }
}
