//! `doctor -f`: files into a snapshot, with what could not be read as lines for the terminal.

use std::path::PathBuf;
use tortie_calico::collect::assume;
use tortie_calico::collect::from_files::{self, Unusable};
use tortie_calico::snapshot::Snapshot;
use tortie_host::{Fs, RealFs};

/// Reads files.
///
/// # Errors
/// When a file that was named is not there, or nothing at all could be read.
pub(crate) fn read(files: &[PathBuf], assumed: &str, now: i64) -> Result<(Snapshot, Vec<String>), String> {
    let assumed = assume::parse(assumed).map_err(|e| e.to_string())?;
    for file in files.iter().filter(|f| f.as_os_str() != "-") {
        if RealFs.kind(file).is_none() {
            return Err(format!(
                "{}: no such file (hint: name a file, a folder, a bundle or -)",
                file.display()
            ));
        }
    }
    let (snap, unusable) = from_files::read(&RealFs, files, &assumed, now);
    let mut told = Vec::new();
    for one in &unusable {
        match one {
            Unusable::Document(p) if p.level == tortie_cluster::files::Level::Note => {}
            Unusable::Document(p) => told.push(p.to_string()),
            Unusable::Object(text) => told.push(text.clone()),
        }
    }
    let nothing = snap.objects.is_empty() && snap.services.is_empty() && snap.pods.is_empty();
    if nothing {
        if !told.is_empty() {
            return Err(told.join("\n"));
        }
        let name = |f: &PathBuf| match f.as_os_str() == "-" {
            true => "standard input".to_owned(),
            false => f.display().to_string(),
        };
        let names: Vec<String> = files.iter().map(name).collect();
        return Err(format!(
            "there is no Kubernetes object in {} (hint: name manifests, what kubectl get -o json printed, or a bundle of \
             tortie collect)",
            names.join(", ")
        ));
    }
    Ok((snap, told))
}
