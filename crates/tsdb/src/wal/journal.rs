//! Our own copy of the series records, so that a lost one orphans no sample.
//!
//! `series.journal` beside the WAL's directory: a header (magic, version, identity), then entries of length (u32),
//! CRC32C (u32) and a series record as in the WAL, all little-endian. It is read only when a sample names a series that
//! the WAL does not know; a missing, foreign or damaged journal changes nothing else. It is written anew with the
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
}

impl Journal {
    /// Opens the journal of a data directory for appending, or begins one.
    pub fn open(fs: Arc<dyn Fs>, data_dir: &Path) -> Journal {
        let path = data_dir.join(NAME);
        let state = Mutex::new(State { file: None, len: 0, buf: Vec::new() });
        let j = Journal { fs, path, state };
        j.reopen();
        j
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
            Err(e) => tracing::warn!(component = "tsdb", file = %self.path.display(), err = %e, "series journal not written"),
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

    fn reopen(&self) {
        let mut s = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = self.fs.read(&self.path).ok().and_then(|bytes| {
            let end = entries(&bytes, |_| {})?;
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
            Err(e) => tracing::warn!(component = "tsdb", file = %self.path.display(), err = %e, "series journal not opened"),
        }
    }
}

/// The series of a journal by reference; empty when there is none that fits.
pub fn load(fs: &dyn Fs, data_dir: &Path) -> HashMap<u64, Labels> {
    let mut found = HashMap::new();
    let Ok(bytes) = fs.read(&data_dir.join(NAME)) else { return found };
    entries(&bytes, |rec| {
        // A checksum that fits with content that does not: this entry is left out.
        let _ = record::series(rec, |r, l| {
            found.insert(r, l);
        });
    });
    found
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
        let j = Journal::open(Arc::new(fs.clone()), dir);
        j.add(&rec(1, "a"));
        j.add(&rec(2, "b"));
        let f = fs.open_rw(&dir.join(NAME)).unwrap();
        f.set_len(f.len().unwrap() - 1).unwrap();
        assert_eq!(load(&fs, dir).len(), 1);
        let j = Journal::open(Arc::new(fs.clone()), dir);
        j.add(&rec(3, "c"));
        let got = load(&fs, dir);
        assert_eq!(got[&1], Labels::from_pairs([("__name__", "a")]));
        assert_eq!(got[&3], Labels::from_pairs([("__name__", "c")]));
        j.replace(&mut [rec(9, "z")].into_iter()).unwrap();
        j.add(&rec(10, "y"));
        let mut ids: Vec<_> = load(&fs, dir).into_keys().collect();
        ids.sort_unstable();
        assert_eq!(ids, [9, 10]);
        fs.open_rw(&dir.join(NAME)).unwrap().write_all_at(b"x", 3).unwrap();
        assert!(load(&fs, dir).is_empty());
    }
}
