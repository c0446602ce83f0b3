//! Checkpoints: what is still needed of old segments, in a directory of segments of its own.

use super::read::{Damage, SegmentReader};
use super::record::{self, Kind};
use super::segments::{checkpoint_path, list_checkpoints, list_segments, segment_path};
use super::write::{Wal, WalOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tortie_host::Fs;

/// Records are written in groups of about this many bytes.
const GROUP: usize = 1 << 20;

/// What a checkpoint kept and dropped.
#[derive(Debug, Default, Clone)]
pub struct CheckpointStats {
    /// Series records kept.
    pub series: u64,
    /// Series records dropped.
    pub series_dropped: u64,
    /// Samples kept.
    pub samples: u64,
    /// Samples dropped because they are older than the checkpoint's time.
    pub samples_dropped: u64,
    /// Records of kinds that are copied as they are.
    pub copied: u64,
    /// Damage met on the way: those records are not in the checkpoint.
    pub damage: Vec<Damage>,
}

/// Writes `checkpoint.LAST` from the newest checkpoint and the segments up to `last`, dropping series that `keep`
/// refuses and samples before `mint`.
///
/// # Errors
/// What the system said; the temporary directory is removed and the old state stays.
pub fn write(
    fs: &Arc<dyn Fs>,
    wal_dir: &Path,
    last: u64,
    mint: i64,
    compress: bool,
    keep: &dyn Fn(u64) -> bool,
) -> io::Result<CheckpointStats> {
    let target = checkpoint_path(wal_dir, last);
    let mut tmp = target.clone().into_os_string();
    tmp.push(".tmp");
    let tmp = std::path::PathBuf::from(tmp);
    if fs.kind(&tmp).is_some() {
        fs.remove_dir_all(&tmp)?;
    }
    let done = write_into(fs, wal_dir, &tmp, last, mint, compress, keep);
    let stats = match done {
        Ok(stats) => stats,
        Err(e) => {
            // A left-over is also removed at the next start.
            let _ = fs.remove_dir_all(&tmp);
            return Err(e);
        }
    };
    if fs.kind(&target).is_some() {
        fs.remove_dir_all(&target)?;
    }
    fs.rename(&tmp, &target)?;
    fs.sync_dir(wal_dir)?;
    Ok(stats)
}

/// Removes the segments up to `last` and the checkpoints before it.
///
/// # Errors
/// What the system said; what stays is ignored by a start and removed by the next checkpoint.
pub fn remove_superseded(fs: &dyn Fs, wal_dir: &Path, last: u64) -> io::Result<()> {
    for n in list_segments(fs, wal_dir)? {
        if n <= last {
            fs.remove_file(&segment_path(wal_dir, n))?;
        }
    }
    for n in list_checkpoints(fs, wal_dir)? {
        if n < last {
            fs.remove_dir_all(&checkpoint_path(wal_dir, n))?;
        }
    }
    fs.sync_dir(wal_dir)
}

fn write_into(
    fs: &Arc<dyn Fs>,
    wal_dir: &Path,
    tmp: &Path,
    last: u64,
    mint: i64,
    compress: bool,
    keep: &dyn Fn(u64) -> bool,
) -> io::Result<CheckpointStats> {
    let options = WalOptions { compress, segment_size: 128 << 20, sync_interval_ms: 0 };
    let out = Wal::create(Arc::clone(fs), tmp, 0, options, None)?;
    let mut c = Copy {
        out,
        mint,
        keep,
        stats: CheckpointStats::default(),
        group: Vec::new(),
        bytes: 0,
        samples: Vec::new(),
    };
    let before = list_checkpoints(fs.as_ref(), wal_dir)?.into_iter().rfind(|n| *n <= last);
    let mut floor = mint;
    if let Some(n) = before {
        floor =
            floor.max(read_min_valid_time(fs.as_ref(), &checkpoint_path(wal_dir, n))?.unwrap_or(i64::MIN));
    }
    let mut head = Vec::new();
    record::put_min_valid_time(&mut head, floor);
    c.push(head)?;
    if let Some(n) = before {
        let dir = checkpoint_path(wal_dir, n);
        for s in list_segments(fs.as_ref(), &dir)? {
            c.segment(fs.as_ref(), &segment_path(&dir, s))?;
        }
    }
    for s in list_segments(fs.as_ref(), wal_dir)? {
        if s <= last && before.is_none_or(|b| s > b) {
            c.segment(fs.as_ref(), &segment_path(wal_dir, s))?;
        }
    }
    c.flush()?;
    c.out.close()?;
    fs.sync_dir(tmp)?;
    Ok(c.stats)
}

/// The time below which a checkpoint dropped samples; `None` when it does not say (Prometheus before 3.16).
///
/// # Errors
/// When it cannot be read.
pub fn read_min_valid_time(fs: &dyn Fs, dir: &Path) -> io::Result<Option<i64>> {
    let Some(first) = list_segments(fs, dir)?.first().copied() else { return Ok(None) };
    let mut r = SegmentReader::open(fs, &segment_path(dir, first))?;
    Ok(match r.next_record()? {
        Some(rec) if record::kind(rec) == Kind::MinValidTime => record::min_valid_time(rec).ok(),
        _ => None,
    })
}

/// Whether a record of a kind that is not decoded lies an hour before `mint`, judged by the time of its first sample.
/// One record holds one commit, so its samples lie close together.
fn is_old(rec: &[u8], mint: i64) -> bool {
    const HOUR: i64 = 3_600_000;
    let timed = matches!(rec.first(), Some(4 | 7..=10));
    let time = rec.get(9..17).and_then(|b| b.try_into().ok()).map(i64::from_be_bytes);
    timed && time.is_some_and(|t| t < mint.saturating_sub(HOUR))
}

struct Copy<'k> {
    out: Wal,
    mint: i64,
    keep: &'k dyn Fn(u64) -> bool,
    stats: CheckpointStats,
    group: Vec<Vec<u8>>,
    bytes: usize,
    samples: Vec<record::RefSample>,
}

