//! Names of segments and checkpoints, and which of them are there.

use std::io;
use std::path::{Path, PathBuf};
use tortie_host::Fs;

/// Path of segment `n` in `dir`.
pub fn segment_path(dir: &Path, n: u64) -> PathBuf {
    dir.join(format!("{n:08}"))
}

/// Path of the checkpoint that covers segments up to `n`.
pub fn checkpoint_path(dir: &Path, n: u64) -> PathBuf {
    dir.join(format!("checkpoint.{n:08}"))
}

/// Numbers of the segments in `dir`, ascending; empty when the directory is not there.
///
/// # Errors
/// When the directory cannot be listed.
pub fn list_segments(fs: &dyn Fs, dir: &Path) -> io::Result<Vec<u64>> {
    let mut found: Vec<u64> = names(fs, dir)?.iter().filter_map(|n| number(n)).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Numbers of the checkpoints in `dir`, ascending.
///
/// # Errors
/// When the directory cannot be listed.
pub fn list_checkpoints(fs: &dyn Fs, dir: &Path) -> io::Result<Vec<u64>> {
    let mut found: Vec<u64> = names(fs, dir)?
        .iter()
        .filter(|n| fs.kind(&dir.join(n)) == Some(true))
        .filter_map(|n| n.strip_prefix("checkpoint.").and_then(number))
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// Removes what an interrupted checkpoint or repair left behind.
///
/// # Errors
/// When the directory cannot be listed or a left-over cannot be removed.
pub fn remove_left_overs(fs: &dyn Fs, dir: &Path) -> io::Result<()> {
    for name in names(fs, dir)? {
        let path = dir.join(&name);
        match fs.kind(&path) {
            Some(true) if name.starts_with("checkpoint.") && name.ends_with(".tmp") => {
                fs.remove_dir_all(&path)?
            }
            Some(false) if name.ends_with(".repair") || name.ends_with(".tmp") => fs.remove_file(&path)?,
            _ => {}
        }
    }
    Ok(())
}

fn names(fs: &dyn Fs, dir: &Path) -> io::Result<Vec<String>> {
    if fs.kind(dir).is_none() {
        return Ok(Vec::new());
    }
    fs.list(dir)
}

fn number(name: &str) -> Option<u64> {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_host::MemFs;

    #[test]
    fn lists_numbers_and_leaves_the_rest() {
        let fs = MemFs::new();
        let dir = Path::new("/wal");
        assert!(list_segments(&fs, dir).unwrap().is_empty());
        for n in ["00000002", "00000010", "00000003.repair", "x"] {
            fs.create(&dir.join(n)).unwrap();
        }
        for n in ["checkpoint.00000001", "checkpoint.00000004.tmp"] {
            fs.create_dir_all(&dir.join(n)).unwrap();
        }
        assert_eq!(list_segments(&fs, dir).unwrap(), [2, 10]);
        assert_eq!(list_checkpoints(&fs, dir).unwrap(), [1]);
        remove_left_overs(&fs, dir).unwrap();
        assert_eq!(fs.list(dir).unwrap(), ["00000002", "00000010", "checkpoint.00000001", "x"]);
    }
}
