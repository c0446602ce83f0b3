//! Writing a damaged segment anew without its damage, so that nobody after us trips over it.

use crate::wal::frame;
use crate::wal::read::{Damage, SegmentReader};
use crate::wal::record::{self, Kind};
use crate::wal::segments;
use std::io;
use std::path::{Path, PathBuf};
use tortie_host::Fs;

/// Mends one segment. An end torn by a crash is cut off; else the original goes to `quarantine` and a segment with
/// all whole records takes its place.
pub(super) fn segment(fs: &dyn Fs, path: &Path, damage: &[Damage], quarantine: &Path) -> io::Result<()> {
    match damage {
        [] => return Ok(()),
        [one] if one.torn => {
            let f = fs.open_rw(path)?;
            f.set_len(one.offset)?;
            return f.sync();
        }
        _ => {}
    }
    let mut tmp = path.as_os_str().to_owned();
    tmp.push(".repair");
    let tmp = PathBuf::from(tmp);
    rewrite(fs, path, &tmp)?;
    fs.create_dir_all(quarantine)?;
    fs.rename(path, &free_name(fs, path, quarantine))?;
    fs.rename(&tmp, path)?;
    fs.sync_dir(quarantine)?;
    match path.parent() {
        Some(dir) => fs.sync_dir(dir),
        None => Ok(()),
    }
}

fn rewrite(fs: &dyn Fs, path: &Path, tmp: &Path) -> io::Result<()> {
    let mut r = SegmentReader::open(fs, path)?;
    let out = fs.create(tmp)?;
    let (mut buf, mut pos) = (Vec::new(), 0);
    while let Some(rec) = r.next_record()? {
        if !decodes(rec) {
            continue;
        }
        let (flags, raw) = r.raw();
        frame::push_record(&mut buf, &mut pos, raw, flags);
        if buf.len() > 1 << 20 {
            out.append(&buf)?;
            buf.clear();
        }
    }
    frame::finish_page(&mut buf, &mut pos);
    out.append(&buf)?;
    out.sync()
}

fn decodes(rec: &[u8]) -> bool {
    match record::kind(rec) {
        Kind::Series => record::series(rec, |_, _| {}).is_ok(),
        Kind::Samples | Kind::SamplesV2 => record::samples(rec, &mut Vec::new()).is_ok(),
        Kind::Tombstones => record::tombstones(rec, &mut Vec::new()).is_ok(),
        Kind::MinValidTime => record::min_valid_time(rec).is_ok(),
        Kind::Skipped(_) | Kind::Unknown(_) => true,
    }
}

fn free_name(fs: &dyn Fs, path: &Path, quarantine: &Path) -> PathBuf {
    let parent = path
        .parent()
        .and_then(Path::file_name)
        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mut k = 0;
    loop {
        let candidate =
            quarantine.join(if k == 0 { format!("{parent}-{name}") } else { format!("{parent}-{name}.{k}") });
        if fs.kind(&candidate).is_none() {
            return candidate;
        }
        k += 1;
    }
}

/// Puts empty segments where numbers are missing: Prometheus refuses a log with a hole.
pub(super) fn fill_gaps(fs: &dyn Fs, dir: &Path, present: &[u64]) -> io::Result<()> {
    for pair in present.windows(2) {
        let (&[a, b], true) = (pair.first_chunk::<2>().unwrap_or(&[0, 0]), pair.len() == 2) else { continue };
        // A hole of thousands is not a lost file but a foreign number; it is left as it is.
        if b - a > 1024 {
            continue;
        }
        for n in a + 1..b {
            tracing::warn!(
                component = "tsdb",
                segment = n,
                "WAL segment is missing, an empty one takes its place"
            );
            fs.create(&segments::segment_path(dir, n))?;
        }
    }
    Ok(())
}
