//! The log being written: records into segments, cut back after a failed write, synced by a thread of its own.
//!
//! A batch is written by the thread that commits it, in one `write`; only one writes at a time. Records written since
//! the last good sync stay in memory (bounded) and are logged again into a new segment when a sync fails.

use super::journal::Journal;
use super::unsynced::Unsynced;
use super::{frame, segments};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tortie_host::{Fs, FsFile};

/// Most bytes of unsynced records kept for logging again.
const KEEP_UNSYNCED: usize = 64 << 20;

/// Counters of a log.
#[derive(Debug, Default)]
pub struct WalCounters {
    /// Bytes written.
    pub bytes: AtomicU64,
    /// Writes that failed.
    pub failed: AtomicU64,
    /// Syncs.
    pub syncs: AtomicU64,
    /// Syncs that failed.
    pub syncs_failed: AtomicU64,
    /// Number of the segment being written.
    pub segment: AtomicU64,
}

/// Settings of a log.
#[derive(Debug, Clone, Copy)]
pub struct WalOptions {
    /// Compress with snappy.
    pub compress: bool,
    /// Largest segment in bytes.
    pub segment_size: u64,
    /// Milliseconds between syncs, 0 for none but at a segment's end and at close.
    pub sync_interval_ms: u64,
}

struct Inner {
    file: Arc<dyn FsFile>,
    segment: u64,
    /// Bytes of whole records in the segment.
    len: u64,
    /// A failed write may have left bytes after `len`.
    ragged: bool,
    /// Start a new segment before the next record.
    renew: bool,
    /// Earlier segments that are not synced yet.
    unsynced_files: Vec<Arc<dyn FsFile>>,
    dirty: bool,
    unsynced: Unsynced,
    out: Vec<u8>,
    packed: Vec<u8>,
    /// Where the records of one call lie in `packed`; `None` for one that is written as it is.
    places: Vec<Option<Range<usize>>>,
    encoder: snap::raw::Encoder,
    closed: bool,
}

struct Shared {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    options: WalOptions,
    inner: Mutex<Inner>,
    stop: Condvar,
    counters: WalCounters,
    /// Is told of each new segment before it begins.
    journal: Option<Arc<Journal>>,
}

