//! The blocks of a directory: those that serve, those that are broken, those that are superseded.

use crate::block::read::BlockCache;
use crate::block::{Block, BlockError, BlockMeta, TMP_CREATION, TMP_DELETION, Ulid};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tortie_host::Fs;

/// A block that could not be opened. It stays where it is; the others serve.
#[derive(Debug, Clone)]
pub struct BrokenBlock {
    /// Its name.
    pub ulid: Ulid,
    /// What its `meta.json` says, when that could be read.
    pub meta: Option<BlockMeta>,
    /// Why it could not be opened.
    pub reason: String,
}

/// Blocks in use, ascending by start.
#[derive(Default, Clone)]
pub(super) struct BlockList {
    pub(super) open: Vec<Arc<Block>>,
    pub(super) broken: Vec<BrokenBlock>,
}

impl BlockList {
    /// End of the newest block that holds all series of its range: the head begins there.
    pub(super) fn persisted_until(&self) -> Option<i64> {
        self.open.iter().map(|b| b.meta()).filter(BlockMeta::is_whole_range).map(|m| m.max_time).max()
    }

    pub(super) fn metas(&self) -> Vec<BlockMeta> {
        self.open.iter().map(|b| b.meta()).collect()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.open.iter().map(|b| b.size()).sum()
    }

    /// Takes the named blocks out and gives them.
    pub(super) fn take(&mut self, ids: &HashSet<Ulid>) -> Vec<Arc<Block>> {
        let (gone, open) =
            std::mem::take(&mut self.open).into_iter().partition(|b| ids.contains(&b.meta().ulid));
        self.open = open;
        gone
    }

    pub(super) fn add(&mut self, block: Arc<Block>) {
        self.open.push(block);
        self.open.sort_by_key(|b| b.range());
    }
}

/// Opens all blocks of `dir` that are not in `known`.
pub(super) fn load(
    fs: &dyn Fs,
    dir: &Path,
    cache: &Arc<BlockCache>,
    known: &HashSet<Ulid>,
) -> Result<BlockList, BlockError> {
    let mut list = BlockList::default();
    for (ulid, path) in block_dirs(fs, dir)?.into_iter().filter(|(ulid, _)| !known.contains(ulid)) {
        match Block::open(fs, &path, Arc::clone(cache)) {
            Ok(block) if block.meta().ulid == ulid => list.add(Arc::new(block)),
            Ok(block) => {
                let reason =
                    format!("{}: meta.json names another block, {}", path.display(), block.meta().ulid);
                list.broken.push(BrokenBlock { ulid, meta: Some(block.meta()), reason });
            }
            Err(e) => list.broken.push(BrokenBlock {
                ulid,
                meta: BlockMeta::read(fs, &path).ok().map(|(m, _)| m),
                reason: e.to_string(),
            }),
        }
    }
    Ok(list)
}

/// Takes out of the list what other blocks replace, and those that a merge left empty; gives their folders.
///
/// A crash between publishing a merged block and removing its parents leaves both: the child has all they had.
pub(super) fn take_superseded(list: &mut BlockList, dir: &Path) -> Vec<PathBuf> {
    let gone: HashSet<Ulid> = list
        .metas()
        .iter()
        .flat_map(|m| {
            m.compaction.parents.iter().map(|p| p.ulid).chain(m.compaction.deletable.then_some(m.ulid))
        })
        .collect();
    let mut folders: Vec<PathBuf> = list.take(&gone).iter().map(|b| b.dir().to_owned()).collect();
    folders
        .extend(list.broken.iter().filter(|b| gone.contains(&b.ulid)).map(|b| dir.join(b.ulid.to_string())));
    list.broken.retain(|b| !gone.contains(&b.ulid));
    folders
}

fn block_dirs(fs: &dyn Fs, dir: &Path) -> Result<Vec<(Ulid, PathBuf)>, BlockError> {
    let names = fs.list(dir).map_err(BlockError::io("list", dir))?;
    let named = names.iter().filter_map(|n| Some((n.parse::<Ulid>().ok()?, dir.join(n))));
    Ok(named.filter(|(_, p)| fs.kind(p) == Some(true)).collect())
}

/// Removes what a crash left half-made or half-removed. Gives the names of what went.
pub(super) fn remove_leftovers(fs: &dyn Fs, dir: &Path) -> Result<Vec<String>, BlockError> {
    let mut gone = Vec::new();
    for name in fs.list(dir).map_err(BlockError::io("list", dir))? {
        let stem = [TMP_CREATION, TMP_DELETION, ".tmp"].iter().find_map(|end| name.strip_suffix(end));
        if stem.is_none_or(|s| s.parse::<Ulid>().is_err()) {
            continue;
        }
        let path = dir.join(&name);
        fs.remove_dir_all(&path).map_err(BlockError::io("remove", &path))?;
        gone.push(name);
    }
    Ok(gone)
}

/// Removes a block's folder so that a crash leaves either all of it or a folder that the next start removes.
pub(super) fn remove_block(fs: &dyn Fs, dir: &Path) -> Result<(), BlockError> {
    let mut doomed = dir.as_os_str().to_owned();
    doomed.push(TMP_DELETION);
    let doomed = PathBuf::from(doomed);
    fs.rename(dir, &doomed).map_err(BlockError::io("rename", dir))?;
    fs.remove_dir_all(&doomed).map_err(BlockError::io("remove", &doomed))
}
