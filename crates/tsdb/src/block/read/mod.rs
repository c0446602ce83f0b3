//! Reading blocks, foreign ones included: index version 2, chunk segments, tombstones.
//!
//! Every byte is read with `pread` through [`Fs`] and its checksum compared; damage is an error that names file and
//! offset.

mod cache;
mod chunks;
mod deletion;
mod lists;
mod matching;
mod querier;
mod series;
mod set;
mod stream;
mod symbols;
mod table;
mod window;

pub use cache::BlockCache;
pub use querier::BlockQuerier;
pub use stream::BlockSource;

use super::bytes::{Cursor, checked};
use super::{
    BlockError, BlockMeta, CHUNKS_DIR, CHUNKS_MAGIC, CHUNKS_V1, INDEX_FILE, INDEX_MAGIC, INDEX_V2,
    SEGMENT_HEADER, TOC_LEN, Tombstones,
};
use cache::{Key, Value};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use symbols::Symbols;
use table::PostingsTable;
use tortie_host::Fs;
use tortie_model::storage::StorageError;
use window::{AHEAD, BlockFile, Window};

type StorageResult<T> = Result<T, StorageError>;

/// An open block.
pub struct Block {
    dir: PathBuf,
    meta: RwLock<BlockMeta>,
    tombstones: RwLock<Arc<Tombstones>>,
    index: BlockFile,
    segments: Vec<BlockFile>,
    symbols_at: u64,
    table_at: u64,
    size: u64,
    cache: Arc<BlockCache>,
}

impl Block {
    /// Opens the block in `dir`: reads its meta, tombstones, table of contents, symbols and table of postings, and
    /// opens its files.
    ///
    /// # Errors
    /// When a file is missing, cannot be read, is damaged or of a format that is not read (index version 1).
    pub fn open(fs: &dyn Fs, dir: &Path, cache: Arc<BlockCache>) -> Result<Block, BlockError> {
        let (meta, meta_size) = BlockMeta::read(fs, dir)?;
        let (tombstones, stones_size) = Tombstones::read(fs, dir)?;
        let index = BlockFile::open(fs, &dir.join(INDEX_FILE))?;
        let (symbols_at, table_at) = contents(&index)?;
        let segments = open_segments(fs, &dir.join(CHUNKS_DIR))?;
        let size = meta_size + stones_size + index.len + segments.iter().map(|s| s.len).sum::<u64>();
        let block = Block {
            dir: dir.to_owned(),
            meta: RwLock::new(meta),
            tombstones: RwLock::new(Arc::new(tombstones)),
            index,
            segments,
            symbols_at,
            table_at,
            size,
            cache,
        };
        // Damage to either is found now rather than by the first query.
        block.symbols()?;
        block.table()?;
        Ok(block)
    }

    /// What `meta.json` says.
    pub fn meta(&self) -> BlockMeta {
        self.meta.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Range in milliseconds: start inclusive, end exclusive.
    pub fn range(&self) -> (i64, i64) {
        let meta = self.meta.read().unwrap_or_else(PoisonError::into_inner);
        (meta.min_time, meta.max_time)
    }

    /// Whether it may hold samples of `[mint, maxt]`, both inclusive.
    pub fn overlaps(&self, mint: i64, maxt: i64) -> bool {
        self.meta.read().unwrap_or_else(PoisonError::into_inner).overlaps(mint, maxt)
    }

    /// The block's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Size of all its files in bytes, as they were when it was opened.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Number of distinct label names and values.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn num_symbols(&self) -> Result<u32, BlockError> {
        Ok(self.symbols()?.len())
    }

    /// Deleted intervals.
    pub fn tombstones(&self) -> Arc<Tombstones> {
        Arc::clone(&self.tombstones.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the deleted intervals on disk and in memory, and their count in the meta.
    ///
    /// # Errors
    /// When the disk refuses; nothing is changed in memory then.
    pub fn set_tombstones(&self, fs: &dyn Fs, stones: Tombstones) -> Result<(), BlockError> {
        stones.write(fs, &self.dir)?;
        let mut meta = self.meta();
        meta.stats.num_tombstones = stones.len() as u64;
        *self.tombstones.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stones);
        self.set_meta(fs, meta)
    }

    /// Replaces the meta on disk and in memory.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set_meta(&self, fs: &dyn Fs, meta: BlockMeta) -> Result<(), BlockError> {
        meta.write(fs, &self.dir)?;
        *self.meta.write().unwrap_or_else(PoisonError::into_inner) = meta;
        Ok(())
    }

