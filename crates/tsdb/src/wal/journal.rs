//! Our own copy of the series records, so that a lost one orphans no sample.
//!
//! `series.journal` beside the WAL's directory: a header (magic, version, identity), then entries of length (u32),
//! CRC32C (u32) and a series record as in the WAL, all little-endian; an entry that begins with a zero byte names a
//! segment that we are about to begin. It is read only when a sample names a series that the WAL does not know. A
//! journal that does not name the newest segment is stale: somebody else wrote the log since and may have given
//! references again. A missing, foreign, stale or damaged journal changes nothing else. It is written anew with the
//! series that live at each checkpoint.

use super::record;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tortie_host::{Fs, FsFile};
use tortie_model::Labels;

/// Name of the file in the data directory.
pub const NAME: &str = "series.journal";
const HEAD: &[u8; 12] = b"tortieSJ\x01\0\0\0";

/// A journal open for writing.
pub struct Journal {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: Option<Arc<dyn FsFile>>,
    len: u64,
    buf: Vec<u8>,
    /// The last segment that was named.
    segment: Option<u64>,
}

impl Journal {
    /// Opens the journal of a data directory for appending, or begins one when there is none that fits. `newest` is
    /// the number of the newest segment of the log.
    pub fn open(fs: Arc<dyn Fs>, data_dir: &Path, newest: Option<u64>) -> Journal {
        let path = data_dir.join(NAME);
        let state = Mutex::new(State { file: None, len: 0, buf: Vec::new(), segment: None });
        let j = Journal { fs, path, state };
        j.reopen(newest);
        j
    }

    /// Whether it holds no series.
    pub fn is_fresh(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).len <= HEAD.len() as u64
    }

    /// Notes that segment `n` is about to begin.
    pub fn note_segment(&self, n: u64) {
        self.add(&segment_entry(n));
        self.state.lock().unwrap_or_else(PoisonError::into_inner).segment = Some(n);
    }

    /// Adds a series record. A failure is logged and costs only the second copy.
    pub fn add(&self, rec: &[u8]) {
        let mut s = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buf = std::mem::take(&mut s.buf);
        buf.clear();
        put_entry(&mut buf, rec);
        let done = match &s.file {
            Some(f) => f.write_all_at(&buf, s.len),
            None => Ok(()),
        };
        match done {
            Ok(()) => s.len += buf.len() as u64,
            // The entry's bytes are written over by the next one.
            Err(e) => {
                tracing::warn!(component = "tsdb", file = %self.path.display(), err = %e, "series journal not written")
            }
        }
        s.buf = buf;
    }

    /// Replaces the content by these series records.
    ///
    /// # Errors
    /// What the system said; the old journal then stays.
    pub fn replace(&self, records: &mut dyn Iterator<Item = Vec<u8>>) -> io::Result<()> {
        let mut s = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = HEAD.to_vec();
        if let Some(n) = s.segment {
            put_entry(&mut out, &segment_entry(n));
        }
        for rec in records {
            put_entry(&mut out, &rec);
        }
        self.fs.write_atomic(&self.path, &out)?;
        s.file = Some(self.fs.open_rw(&self.path)?);
        s.len = out.len() as u64;
        Ok(())
    }

    fn begin(&self) -> io::Result<(Arc<dyn FsFile>, u64)> {
        let f = self.fs.create(&self.path)?;
        f.append(HEAD)?;
        Ok((f, HEAD.len() as u64))
    }

    fn reopen(&self, newest: Option<u64>) {
        let mut s = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = self.fs.read(&self.path).ok().and_then(|bytes| {
            let mut named = None;
            let end = entries(&bytes, |rec| named = segment_of(rec).or(named))?;
            if is_stale(named, newest) {
                return None;
            }
            let f = self.fs.open_rw(&self.path).ok()?;
            f.set_len(end as u64).ok()?;
            Some((f, end as u64))
        });
        let ready = match opened {
            Some(found) => Ok(found),
            None => self.begin(),
        };
        match ready {
            Ok((f, len)) => (s.file, s.len) = (Some(f), len),
            Err(e) => {
                tracing::warn!(component = "tsdb", file = %self.path.display(), err = %e, "series journal not opened")
            }
        }
    }
}

