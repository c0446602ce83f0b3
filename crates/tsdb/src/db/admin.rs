//! What an administrator asks for: snapshots, deletion of series, and cleaning up after it.

use super::info::Maintained;
use super::{Db, lock};
use crate::block::{
    BlockError, BlockMeta, CHUNKS_DIR, INDEX_FILE, META_FILE, TOMBSTONES_FILE, Ulid, write_block,
};
use std::path::Path;
use tortie_model::Matcher;

impl Db {
    /// Copies all blocks into `dir` (which is created), and with `with_head` writes the head there as one more block.
    /// The copy is a data directory of its own.
    ///
    /// # Errors
    /// When `dir` is the data directory or named like a block, or the disk refuses.
    pub fn snapshot(&self, dir: &Path, with_head: bool) -> Result<(), BlockError> {
        if dir == self.dir {
            return Err(BlockError::Refused("cannot snapshot into base directory".to_owned()));
        }
        let named_like_a_block =
            dir.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.parse::<Ulid>().is_ok());
        if named_like_a_block {
            return Err(BlockError::Refused("dir must not be a valid ULID".to_owned()));
        }
        let _round = lock(&self.round);
        self.fs.create_dir_all(dir).map_err(BlockError::io("create", dir))?;
        for block in &self.list().open {
            let to = dir.join(block.meta().ulid.to_string());
            self.copy_block(block.dir(), &to)?;
        }
        let (mint, maxt) = (self.head.min_time(), self.head.max_time());
        if !with_head || mint > maxt {
            return Ok(());
        }
        let meta = BlockMeta::level_one(self.ulids.make(self.clock.as_ref()), mint, maxt.saturating_add(1));
        let mut source = self.head.block_source(mint, maxt.saturating_add(1));
        write_block(self.fs.as_ref(), dir, meta, &mut source)?;
        Ok(())
    }

    /// Deletes samples in `[mint, maxt]` (milliseconds, both inclusive) of the series that satisfy all matchers; they are
    /// gone for queries at once, from disk when their block is rewritten. Gives the number of series that are touched.
    ///
    /// # Errors
    /// When an index cannot be read or the disk refuses; parts that were done stay done.
    pub fn delete(&self, matchers: &[Matcher], mint: i64, maxt: i64) -> Result<usize, BlockError> {
        let _round = lock(&self.round);
        let mut touched = 0;
        for block in self.list().open.iter().filter(|b| b.overlaps(mint, maxt)) {
            touched += block.delete(self.fs.as_ref(), matchers, mint, maxt)?;
        }
        touched += self
            .head
            .delete(matchers, mint, maxt)
            .map_err(BlockError::io("delete from the head in", &self.dir))?;
        Ok(touched)
    }

    /// Rewrites every block that has deletions without the deleted samples.
    ///
    /// # Errors
    /// When a block cannot be read or written; those before it are done.
    pub fn clean_tombstones(&self) -> Result<Maintained, BlockError> {
        let _round = lock(&self.round);
        let mut done = Maintained::default();
        for block in self.list().open.iter().filter(|b| !b.tombstones().is_empty()) {
            self.merge(std::slice::from_ref(block), &mut done)?;
        }
        self.bury(&mut done);
        Ok(done)
    }

    fn copy_block(&self, from: &Path, to: &Path) -> Result<(), BlockError> {
        let chunks = from.join(CHUNKS_DIR);
        let to_chunks = to.join(CHUNKS_DIR);
        self.fs.create_dir_all(&to_chunks).map_err(BlockError::io("create", &to_chunks))?;
        for name in self.fs.list(&chunks).map_err(BlockError::io("list", &chunks))? {
            self.copy_file(&chunks.join(&name), &to_chunks.join(&name))?;
        }
        self.copy_file(&from.join(INDEX_FILE), &to.join(INDEX_FILE))?;
        if self.fs.kind(&from.join(TOMBSTONES_FILE)).is_some() {
            self.copy_file(&from.join(TOMBSTONES_FILE), &to.join(TOMBSTONES_FILE))?;
        }
        // Last, because a folder without it is no block.
        self.copy_file(&from.join(META_FILE), &to.join(META_FILE))
    }

    fn copy_file(&self, from: &Path, to: &Path) -> Result<(), BlockError> {
        let source = self.fs.open(from).map_err(BlockError::io("open", from))?;
        let target = self.fs.create(to).map_err(BlockError::io("create", to))?;
        let len = source.len().map_err(BlockError::io("measure", from))?;
        let mut at = 0;
        let mut buf = vec![0; 1 << 20];
        while at < len {
            let n = usize::try_from(len - at).map_or(buf.len(), |l| l.min(buf.len()));
            let part = buf.get_mut(..n).unwrap_or(&mut []);
            source.read_exact_at(part, at).map_err(BlockError::io("read", from))?;
            target.append(part).map_err(BlockError::io("write", to))?;
            at += n as u64;
        }
        target.sync().map_err(BlockError::io("sync", to))
    }
}
