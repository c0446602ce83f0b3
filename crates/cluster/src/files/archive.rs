//! Bundles: `.tar.gz` archives, read without unpacking them to disk.

use flate2::read::MultiGzDecoder;
use std::io::{self, Read};

/// How much an archive may hold.
pub(super) struct Limits {
    /// Bytes of all members together, unpacked.
    pub(super) bytes: u64,
    /// Members.
    pub(super) files: usize,
}

/// Hands name and content of each plain file to `visit`, in the archive's order.
///
/// # Errors
/// When the archive is damaged or holds more than the limits; members before the damage were visited.
pub(super) fn each(bytes: &[u8], limits: &Limits, visit: &mut dyn FnMut(&str, Vec<u8>)) -> io::Result<()> {
    // One byte more than allowed, so that running over is told from ending.
    let unpacked = MultiGzDecoder::new(bytes).take(limits.bytes + 1);
    let mut archive = tar::Archive::new(unpacked);
    let mut read = 0u64;
    for (i, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        read = read.saturating_add(entry.size());
        if i >= limits.files || read > limits.bytes {
            return Err(io::Error::other(format!(
                "it holds more than {} files or {} MiB",
                limits.files,
                limits.bytes >> 20
            )));
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path()?.display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        visit(&name, content);
    }
    Ok(())
}