/// The series of a journal by reference; empty when there is none that fits.
pub fn load(fs: &dyn Fs, data_dir: &Path, newest: Option<u64>) -> HashMap<u64, Labels> {
    let mut found = HashMap::new();
    let Ok(bytes) = fs.read(&data_dir.join(NAME)) else { return found };
    let mut named = None;
    entries(&bytes, |rec| {
        if let Some(n) = segment_of(rec) {
            named = Some(n);
            return;
        }
        // A checksum that fits with content that does not: this entry is left out.
        let _ = record::series(rec, |r, l| {
            found.insert(r, l);
        });
    });
    if is_stale(named, newest) { HashMap::new() } else { found }
}

fn is_stale(named: Option<u64>, newest: Option<u64>) -> bool {
    newest.is_some_and(|n| named.is_none_or(|m| m < n))
}

fn segment_entry(n: u64) -> [u8; 9] {
    let mut e = [0; 9];
    if let Some(place) = e.last_chunk_mut::<8>() {
        *place = n.to_le_bytes();
    }
    e
}

fn segment_of(rec: &[u8]) -> Option<u64> {
    let rest = rec.strip_prefix(&[0])?;
    Some(u64::from_le_bytes(rest.try_into().ok()?))
}

fn put_entry(out: &mut Vec<u8>, rec: &[u8]) {
    out.extend_from_slice(&(rec.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(rec).to_le_bytes());
    out.extend_from_slice(rec);
}

/// Hands out entries until one does not fit; returns where that is. `None` when the header is foreign.
fn entries(bytes: &[u8], mut each: impl FnMut(&[u8])) -> Option<usize> {
    let mut rest = bytes.strip_prefix(HEAD)?;
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let crc = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let Some((rec, after)) = body.split_at_checked(len) else { break };
        if crc32c::crc32c(rec) != crc {
            break;
        }
        each(rec);
        rest = after;
    }
    Some(bytes.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_host::MemFs;

    fn rec(id: u64, name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        record::begin_series(&mut out);
        record::put_series(&mut out, id, 1, [("__name__", name)].into_iter());
        out
    }

    #[test]
    fn survives_a_torn_end_and_a_foreign_header() {
        let fs = MemFs::new();
        let dir = Path::new("/data");
        let j = Journal::open(Arc::new(fs.clone()), dir, None);
        j.add(&rec(1, "a"));
        j.add(&rec(2, "b"));
        let f = fs.open_rw(&dir.join(NAME)).unwrap();
        f.set_len(f.len().unwrap() - 1).unwrap();
        assert_eq!(load(&fs, dir, None).len(), 1);
        let j = Journal::open(Arc::new(fs.clone()), dir, None);
        j.add(&rec(3, "c"));
        let got = load(&fs, dir, None);
        assert_eq!(got[&1], Labels::from_pairs([("__name__", "a")]));
        assert_eq!(got[&3], Labels::from_pairs([("__name__", "c")]));
        j.replace(&mut [rec(9, "z")].into_iter()).unwrap();
        j.add(&rec(10, "y"));
        let mut ids: Vec<_> = load(&fs, dir, None).into_keys().collect();
        ids.sort_unstable();
        assert_eq!(ids, [9, 10]);
        assert!(load(&fs, dir, Some(0)).is_empty(), "it names no segment");
        j.note_segment(4);
        assert_eq!(load(&fs, dir, Some(4)).len(), 2);
        assert!(load(&fs, dir, Some(5)).is_empty(), "somebody else began segment 5");
        assert!(Journal::open(Arc::new(fs.clone()), dir, Some(5)).is_fresh());
        fs.open_rw(&dir.join(NAME)).unwrap().write_all_at(b"x", 3).unwrap();
        assert!(load(&fs, dir, None).is_empty());
    }
}
