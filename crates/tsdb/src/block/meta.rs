//! `meta.json`: what a block covers and where it came from, as Prometheus writes it.

use super::{BlockError, Ulid};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use tortie_host::Fs;

/// Name of the file within a block.
pub const META_FILE: &str = "meta.json";
const VERSION: u32 = 1;

/// What `meta.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockMeta {
    /// The block's name.
    pub ulid: Ulid,
    /// Start of the range, inclusive, milliseconds.
    #[serde(rename = "minTime")]
    pub min_time: i64,
    /// End of the range, exclusive, milliseconds.
    #[serde(rename = "maxTime")]
    pub max_time: i64,
    /// Counts.
    #[serde(default)]
    pub stats: BlockStats,
    /// Where it came from.
    pub compaction: Compaction,
    /// Version of this file, 1.
    #[serde(default)]
    pub version: u32,
}

/// Counts of what a block holds; zeros are left out of the file.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlockStats {
    /// All samples.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_samples: u64,
    /// Float samples.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_float_samples: u64,
    /// Native histogram samples.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_histogram_samples: u64,
    /// Series.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_series: u64,
    /// Chunks.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_chunks: u64,
    /// Deleted intervals not yet cleaned away.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_tombstones: u64,
}

/// Where a block came from.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compaction {
    /// 1 for a block from the head, one more for each merge.
    #[serde(default)]
    pub level: u32,
    /// The blocks from the head that went into it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Ulid>,
    /// Merging it gave nothing: it is to be deleted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deletable: bool,
    /// The blocks it was merged from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    /// Merging it failed for good.
    #[serde(default, skip_serializing_if = "is_false")]
    pub failed: bool,
    /// Notes such as `from-out-of-order`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

/// A block that was merged into another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Its name.
    pub ulid: Ulid,
    /// Start of its range, inclusive, milliseconds.
    #[serde(rename = "minTime")]
    pub min_time: i64,
    /// End of its range, exclusive, milliseconds.
    #[serde(rename = "maxTime")]
    pub max_time: i64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn is_false(b: &bool) -> bool {
    !*b
}

impl BlockMeta {
    /// Meta of a block cut from the head (or from nothing): level 1, its own source.
    pub fn level_one(ulid: Ulid, min_time: i64, max_time: i64) -> BlockMeta {
        let compaction = Compaction { level: 1, sources: vec![ulid], ..Compaction::default() };
        BlockMeta { ulid, min_time, max_time, stats: BlockStats::default(), compaction, version: VERSION }
    }

    /// Meta of a block merged from `parents` (in this order), as Prometheus' `CompactBlockMetas`.
    pub fn merged(ulid: Ulid, parents: &[BlockMeta]) -> BlockMeta {
        let mut sources: Vec<Ulid> =
            parents.iter().flat_map(|p| p.compaction.sources.iter().copied()).collect();
        sources.sort_unstable();
        sources.dedup();
        let mut hints: Vec<String> = parents
            .iter()
            .flat_map(|p| p.compaction.hints.iter())
            .filter(|h| h.as_str() != FROM_OUT_OF_ORDER || parents.iter().all(BlockMeta::is_out_of_order))
            .cloned()
            .collect();
        hints.sort_unstable();
        hints.dedup();
        let compaction = Compaction {
            level: parents.iter().map(|p| p.compaction.level).max().unwrap_or(0) + 1,
            sources,
            parents: parents
                .iter()
                .map(|p| Parent { ulid: p.ulid, min_time: p.min_time, max_time: p.max_time })
                .collect(),
            hints,
            ..Compaction::default()
        };
        BlockMeta {
            ulid,
            min_time: parents.iter().map(|p| p.min_time).min().unwrap_or(0),
            max_time: parents.iter().map(|p| p.max_time).max().unwrap_or(0),
            stats: BlockStats::default(),
            compaction,
            version: VERSION,
        }
    }

    /// Whether the block holds out-of-order samples only (it then says nothing about how far the head was persisted).
    pub fn is_out_of_order(&self) -> bool {
        self.has_hint(FROM_OUT_OF_ORDER)
    }

    /// Whether the block holds all series of its range, in order: only such a block moves the start of the head.
    pub fn is_whole_range(&self) -> bool {
        !self.is_out_of_order() && self.part_of_head().is_none()
    }

