//! The start: head chunks, then the newest checkpoint, then the segments after it; damage is repaired on the way.

mod repair;

use super::page::{self, FullChunk, Outcome};
use super::{Disk, Head, HeadOptions, OpenError, ReplayProgress, add, page_of, place_of, read, write};
use crate::chunk::{self, ENC_XOR, ENC_XOR2};
use crate::head_chunks::{self, ChunkFiles};
use crate::wal::journal::{self, Journal};
use crate::wal::read::{Damage, SegmentReader};
use crate::wal::record::{self, Kind, RefSample};
use crate::wal::segments;
use crate::wal::write::{Wal, WalOptions};
use crate::wal::{checkpoint, record::RefTombstone};
use hashbrown::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tortie_host::{Clock, Fs};
use tortie_model::{Columns, Labels};

impl Head {
    /// Opens the head of a data directory and brings back what its WAL and head chunks hold.
    ///
    /// Damage is not an error: what was hit is counted and logged by file and offset, the damaged file is copied to
    /// `quarantine/` and written anew without it, and everything else is there.
    ///
    /// # Errors
    /// When a file or directory cannot be read or written.
    pub fn open(
        dir: &Path,
        fs: &Arc<dyn Fs>,
        clock: &Arc<dyn Clock>,
        options: HeadOptions,
        progress: &dyn Fn(ReplayProgress),
    ) -> Result<Head, OpenError> {
        let started = clock.monotonic_ns();
        let wal_dir = dir.join("wal");
        let quarantine = dir.join("quarantine");
        fs.create_dir_all(&wal_dir).map_err(OpenError::io(&wal_dir))?;
        segments::remove_left_overs(fs.as_ref(), &wal_dir).map_err(OpenError::io(&wal_dir))?;
        if segments::list_segments(fs.as_ref(), &dir.join("wbl")).is_ok_and(|s| !s.is_empty()) {
            tracing::warn!(
                component = "tsdb",
                dir = "wbl",
                "out-of-order samples are not supported so far, their log is not read"
            );
        }
        let mut head = Head::with_disk(options, None);
        let mut r = Replay::new(&head, fs, dir);
        let files = r.load_chunks(&quarantine)?;
        let next = r.read_wal(&wal_dir, &quarantine, progress)?;
        r.finish(&files);
        let last_ref = r.last_ref;
        drop(r);
        head.last_ref.store(last_ref, Ordering::Relaxed);
        let wal_options = WalOptions {
            compress: head.options.wal_compression,
            segment_size: head.options.wal_segment_size,
            sync_interval_ms: head.options.wal_sync_interval_ms,
        };
        let journal = Arc::new(Journal::open(Arc::clone(fs), dir, next.checked_sub(1)));
        if journal.is_fresh() && head.series_count() > 0 {
            // A directory from elsewhere, or our journal was lost.
            journal.replace(&mut head.series_records().into_iter()).map_err(OpenError::io(dir))?;
        }
        let wal = Wal::create(Arc::clone(fs), &wal_dir, next, wal_options, Some(Arc::clone(&journal)))
            .map_err(OpenError::io(&wal_dir))?;
        head.disk = Some(Disk { fs: Arc::clone(fs), dir: dir.to_owned(), wal, journal, chunks: files });
        // Series whose samples are all in blocks are of no use any more.
        head.drop_old_data().map_err(OpenError::io(dir))?;
        head.used_bytes.store(head.memory().total(), Ordering::Relaxed);
        let ms = clock.monotonic_ns().saturating_sub(started) / 1_000_000;
        head.counters.replay_ms.store(ms, Ordering::Relaxed);
        Ok(head)
    }
}

struct Replay<'a> {
    head: &'a Head,
    fs: &'a Arc<dyn Fs>,
    dir: PathBuf,
    /// Slots by reference, old references of a series included.
    refs: HashMap<u64, u32>,
    /// Full chunks by reference, until their series is found.
    chunks: HashMap<u64, Vec<FullChunk>>,
    /// Series of the side journal, read when a reference is unknown.
    journal: Option<std::collections::HashMap<u64, Labels>>,
    /// Newest segment of the log, to tell whether the journal is ours.
    newest: Option<u64>,
    last_ref: u64,
    mint: i64,
    maxt: i64,
    samples: Vec<RefSample>,
    stones: Vec<RefTombstone>,
    skipped: HashMap<&'static str, u64>,
}

