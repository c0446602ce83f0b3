//! The series of one block that a selection found.

use super::chunks::Spans;
use super::series::{ChunkMeta, SeriesReader};
use super::{AHEAD, Block, StorageResult};
use crate::block::tombstones::{Tombstones, covers, touches};
use crate::chunk;
use std::sync::Arc;
use tortie_model::storage::{SelectHints, SeriesSet, StorageError};
use tortie_model::{Columns, Labels, Matcher};

/// Selected series, ascending by labels.
pub(super) struct BlockSet {
    block: Arc<Block>,
    stones: Arc<Tombstones>,
    refs: Vec<u32>,
    labels: Vec<Labels>,
    /// End of the chunks of series `i` in `chunks`.
    ends: Vec<u32>,
    chunks: Vec<ChunkMeta>,
    spans: Spans,
}

impl BlockSet {
    /// Series that satisfy the matchers and have a chunk that touches the hints' range and is not deleted whole.
    pub(super) fn select(
        block: &Arc<Block>,
        hints: &SelectHints,
        matchers: &[Matcher],
    ) -> StorageResult<BlockSet> {
        let table = block.table()?;
        let symbols = block.symbols()?;
        let found = block.matching(&table, matchers)?;
        let stones = block.tombstones();
        let mut set = BlockSet {
            block: Arc::clone(block),
            stones: Arc::clone(&stones),
            refs: Vec::new(),
            labels: Vec::new(),
            ends: Vec::new(),
            chunks: Vec::new(),
            spans: Spans::default(),
        };
        let mut reader = SeriesReader::new(&block.index, &symbols, ahead(&found));
        let mut chunks = Vec::new();
        for r in found {
            let labels = reader.read(r, &mut chunks)?;
            let deleted = stones.of(u64::from(r));
            let before = set.chunks.len();
            set.chunks.extend(chunks.iter().filter(|c| {
                c.mint <= hints.maxt && hints.mint <= c.maxt && !covers(deleted, c.mint, c.maxt)
            }));
            if set.chunks.len() == before {
                continue;
            }
            set.refs.push(r);
            set.labels.push(labels);
            set.ends.push(
                u32::try_from(set.chunks.len())
                    .map_err(|_| StorageError::Budget("a selection of over 4 billion chunks".to_owned()))?,
            );
            if hints.limit > 0 && set.labels.len() >= hints.limit {
                break;
            }
        }
        Ok(set)
    }

    fn chunks_of(&self, i: usize) -> (&[ChunkMeta], usize) {
        let start = i.checked_sub(1).and_then(|p| self.ends.get(p)).map_or(0, |&e| e as usize);
        let end = self.ends.get(i).map_or(start, |&e| e as usize);
        (self.chunks.get(start..end).unwrap_or(&[]), end)
    }
}

/// How much of the index to fetch at a time: little for a few scattered series, a whole window for neighbours.
fn ahead(refs: &[u32]) -> usize {
    let (Some(first), Some(last)) = (refs.first(), refs.last()) else { return 4 << 10 };
    let stretch = (last - first) as usize * 16;
    let mean_gap = stretch / refs.len();
    if mean_gap > 16 << 10 { 4 << 10 } else { (stretch + (4 << 10)).min(AHEAD) }
}

impl SeriesSet for BlockSet {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn labels(&self, i: usize) -> Labels {
        self.labels.get(i).cloned().unwrap_or_default()
    }

    fn read(&self, i: usize, mint: i64, maxt: i64, out: &mut Columns) -> StorageResult<()> {
        out.clear();
        let (chunks, end) = self.chunks_of(i);
        let deleted = self.refs.get(i).map_or(&[][..], |&r| self.stones.of(u64::from(r)));
        for (n, &c) in chunks.iter().enumerate() {
            if c.mint > maxt || c.maxt < mint {
                continue;
            }
            // What follows in the selection is probably read next and lies next in the segment.
            let rest = self.chunks.get(end - chunks.len() + n + 1..).unwrap_or(&[]).iter().copied();
            let from = out.t.len();
            self.spans.chunk(&self.block, c, rest, |encoding, data| {
                chunk::decode(encoding, data, mint, maxt, out).map_err(|e| {
                    let file =
                        self.block.segment(c).map(|f| f.path.display().to_string()).unwrap_or_default();
                    StorageError::Corrupt(format!("{file} at offset {}: {e}", c.offset()))
                })
            })?;
            if touches(deleted, c.mint, c.maxt) {
                drop_deleted(out, from, deleted);
            }
        }
        Ok(())
    }
}

/// Takes float samples in deleted ranges out of `out` from index `from` on.
pub(crate) fn drop_deleted(out: &mut Columns, from: usize, deleted: &[(i64, i64)]) {
    let mut to = from;
    for k in from..out.t.len() {
        let (Some(&t), Some(&v)) = (out.t.get(k), out.v.get(k)) else { break };
        if touches(deleted, t, t) {
            continue;
        }
        let st = out.st.get(k).copied();
        if let (Some(a), Some(b)) = (out.t.get_mut(to), out.v.get_mut(to)) {
            *a = t;
            *b = v;
        }
        if let (Some(s), Some(st)) = (out.st.get_mut(to), st) {
            *s = st;
        }
        to += 1;
    }
    out.t.truncate(to);
    out.v.truncate(to);
    if !out.st.is_empty() {
        out.st.truncate(to);
    }
}