impl Copy<'_> {
    fn segment(&mut self, fs: &dyn Fs, path: &Path) -> io::Result<()> {
        let mut r = SegmentReader::open(fs, path)?;
        while let Some(rec) = r.next_record()? {
            match self.record(rec) {
                Ok(Some(kept)) => self.push(kept)?,
                Ok(None) => {}
                Err(_) => r.reject("record content does not decode"),
            }
        }
        self.stats.damage.extend(r.into_damage());
        Ok(())
    }

    fn record(&mut self, rec: &[u8]) -> Result<Option<Vec<u8>>, record::RecordError> {
        match record::kind(rec) {
            Kind::Series => self.series(rec),
            Kind::Samples | Kind::SamplesV2 => self.samples(rec),
            Kind::Tombstones => self.tombstones(rec),
            Kind::MinValidTime => Ok(None),
            Kind::Skipped(_) if is_old(rec, self.mint) => Ok(None),
            Kind::Skipped(_) => {
                self.stats.copied += 1;
                Ok(Some(rec.to_vec()))
            }
            Kind::Unknown(_) => Ok(None),
        }
    }

    fn series(&mut self, rec: &[u8]) -> Result<Option<Vec<u8>>, record::RecordError> {
        let mut out = Vec::with_capacity(rec.len());
        record::begin_series(&mut out);
        let (keep, stats) = (self.keep, &mut self.stats);
        record::series(rec, |r, l| {
            if keep(r) {
                stats.series += 1;
                record::put_series(&mut out, r, l.len(), l.iter());
            } else {
                stats.series_dropped += 1;
            }
        })?;
        Ok((out.len() > 1).then_some(out))
    }

    fn samples(&mut self, rec: &[u8]) -> Result<Option<Vec<u8>>, record::RecordError> {
        self.samples.clear();
        record::samples(rec, &mut self.samples)?;
        if record::kind(rec) == Kind::SamplesV2 && self.samples.iter().all(|s| s.t >= self.mint) {
            // Copied whole: written anew it would lose its start timestamps.
            self.stats.samples += self.samples.len() as u64;
            return Ok(Some(rec.to_vec()));
        }
        let mut out = Vec::with_capacity(rec.len());
        let mut enc = record::SamplesEncoder::default();
        for s in &self.samples {
            if s.t >= self.mint {
                self.stats.samples += 1;
                enc.put(&mut out, s.ref_id, s.t, s.v);
            } else {
                self.stats.samples_dropped += 1;
            }
        }
        Ok((!enc.is_empty()).then_some(out))
    }

    fn tombstones(&mut self, rec: &[u8]) -> Result<Option<Vec<u8>>, record::RecordError> {
        let mut stones = Vec::new();
        record::tombstones(rec, &mut stones)?;
        stones.retain(|s| s.maxt >= self.mint && (self.keep)(s.ref_id));
        let mut out = Vec::new();
        record::put_tombstones(&mut out, &stones);
        Ok((!stones.is_empty()).then_some(out))
    }

    fn push(&mut self, rec: Vec<u8>) -> io::Result<()> {
        self.bytes += rec.len();
        self.group.push(rec);
        if self.bytes > GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let recs: Vec<&[u8]> = self.group.iter().map(Vec::as_slice).collect();
        if !recs.is_empty() {
            self.out.log(&recs)?;
        }
        self.group.clear();
        self.bytes = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