impl<'a> Replay<'a> {
    fn new(head: &'a Head, fs: &'a Arc<dyn Fs>, dir: &Path) -> Replay<'a> {
        Replay {
            head,
            fs,
            dir: dir.to_owned(),
            refs: HashMap::new(),
            chunks: HashMap::new(),
            journal: None,
            newest: None,
            last_ref: 0,
            mint: i64::MAX,
            maxt: i64::MIN,
            samples: Vec::new(),
            stones: Vec::new(),
            skipped: HashMap::new(),
        }
    }

    fn load_chunks(&mut self, quarantine: &Path) -> Result<ChunkFiles, OpenError> {
        let dir = self.dir.join("chunks_head");
        let min_valid = self.head.options.min_valid_time;
        let (chunks, last_ref, skipped) = (&mut self.chunks, &mut self.last_ref, &mut self.skipped);
        let mut each = |l: head_chunks::Loaded| {
            *last_ref = (*last_ref).max(l.ref_id);
            if l.out_of_order || !matches!(l.encoding, ENC_XOR | ENC_XOR2) {
                let kind =
                    if l.out_of_order { "out-of-order chunks" } else { chunk::encoding_name(l.encoding) };
                *skipped.entry(kind).or_default() += 1;
                return true;
            }
            if l.maxt < min_valid {
                return true;
            }
            let list = chunks.entry(l.ref_id).or_default();
            if list.last().is_some_and(|c| c.maxt >= l.mint) {
                return false;
            }
            list.push(FullChunk { mint: l.mint, maxt: l.maxt, place: l.chunk_ref });
            true
        };
        let (files, damage) =
            head_chunks::load(self.fs, &dir, quarantine, &mut each).map_err(OpenError::io(&dir))?;
        for d in &damage {
            add(&self.head.counters.chunk_corruptions, 1);
            warn(d, "damaged head chunk file: its rest and later files are brought back from the WAL");
        }
        Ok(files)
    }

    /// Reads checkpoint and segments; returns the number of the segment to write.
    fn read_wal(
        &mut self,
        dir: &Path,
        quarantine: &Path,
        progress: &dyn Fn(ReplayProgress),
    ) -> Result<u64, OpenError> {
        let io = OpenError::io(dir);
        let fs = self.fs.as_ref();
        let list = || -> std::io::Result<_> {
            Ok((segments::list_checkpoints(fs, dir)?, segments::list_segments(fs, dir)?))
        };
        let (checkpoints, all) = list().map_err(io)?;
        let checkpoint = checkpoints.last().copied();
        let wanted: Vec<u64> = all.iter().copied().filter(|n| checkpoint.is_none_or(|c| *n > c)).collect();
        let newest = all.last().copied().max(checkpoint);
        self.newest = newest;
        let mut at = ReplayProgress {
            min: wanted.first().copied().unwrap_or(0),
            max: wanted.last().copied().unwrap_or(0),
            current: wanted.first().copied().unwrap_or(0),
        };
        progress(at);
        if let Some(n) = checkpoint {
            let cp = segments::checkpoint_path(dir, n);
            if let Some(t) = checkpoint::read_min_valid_time(fs, &cp).map_err(OpenError::io(&cp))? {
                self.head.min_valid_time.fetch_max(t, Ordering::AcqRel);
            }
            let inside = segments::list_segments(fs, &cp).map_err(OpenError::io(&cp))?;
            for s in inside {
                self.segment(&cp, s, quarantine, false)?;
            }
        }
        for (k, &n) in wanted.iter().enumerate() {
            self.segment(dir, n, quarantine, k + 1 == wanted.len())?;
            at.current = n;
            progress(at);
        }
        repair::fill_gaps(fs, dir, &wanted).map_err(OpenError::io(dir))?;
        Ok(newest.map_or(0, |n| n + 1))
    }

    fn segment(&mut self, dir: &Path, n: u64, quarantine: &Path, last: bool) -> Result<(), OpenError> {
        let path = segments::segment_path(dir, n);
        let mut r = SegmentReader::open(self.fs.as_ref(), &path).map_err(OpenError::io(&path))?;
        loop {
            let known = match r.next_record().map_err(OpenError::io(&path))? {
                None => break,
                Some(rec) => self.record(rec),
            };
            if known.is_err() {
                r.reject("record content does not decode");
            }
        }
        let damage = r.into_damage();
        for d in &damage {
            if d.torn && last {
                tracing::info!(component = "tsdb", file = %d.file, offset = d.offset, "WAL ends within a record, as a crash leaves it");
            } else {
                add(&self.head.counters.wal_corruptions, 1);
                warn(d, "damaged WAL record skipped");
            }
        }
        repair::segment(self.fs.as_ref(), &path, &damage, quarantine).map_err(OpenError::io(&path))
    }

    fn record(&mut self, rec: &[u8]) -> Result<(), record::RecordError> {
        match record::kind(rec) {
            Kind::Series => {
                let mut found = Vec::new();
                let done = record::series(rec, |r, l| found.push((r, l)));
                for (r, l) in found {
                    self.series(r, &l);
                }
                done
            }
            Kind::Samples | Kind::SamplesV2 => {
                self.samples.clear();
                let mut samples = std::mem::take(&mut self.samples);
                let done = record::samples(rec, &mut samples);
                self.store(&samples);
                self.samples = samples;
                done
            }
            Kind::Tombstones => self.tombstones(rec),
            Kind::MinValidTime => Ok(()),
            Kind::Skipped(kind) => {
                *self.skipped.entry(kind).or_default() += 1;
                Ok(())
            }
            Kind::Unknown(_) => {
                *self.skipped.entry("unknown kind").or_default() += 1;
                Ok(())
            }
        }
    }

    fn series(&mut self, ref_id: u64, labels: &Labels) {
        self.last_ref = self.last_ref.max(ref_id);
        if let Some(slot) = self.refs.get(&ref_id) {
            // The same record again, as after a failed sync.
            self.attach(*slot, ref_id);
            return;
        }
        let mut index = self.head.index_mut();
        let (slot, fresh) = match index.find(labels) {
            Some(s) => (s, false),
            None => (index.insert(labels), true),
        };
        drop(index);
        let shared = self.head.page_for(slot);
        let mut p = write(&shared);
        let i = place_of(slot);
        if fresh {
            p.begin(i, ref_id);
            add(&self.head.counters.series_created, 1);
        } else {
            // The series went and came back. Samples under the old reference may still be in the WAL.
            let old = std::mem::replace(&mut p.refs[i], ref_id);
            self.head
                .wal_expiries
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .insert(old, i64::MAX);
        }
        p.flags[i] |= page::LOGGED;
        drop(p);
        self.refs.insert(ref_id, slot);
        self.attach(slot, ref_id);
    }

    /// Gives a series the full chunks that were found under a reference of it.
    fn attach(&mut self, slot: u32, ref_id: u64) {
        let Some(list) = self.chunks.remove(&ref_id) else { return };
        let shared = self.head.page_for(slot);
        let mut p = write(&shared);
        let i = place_of(slot);
        for c in list {
            if c.mint <= p.t[i] {
                continue;
            }
            if p.pos[i].num > 0 {
                p.cut(i);
                add(&self.head.counters.chunks_pending, 1);
            }
            p.push_full(i, c);
            p.t[i] = c.maxt;
            p.delta[i] = 0;
            p.flags[i] |= page::VALUE_UNKNOWN;
            add(&self.head.counters.chunks, 1);
            self.mint = self.mint.min(c.mint);
            self.maxt = self.maxt.max(c.maxt);
        }
    }

    fn slot_of(&mut self, ref_id: u64) -> Option<u32> {
        if let Some(s) = self.refs.get(&ref_id) {
            return Some(*s);
        }
        if self.journal.is_none() {
            self.journal = Some(journal::load(self.fs.as_ref(), &self.dir, self.newest));
        }
        let labels = self.journal.as_mut()?.remove(&ref_id)?;
        self.series(ref_id, &labels);
        self.refs.get(&ref_id).copied()
    }

    fn store(&mut self, samples: &[RefSample]) {
        let min_valid = self.head.min_valid_time.load(Ordering::Acquire);
        let cut = self.head.cut();
        let mut k = 0;
        while let Some(first) = samples.get(k) {
            let Some(slot) = self.slot_of(first.ref_id) else {
                add(&self.head.counters.unknown_refs, 1);
                k += 1;
                continue;
            };
            let shared = self.head.page_for(slot);
            let mut p = write(&shared);
            let (mut stored, mut begun, mut filled) = (0, 0, 0);
            let mut slot = slot;
            while let Some(s) = samples.get(k) {
                let i = place_of(slot);
                k += 1;
                if s.t >= min_valid {
                    let had = p.pos[i].num > 0;
                    match put(&mut p, i, s, cut) {
                        Some(Outcome::StoredInNewChunk) => {
                            stored += 1;
                            begun += 1;
                            filled += u64::from(had);
                        }
                        Some(Outcome::Stored) => stored += 1,
                        _ => {}
                    }
                    self.mint = self.mint.min(s.t);
                    self.maxt = self.maxt.max(s.t);
                }
                // As long as the next sample lies in this page its lock is kept.
                match samples.get(k).and_then(|s| self.refs.get(&s.ref_id)) {
                    Some(next) if page_of(*next) == page_of(slot) => slot = *next,
                    _ => break,
                }
            }
            drop(p);
            let c = &self.head.counters;
            add(&c.samples, stored);
            add(&c.chunks, begun);
            add(&c.chunks_created, begun);
            add(&c.chunks_pending, filled);
        }
    }

    fn tombstones(&mut self, rec: &[u8]) -> Result<(), record::RecordError> {
        self.stones.clear();
        let mut stones = std::mem::take(&mut self.stones);
        let done = record::tombstones(rec, &mut stones);
        for s in &stones {
            self.last_ref = self.last_ref.max(s.ref_id);
            if let Some(slot) = self.slot_of(s.ref_id) {
                self.head.add_tombstone(slot, (s.mint, s.maxt));
            }
        }
        self.stones = stones;
        done
    }

    /// After all records: chunks whose series record is lost, values that only chunks know, the head's times.
    fn finish(&mut self, files: &ChunkFiles) {
        let orphans: Vec<u64> = self.chunks.keys().copied().collect();
        for ref_id in orphans {
            // From the journal, or not at all.
            if self.slot_of(ref_id).is_none() {
                add(&self.head.counters.unknown_refs, 1);
            }
        }
        self.learn_values(files);
        if self.maxt >= self.mint {
            let floor = self.head.min_valid_time.load(Ordering::Acquire);
            self.head.max_time.store(self.maxt, Ordering::Release);
            self.head.min_time.store(self.mint.max(floor), Ordering::Release);
        }
        for (kind, n) in &self.skipped {
            add(&self.head.counters.skipped_records, *n);
            tracing::warn!(
                component = "tsdb",
                kind,
                count = n,
                "not supported so far, left out of the head at start"
            );
        }
        let unknown = self.head.counters.unknown_refs.load(Ordering::Relaxed);
        if unknown > 0 {
            tracing::warn!(component = "tsdb", count = unknown, "samples of unknown series in the WAL");
        }
    }

    /// Decodes the last chunk of series of which the WAL had no sample at its end.
    fn learn_values(&self, files: &ChunkFiles) {
        let mut buf = Vec::new();
        let mut cols = Columns::default();
        for shared in self.head.pages().iter() {
            if read(shared).flags.iter().all(|f| f & page::VALUE_UNKNOWN == 0) {
                continue;
            }
            let mut p = write(shared);
            for i in 0..page::SLOTS {
                let Some(c) = p.full[i].last().copied().filter(|_| p.flags[i] & page::VALUE_UNKNOWN != 0)
                else {
                    continue;
                };
                cols.clear();
                let decoded = files.read(c.place, &mut buf).map_err(|e| e.to_string()).and_then(|enc| {
                    chunk::decode(enc, &buf, i64::MIN, i64::MAX, &mut cols).map_err(|e| e.to_string())
                });
                if let Err(e) = decoded {
                    tracing::warn!(component = "tsdb", err = %e, "head chunk not read at start");
                    continue;
                }
                if let Some((&t, &v)) = cols.t.last().zip(cols.v.last()) {
                    p.t[i] = t;
                    p.v[i] = v.to_bits();
                    p.flags[i] &= !page::VALUE_UNKNOWN;
                    let n = cols.t.len();
                    if n >= 2
                        && let (Some(&bt), Some(&bv)) = (cols.t.get(n - 2), cols.v.get(n - 2))
                    {
                        p.delta[i] = t - bt;
                        p.prev_v[i] = bv.to_bits();
                    }
                }
            }
        }
    }
}

/// Stores a sample of the WAL, unless a full chunk has it: then it only tells the last two values.
fn put(p: &mut page::Page, i: usize, s: &RefSample, cut: page::Cut) -> Option<Outcome> {
    let last = p.t[i];
    if s.t > last {
        let unknown = p.flags[i] & page::VALUE_UNKNOWN != 0;
        let done = p.append(i, s.t, s.v, cut);
        if unknown {
            p.flags[i] &= !page::VALUE_UNKNOWN;
            p.delta[i] = 0;
        }
        return Some(done);
    }
    if p.pos[i].num == 0 && s.t == last {
        p.v[i] = s.v;
        p.flags[i] &= !page::VALUE_UNKNOWN;
    } else if p.pos[i].num == 0 && s.t < last && (p.delta[i] == 0 || s.t > last - p.delta[i]) {
        p.prev_v[i] = s.v;
        p.delta[i] = last - s.t;
    }
    None
}

fn warn(d: &Damage, what: &str) {
    tracing::warn!(component = "tsdb", file = %d.file, offset = d.offset, err = d.what, "{what}");
}
