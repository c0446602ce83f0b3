//! `--baseline`: the fingerprints of an earlier report.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use tortie_host::{Fs, RealFs};

/// Fingerprints in a report that `-o json` wrote.
///
/// # Errors
/// When the file is not there or no such report.
pub(super) fn read(path: &Path) -> Result<BTreeSet<String>, String> {
    let hint = "(hint: write one with tortie doctor -o json)";
    let text = RealFs.read(path).map_err(|e| format!("baseline {}: {e} {hint}", path.display()))?;
    let report: Value =
        serde_json::from_slice(&text).map_err(|e| format!("baseline {}: {e} {hint}", path.display()))?;
    if report["schema"] != "tortie.doctor/v1" {
        return Err(format!("baseline {}: not a report of schema tortie.doctor/v1 {hint}", path.display()));
    }
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    Ok(findings.iter().filter_map(|f| f["fingerprint"].as_str().map(str::to_owned)).collect())
}