    /// The hint that says that the block holds a part of the head's series only: such blocks are merged among
    /// themselves only.
    pub fn part_of_head(&self) -> Option<&'static str> {
        [FROM_STALE_SERIES, FROM_SELECTED_SERIES].into_iter().find(|h| self.has_hint(h))
    }

    fn has_hint(&self, hint: &str) -> bool {
        self.compaction.hints.iter().any(|h| h == hint)
    }

    /// Whether the block may hold samples of `[mint, maxt]`, both inclusive.
    pub fn overlaps(&self, mint: i64, maxt: i64) -> bool {
        self.min_time <= maxt && mint < self.max_time
    }

    /// Reads the file of the block in `dir`; also gives its size in bytes.
    ///
    /// # Errors
    /// When it cannot be read, is not the JSON that is expected, or has another version.
    pub fn read(fs: &dyn Fs, dir: &Path) -> Result<(BlockMeta, u64), BlockError> {
        let path = meta_path(dir);
        let bytes = fs.read(&path).map_err(BlockError::io("read", &path))?;
        let meta: BlockMeta =
            serde_json::from_slice(&bytes).map_err(|e| BlockError::corrupt(&path, 0, e.to_string()))?;
        if meta.version != VERSION {
            return Err(BlockError::Unsupported {
                path,
                what: format!("meta version {}, only {VERSION} is known", meta.version),
            });
        }
        Ok((meta, bytes.len() as u64))
    }

    /// Writes the file of the block in `dir` so that a crash leaves the old or the new one.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, fs: &dyn Fs, dir: &Path) -> Result<u64, BlockError> {
        let path = meta_path(dir);
        let bytes = self.to_json()?;
        fs.write_atomic(&path, &bytes).map_err(BlockError::io("write", &path))?;
        Ok(bytes.len() as u64)
    }

    fn to_json(&self) -> Result<Vec<u8>, BlockError> {
        // Prometheus indents by tabs.
        let mut out = Vec::new();
        let mut json = serde_json::Serializer::with_formatter(
            &mut out,
            serde_json::ser::PrettyFormatter::with_indent(b"\t"),
        );
        self.serialize(&mut json).map_err(|e| BlockError::Refused(e.to_string()))?;
        Ok(out)
    }
}

const FROM_OUT_OF_ORDER: &str = "from-out-of-order";
const FROM_STALE_SERIES: &str = "from-stale-series";
const FROM_SELECTED_SERIES: &str = "from-selected-series";

fn meta_path(dir: &Path) -> PathBuf {
    dir.join(META_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_host::MemFs;

    #[test]
    fn zeros_are_left_out_and_the_file_reads_back() {
        let fs = MemFs::new();
        let dir = Path::new("/b");
        let ulid: Ulid = "01BKGV7JBM69T2G1BGBGM6KB12".parse().unwrap();
        let mut meta = BlockMeta::level_one(ulid, 0, 7_200_000);
        meta.stats.num_samples = 3;
        meta.write(&fs, dir).unwrap();
        let text = String::from_utf8(fs.read(&meta_path(dir)).unwrap()).unwrap();
        assert!(
            text.starts_with("{\n\t\"ulid\": \"01BKGV7JBM69T2G1BGBGM6KB12\",\n\t\"minTime\": 0,"),
            "{text}"
        );
        assert!(!text.contains("numTombstones") && !text.contains("failed"), "{text}");
        assert_eq!(BlockMeta::read(&fs, dir).unwrap().0, meta);
    }

    #[test]
    fn a_merge_keeps_sources_once_and_goes_up_a_level() {
        let ids: Vec<Ulid> = (1..4).map(Ulid).collect();
        let parents: Vec<_> = ids
            .iter()
            .enumerate()
            .map(|(i, &u)| BlockMeta::level_one(u, i as i64 * 10, i as i64 * 10 + 10))
            .collect();
        let m = BlockMeta::merged(Ulid(9), &parents);
        assert_eq!((m.min_time, m.max_time, m.compaction.level), (0, 30, 2));
        assert_eq!(m.compaction.sources, ids);
        assert_eq!(m.compaction.parents.len(), 3);
    }
}