    fn symbols(&self) -> Result<Arc<Symbols>, BlockError> {
        let key = Key::Symbols(self.id());
        if let Some(Value::Symbols(s)) = self.cache.get(key) {
            return Ok(s);
        }
        let symbols = Arc::new(Symbols::read(&self.index, self.symbols_at)?);
        self.cache.put(key, Value::Symbols(Arc::clone(&symbols)));
        Ok(symbols)
    }

    fn table(&self) -> Result<Arc<PostingsTable>, BlockError> {
        let key = Key::Table(self.id());
        if let Some(Value::Table(t)) = self.cache.get(key) {
            return Ok(t);
        }
        let table = Arc::new(PostingsTable::read(&self.index, self.table_at)?);
        self.cache.put(key, Value::Table(Arc::clone(&table)));
        Ok(table)
    }

    /// The list of postings at `at`.
    fn list(&self, at: u64, window: &mut Window<'_>) -> StorageResult<Arc<Vec<u32>>> {
        let key = Key::List(self.id(), at);
        if let Some(Value::List(l)) = self.cache.get(key) {
            return Ok(l);
        }
        let list = Arc::new(read_list(&self.index, at, window)?);
        self.cache.put(key, Value::List(Arc::clone(&list)));
        Ok(list)
    }

    fn id(&self) -> super::Ulid {
        self.meta.read().unwrap_or_else(PoisonError::into_inner).ulid
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.cache.forget(self.id());
    }
}

/// Offsets of the symbol table and of the table of postings.
fn contents(index: &BlockFile) -> Result<(u64, u64), BlockError> {
    let head = index.read(0, 5)?;
    let mut c = Cursor::new(&head);
    if c.be32() != Some(INDEX_MAGIC) {
        return Err(index.corrupt(0, "not an index: its first four bytes are others"));
    }
    match c.byte() {
        Some(INDEX_V2) => {}
        Some(1) => {
            let what = "index version 1 is not read; compact the block with Prometheus 2.x, which rewrites it as version 2".to_owned();
            return Err(BlockError::Unsupported { path: index.path.to_path_buf(), what });
        }
        v => {
            return Err(BlockError::Unsupported {
                path: index.path.to_path_buf(),
                what: format!("unknown index version {v:?}"),
            });
        }
    }
    let at = index
        .len
        .checked_sub(TOC_LEN)
        .ok_or_else(|| index.corrupt(0, "too short for a table of contents"))?;
    let bytes = index.read(at, TOC_LEN as usize)?;
    let mut toc = Cursor::new(checked(&bytes, &index.path, at, "table of contents")?);
    let symbols = toc.be64();
    for _ in 0..4 {
        toc.be64();
    }
    match (symbols, toc.be64()) {
        (Some(symbols), Some(table)) => Ok((symbols, table)),
        _ => Err(index.corrupt(at, "table of contents ends early")),
    }
}

fn open_segments(fs: &dyn Fs, dir: &Path) -> Result<Vec<BlockFile>, BlockError> {
    let names = fs.list(dir).map_err(BlockError::io("list", dir))?;
    let mut segments = Vec::new();
    for name in names.iter().filter(|n| n.bytes().all(|b| b.is_ascii_digit())) {
        let file = BlockFile::open(fs, &dir.join(name))?;
        let head = file.read(0, SEGMENT_HEADER as usize)?;
        let mut c = Cursor::new(&head);
        if c.be32() != Some(CHUNKS_MAGIC) || c.byte() != Some(CHUNKS_V1) {
            return Err(file.corrupt(0, "not a chunk segment of version 1"));
        }
        segments.push(file);
    }
    Ok(segments)
}

fn read_list(index: &BlockFile, at: u64, window: &mut Window<'_>) -> Result<Vec<u32>, BlockError> {
    let head = window.exactly(at, 4, AHEAD / 4)?;
    let len = Cursor::new(head).be32().unwrap_or(0) as usize;
    let section = window.exactly(at + 4, len + 4, AHEAD / 4)?;
    let mut c = Cursor::new(checked(section, &index.path, at, "postings")?);
    let count = c.be32().unwrap_or(0) as usize;
    let (entries, _) = c.rest().as_chunks::<4>();
    if entries.len() != count {
        return Err(
            index.corrupt(at, format!("postings: {count} entries are promised, {} are there", entries.len()))
        );
    }
    let list: Vec<u32> = entries.iter().map(|b| u32::from_be_bytes(*b)).collect();
    if !list.is_sorted() {
        return Err(index.corrupt(at, "postings are not ascending"));
    }
    Ok(list)
}
