//! Full chunks from memory to `chunks_head`, away from the path of a commit.

use super::{Head, add, page, read, write};
use crate::chunk::ENC_XOR;
use crate::head_chunks::ToWrite;
use std::io;
use std::sync::atomic::Ordering;

impl Head {
    /// One round of upkeep: full chunks to disk, what a truncation left behind, and a count of memory. Cheap when
    /// there is nothing to do; call it every minute or so.
    ///
    /// # Errors
    /// When chunks could not be written (they stay in memory, and in the WAL) or old files not removed.
    pub fn maintain(&self) -> io::Result<()> {
        let flushed = self.flush_chunks();
        let collected = self.collect();
        self.used_bytes.store(self.memory().total(), Ordering::Relaxed);
        flushed.and(collected)
    }

    /// Writes all full chunks that wait.
    ///
    /// # Errors
    /// What the system said; chunks that were not written stay in memory.
    pub fn flush_chunks(&self) -> io::Result<()> {
        let Some(disk) = &self.disk else { return Ok(()) };
        if self.counters.chunks_pending.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        let _one = self.maintenance.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let pages = self.pages().clone();
        let (mut chunks, mut origin): (Vec<ToWrite>, Vec<(usize, usize, u64)>) = (Vec::new(), Vec::new());
        for (number, shared) in pages.iter().enumerate() {
            let p = read(shared);
            if p.pending.is_empty() {
                continue;
            }
            for i in 0..page::SLOTS {
                for c in &*p.full[i] {
                    let Some(data) = pending_data(&p, c) else { continue };
                    chunks.push(ToWrite {
                        ref_id: p.refs[i],
                        mint: c.mint,
                        maxt: c.maxt,
                        encoding: ENC_XOR,
                        data,
                    });
                    origin.push((number, i, c.place));
                }
            }
        }
        let (refs, failed) = disk.chunks.write(&chunks);
        let mut done = origin.iter().zip(&refs).peekable();
        while let Some(((number, _, _), _)) = done.peek().copied() {
            let number = *number;
            let Some(shared) = pages.get(number) else { break };
            let mut p = write(shared);
            while let Some(((_, i, place), r)) = done.next_if(|((n, _, _), _)| *n == number) {
                p.pending.remove(&(place & !page::PENDING));
                if let Some(c) = p.full[*i].iter_mut().find(|c| c.place == *place) {
                    c.place = *r;
                }
            }
            if p.pending.is_empty() {
                p.pending.shrink_to_fit();
            }
        }
        let n = refs.len() as u64;
        add(&self.counters.chunks_written, n);
        self.counters
            .chunks_pending
            .fetch_sub(n.min(self.counters.chunks_pending.load(Ordering::Relaxed)), Ordering::Relaxed);
        match failed {
            Some(e) => Err(e),
            None => Ok(()),
        }
    }
}

fn pending_data(p: &page::Page, c: &page::FullChunk) -> Option<std::sync::Arc<[u8]>> {
    if c.place & page::PENDING == 0 {
        return None;
    }
    p.pending.get(&(c.place & !page::PENDING)).cloned()
}