/// A write-ahead log open for writing.
pub struct Wal {
    shared: Arc<Shared>,
    syncer: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Wal {
    /// Starts segment `segment` in `dir`; it must not exist or be empty.
    ///
    /// # Errors
    /// When the segment cannot be created.
    pub fn create(
        fs: Arc<dyn Fs>,
        dir: &Path,
        segment: u64,
        options: WalOptions,
        journal: Option<Arc<Journal>>,
    ) -> io::Result<Wal> {
        fs.create_dir_all(dir)?;
        if let Some(j) = &journal {
            j.note_segment(segment);
        }
        let file = fs.create(&segments::segment_path(dir, segment))?;
        fs.sync_dir(dir)?;
        let inner = Inner {
            file,
            segment,
            len: 0,
            ragged: false,
            renew: false,
            unsynced_files: Vec::new(),
            dirty: false,
            unsynced: Unsynced::default(),
            out: Vec::new(),
            packed: Vec::new(),
            places: Vec::new(),
            encoder: snap::raw::Encoder::new(),
            closed: false,
        };
        let counters = WalCounters::default();
        counters.segment.store(segment, Ordering::Relaxed);
        let shared = Arc::new(Shared {
            fs,
            dir: dir.to_owned(),
            options,
            inner: Mutex::new(inner),
            stop: Condvar::new(),
            counters,
            journal,
        });
        let syncer = if options.sync_interval_ms > 0 {
            let shared = Arc::clone(&shared);
            Some(std::thread::Builder::new().name("wal-sync".to_owned()).spawn(move || shared.sync_loop())?)
        } else {
            None
        };
        Ok(Wal { shared, syncer: Mutex::new(syncer) })
    }

    /// Writes records; all of them or, on error, none.
    ///
    /// # Errors
    /// What the system said; the segment ends with its last whole record as before.
    pub fn log(&self, records: &[&[u8]]) -> io::Result<()> {
        let mut inner = self.shared.lock();
        let done = self.shared.log(&mut inner, records);
        if done.is_err() {
            self.shared.counters.failed.fetch_add(1, Ordering::Relaxed);
        }
        done
    }

    /// Ends the current segment and begins the next; returns the new one's number.
    ///
    /// # Errors
    /// When the segment cannot be created.
    pub fn next_segment(&self) -> io::Result<u64> {
        let mut inner = self.shared.lock();
        self.shared.mend(&mut inner)?;
        self.shared.next_segment(&mut inner)?;
        Ok(inner.segment)
    }

    /// Makes all that was logged durable.
    ///
    /// # Errors
    /// What the system said; the records were then logged again into a new segment where that was possible.
    pub fn sync(&self) -> io::Result<()> {
        self.shared.sync()
    }

    /// Counters.
    pub fn counters(&self) -> &WalCounters {
        &self.shared.counters
    }

    /// Bytes of memory that the log holds.
    pub fn memory(&self) -> u64 {
        let i = self.shared.lock();
        (i.unsynced.memory() + i.out.capacity() + i.packed.capacity()) as u64
    }

    /// Fills the last page, syncs and closes. Later writes fail.
    ///
    /// # Errors
    /// What the system said.
    pub fn close(&self) -> io::Result<()> {
        let done = {
            let mut inner = self.shared.lock();
            if inner.closed {
                return Ok(());
            }
            inner.closed = true;
            self.shared.mend(&mut inner).and_then(|()| self.shared.end_page(&mut inner))
        };
        self.shared.stop.notify_all();
        let syncer = self.syncer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(t) = syncer {
            // A panic of the thread has nothing left to say here.
            let _ = t.join();
        }
        done.and(self.shared.sync())
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        // As a kill would: nothing is padded or synced, but the thread must not outlive the log.
        self.shared.lock().closed = true;
        self.shared.stop.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, i: &mut Inner, records: &[&[u8]]) -> io::Result<()> {
        if i.closed {
            return Err(io::Error::other("the log is closed"));
        }
        self.mend(i)?;
        if i.renew {
            self.next_segment(i)?;
        }
        self.pack_all(i, records);
        let packed = std::mem::take(&mut i.packed);
        let places = std::mem::take(&mut i.places);
        let done = self.write_all(i, parts(records, &places, &packed));
        if done.is_ok() {
            i.dirty = true;
            if self.options.sync_interval_ms > 0 {
                for (flags, bytes) in parts(records, &places, &packed) {
                    i.unsynced.push(flags, bytes, KEEP_UNSYNCED);
                }
            }
        }
        i.packed = packed;
        i.places = places;
        done
    }

    /// Frames records and writes them, in one write unless a segment ends between them.
    fn write_all<'r>(&self, i: &mut Inner, records: impl Iterator<Item = (u8, &'r [u8])>) -> io::Result<()> {
        i.out.clear();
        let mut pos = i.len;
        for (flags, bytes) in records {
            if bytes.len() as u64 > frame::room(pos, self.options.segment_size) {
                // What came before in this batch goes to the old segment, and stays there when the rest fails: a
                // replay then sees a part of the batch, as after a crash between two writes.
                self.write_out(i, pos)?;
                self.next_segment(i)?;
                pos = i.len;
            }
            frame::push_record(&mut i.out, &mut pos, bytes, flags);
        }
        self.write_out(i, pos)
    }

    /// Compresses what becomes smaller by it into `packed`.
    fn pack_all(&self, i: &mut Inner, records: &[&[u8]]) {
        i.places.clear();
        let mut from = 0;
        for rec in records {
            let place = if self.options.compress { pack(i, rec, from) } else { None };
            from = place.as_ref().map_or(from, |p| p.end);
            i.places.push(place);
        }
    }

    fn write_out(&self, i: &mut Inner, pos: u64) -> io::Result<()> {
        if i.out.is_empty() {
            return Ok(());
        }
        if let Err(e) = i.file.write_all_at(&i.out, i.len) {
            i.ragged = true;
            i.renew = e.kind() != io::ErrorKind::StorageFull;
            // Cut back at once when the disk lets us, else before the next record.
            let _ = self.mend(i);
            return Err(e);
        }
        self.counters.bytes.fetch_add(i.out.len() as u64, Ordering::Relaxed);
        i.len = pos;
        i.out.clear();
        Ok(())
    }

    /// Cuts the segment back to its last whole record after a failed write.
    fn mend(&self, i: &mut Inner) -> io::Result<()> {
        if i.ragged {
            i.file.set_len(i.len)?;
            i.ragged = false;
        }
        Ok(())
    }

    fn end_page(&self, i: &mut Inner) -> io::Result<()> {
        i.out.clear();
        let mut pos = i.len;
        let mut out = std::mem::take(&mut i.out);
        frame::finish_page(&mut out, &mut pos);
        i.out = out;
        self.write_out(i, pos)
    }

    fn next_segment(&self, i: &mut Inner) -> io::Result<()> {
        self.end_page(i)?;
        if let Some(j) = &self.journal {
            j.note_segment(i.segment + 1);
        }
        let file = self.fs.create(&segments::segment_path(&self.dir, i.segment + 1))?;
        self.fs.sync_dir(&self.dir)?;
        let old = std::mem::replace(&mut i.file, file);
        i.unsynced_files.push(old);
        i.dirty = true;
        i.segment += 1;
        i.len = 0;
        i.renew = false;
        self.counters.segment.store(i.segment, Ordering::Relaxed);
        if self.options.sync_interval_ms == 0 {
            for f in std::mem::take(&mut i.unsynced_files) {
                self.count_sync(f.sync())?;
            }
        }
        Ok(())
    }

    fn count_sync(&self, r: io::Result<()>) -> io::Result<()> {
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        if r.is_err() {
            self.counters.syncs_failed.fetch_add(1, Ordering::Relaxed);
        }
        r
    }

    fn sync(&self) -> io::Result<()> {
        let (files, upto) = {
            let mut i = self.lock();
            if !i.dirty {
                return Ok(());
            }
            i.dirty = false;
            let mut files = std::mem::take(&mut i.unsynced_files);
            files.push(Arc::clone(&i.file));
            (files, i.unsynced.seal())
        };
        let mut result = Ok(());
        for f in files {
            result = result.and(self.count_sync(f.sync()));
        }
        let mut i = self.lock();
        match result {
            Ok(()) => {
                i.unsynced.forget(upto);
                Ok(())
            }
            Err(e) => {
                // The system may have dropped the pages it could not write and says so only once.
                i.dirty = true;
                tracing::error!(component = "tsdb", err = %e, "WAL sync failed, logging again into a new segment");
                if let Err(again) = self.log_again(&mut i) {
                    tracing::error!(component = "tsdb", err = %again, "logging again failed");
                }
                Err(e)
            }
        }
    }

    fn log_again(&self, i: &mut Inner) -> io::Result<()> {
        self.mend(i)?;
        self.next_segment(i)?;
        let records = std::mem::take(&mut i.unsynced);
        let done = self.write_all(i, records.records());
        i.unsynced = records;
        done
    }

    fn sync_loop(&self) {
        let interval = Duration::from_millis(self.options.sync_interval_ms);
        loop {
            let inner = self.lock();
            if inner.closed {
                return;
            }
            let (inner, _) = self.stop.wait_timeout(inner, interval).unwrap_or_else(PoisonError::into_inner);
            if inner.closed {
                return;
            }
            drop(inner);
            // Counted, logged and tried again at the next round.
            let _ = self.sync();
        }
    }
}

/// Compresses a record to `packed[from..]`; `None` when it does not become smaller.
fn pack(i: &mut Inner, rec: &[u8], from: usize) -> Option<Range<usize>> {
    let max = snap::raw::max_compress_len(rec.len());
    if max == 0 {
        return None;
    }
    if i.packed.len() < from + max {
        i.packed.resize(from + max, 0);
    }
    let n = i.encoder.compress(rec, i.packed.get_mut(from..)?).ok()?;
    (n < rec.len()).then_some(from..from + n)
}

/// Flags and bytes of each record as it is written.
fn parts<'r>(
    records: &'r [&'r [u8]],
    places: &'r [Option<Range<usize>>],
    packed: &'r [u8],
) -> impl Iterator<Item = (u8, &'r [u8])> {
    records.iter().zip(places).map(|(rec, place)| match place.clone().and_then(|p| packed.get(p)) {
        Some(bytes) => (frame::SNAPPY, bytes),
        None => (0, *rec),
    })
}

#[cfg(test)]
mod tests;
