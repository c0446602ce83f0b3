//! Custom resources: read from the fixtures at run time.

use std::path::PathBuf;

use anyhow::Context;

use crate::bed::Bed;

/// The folder of the fixtures' custom resources.
fn folder() -> anyhow::Result<PathBuf> {
    let fixtures = std::env::var_os("TORTIE_FIXTURES")
        .context("TORTIE_FIXTURES is not set: it names the folder of the fixtures (hint: make peers-test)")?;
    Ok(PathBuf::from(fixtures).join("crds"))
}

/// Files of the classic API (`crd.projectcalico.org/v1`) and of Tigera's operator.
///
/// # Errors
/// When `TORTIE_FIXTURES` is not set.
pub fn calico_crds() -> anyhow::Result<Vec<PathBuf>> {
    let folder = folder()?;
    Ok(vec![folder.join("calico-crd-v1.yaml"), folder.join("tigera-operator.yaml")])
}

/// Files of the native API (`projectcalico.org/v3` as custom resources) and of Tigera's operator.
///
/// # Errors
/// When `TORTIE_FIXTURES` is not set.
pub fn native_v3_crds() -> anyhow::Result<Vec<PathBuf>> {
    let folder = folder()?;
    Ok(vec![folder.join("calico-v3.yaml"), folder.join("tigera-operator.yaml")])
}

/// Makes the custom resources of Calico and Tigera's operator on `bed`.
///
/// # Errors
/// When the API server refuses one.
pub fn install_calico_crds(bed: &Bed, native_v3: bool) -> anyhow::Result<()> {
    install(bed, &if native_v3 { native_v3_crds()? } else { calico_crds()? })
}

/// Makes the custom resources of prometheus-operator on `bed`.
///
/// # Errors
/// When the API server refuses one.
pub fn install_monitoring_crds(bed: &Bed) -> anyhow::Result<()> {
    let folder = folder()?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("monitoring.coreos.com_")) {
            files.push(path);
        }
    }
    files.sort();
    install(bed, &files)
}

fn install(bed: &Bed, files: &[PathBuf]) -> anyhow::Result<()> {
    let mut texts = Vec::new();
    for file in files {
        texts.push(std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    bed.install_crds(&texts)
}
