//! Blocks: what is written is read back, by any matcher and range, merged or not; damage is named and never a panic.

use crate::series::{Truth, TruthSource, expected, read_all};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tortie_host::{Fs, MemFs};
use tortie_model::storage::{Querier, Queryable, SelectHints, StorageError};
use tortie_model::{Columns, Labels, MatchOp, Matcher};
use tortie_tsdb::block::read::{BlockCache, BlockQuerier, BlockSource};
use tortie_tsdb::block::write::write_block_with;
use tortie_tsdb::block::{Block, BlockMeta, SeriesSource, Tombstones, Ulid, write_block};
use tortie_tsdb::compact::MergeSource;

struct One(Arc<Block>);

impl Queryable for One {
    fn querier<'a>(&'a self, _: i64, _: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        Ok(Box::new(BlockQuerier::new(Arc::clone(&self.0))))
    }
}

fn cache() -> Arc<BlockCache> {
    Arc::new(BlockCache::new(1 << 20))
}

fn write(fs: &MemFs, id: u128, truth: &Truth, per_chunk: usize, segment: u64) -> Option<BlockMeta> {
    let meta = BlockMeta::level_one(Ulid(id), i64::MIN, i64::MAX);
    write_block_with(fs, Path::new("/d"), meta, &mut TruthSource::new(truth, per_chunk), segment).unwrap()
}

fn dir(id: u128) -> PathBuf {
    Path::new("/d").join(Ulid(id).to_string())
}

fn open(fs: &MemFs, id: u128) -> Arc<Block> {
    Arc::new(Block::open(fs, &dir(id), cache()).unwrap())
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0..5i32).prop_map(f64::from),
        2 => any::<f64>(),
        1 => Just(tortie_model::stale::stale_nan()),
    ]
}

fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    proptest::collection::vec((1..30_000i64, value()), 1..60).prop_map(|steps| {
        let mut t = 0;
        steps
            .into_iter()
            .map(|(dt, v)| {
                t += dt;
                (t, v)
            })
            .collect()
    })
}

fn labels() -> impl Strategy<Value = Labels> {
    (prop_oneof!["up", "down", "x{1,3}"], "[ab]?", proptest::option::of("[a-cé]{1,2}")).prop_map(
        |(name, a, b)| {
            Labels::from_pairs([("__name__", name.as_str()), ("a", &a), ("b", b.as_deref().unwrap_or(""))])
        },
    )
}

fn truth() -> impl Strategy<Value = Truth> {
    proptest::collection::btree_map(labels(), samples(), 1..25)
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let op = prop_oneof![
        Just(MatchOp::Equal),
        Just(MatchOp::NotEqual),
        Just(MatchOp::Regex),
        Just(MatchOp::NotRegex)
    ];
    let value = prop_oneof![
        Just(""),
        Just("a"),
        Just("b"),
        Just(".*"),
        Just(".+"),
        Just("a|b"),
        Just("a|"),
        Just("x+"),
        Just("up|down"),
        Just("a.?"),
        Just("é")
    ];
    (op, prop_oneof![Just("__name__"), Just("a"), Just("b"), Just("nowhere")], value)
        .prop_map(|(op, name, value)| Matcher::new(op, name, value).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_written_is_read_back(truth in truth(), ms in proptest::collection::vec(matcher(), 0..4), from in 0..900_000i64, len in 0..900_000i64) {
        let fs = MemFs::new();
        // Small chunks and segments, so that both are many.
        let meta = write(&fs, 1, &truth, 7, 300).unwrap();
        prop_assert_eq!(meta.stats.num_series, truth.len() as u64);
        prop_assert_eq!(meta.stats.num_samples, truth.values().map(|s| s.len() as u64).sum::<u64>());
        let block = One(open(&fs, 1));
        let to = from + len;
        prop_assert_eq!(read_all(&block, from, to, &ms), expected(&truth, from, to, &ms));

        let q = block.querier(0, 0).unwrap();
        for name in ["__name__", "a", "b", "nowhere"] {
            let mut want: Vec<_> = expected(&truth, i64::MIN, i64::MAX, &ms).keys().filter_map(|l| l.get(name).map(str::to_owned)).collect();
            want.sort();
            want.dedup();
            prop_assert_eq!(q.label_values(name, &ms, 0).unwrap(), want);
        }
        let mut want: Vec<_> = expected(&truth, i64::MIN, i64::MAX, &ms).keys().flat_map(|l| l.iter().map(|(n, _)| n.to_owned()).collect::<Vec<_>>()).collect();
        want.sort();
        want.dedup();
        prop_assert_eq!(q.label_names(&ms, 0).unwrap(), want);
    }

    #[test]
    fn a_merge_holds_what_its_parents_held(a in truth(), b in truth(), c in truth()) {
        let fs = MemFs::new();
        let mut all = Truth::new();
        let mut sources: Vec<Box<dyn SeriesSource>> = Vec::new();
        for (i, t) in [&a, &b, &c].into_iter().enumerate() {
            write(&fs, i as u128 + 1, t, 11, 1 << 20).unwrap();
            sources.push(Box::new(BlockSource::new(open(&fs, i as u128 + 1)).unwrap()));
            for (l, samples) in t {
                let mut merged: std::collections::BTreeMap<i64, f64> = all.get(l).into_iter().flatten().copied().collect();
                merged.extend(samples.iter().copied());
                all.insert(l.clone(), merged.into_iter().collect());
            }
        }
        let meta = BlockMeta::level_one(Ulid(9), i64::MIN, i64::MAX);
        let meta = write_block(&fs, Path::new("/d"), meta, &mut MergeSource::new(sources)).unwrap().unwrap();
        prop_assert_eq!(meta.stats.num_samples, all.values().map(|s| s.len() as u64).sum::<u64>());
        prop_assert_eq!(read_all(&One(open(&fs, 9)), i64::MIN, i64::MAX, &[]), expected(&all, i64::MIN, i64::MAX, &[]));
    }

    #[test]
    fn deleted_samples_are_gone_also_after_a_rewrite(truth in truth(), from in 0..900_000i64, len in 0..900_000i64) {
        let fs = MemFs::new();
        write(&fs, 1, &truth, 10, 1 << 20).unwrap();
        let block = open(&fs, 1);
        let to = from + len;
        // References of series are found by reading the index the way a deletion does.
        let refs = block.series_refs(&[Matcher::new(MatchOp::Regex, "a", ".+").unwrap()]).unwrap();
        let mut stones = Tombstones::default();
        for r in &refs {
            stones.add(u64::from(*r), from, to);
        }
        block.set_tombstones(&fs, stones).unwrap();
        let mut left = truth;
        for (l, s) in &mut left {
            if l.get("a").is_some() {
                s.retain(|(t, _)| !(from..=to).contains(t));
            }
        }
        left.retain(|_, s| !s.is_empty());
        let want = expected(&left, i64::MIN, i64::MAX, &[]);
        prop_assert_eq!(&read_all(&One(open(&fs, 1)), i64::MIN, i64::MAX, &[]), &want);
        let meta = BlockMeta::level_one(Ulid(2), i64::MIN, i64::MAX);
        let rewritten = write_block(&fs, Path::new("/d"), meta, &mut BlockSource::new(open(&fs, 1)).unwrap()).unwrap();
        match rewritten {
            Some(_) => prop_assert_eq!(&read_all(&One(open(&fs, 2)), i64::MIN, i64::MAX, &[]), &want),
            None => prop_assert!(want.is_empty()),
        }
    }

    #[test]
    fn a_flipped_byte_is_an_error_or_harmless_never_another_answer(truth in truth(), file in 0..2usize, at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let fs = MemFs::new();
        write(&fs, 1, &truth, 20, 1 << 20).unwrap();
        let path = dir(1).join(["index", "chunks/000001"][file]);
        let mut bytes = fs.read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        fs.create(&path).unwrap().append(&bytes).unwrap();
        let want = expected(&truth, i64::MIN, i64::MAX, &[]);
        if let Ok(block) = Block::open(&fs, &dir(1), cache()) {
            let block = One(Arc::new(block));
            if let Ok(got) = try_read(&block) {
                prop_assert_eq!(got, want.keys().cloned().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn cut_files_are_errors(truth in truth(), file in 0..2usize, at in any::<prop::sample::Index>()) {
        let fs = MemFs::new();
        write(&fs, 1, &truth, 20, 1 << 20).unwrap();
        let path = dir(1).join(["index", "chunks/000001"][file]);
        let bytes = fs.read(&path).unwrap();
        let cut = at.index(bytes.len());
        fs.create(&path).unwrap().append(&bytes[..cut]).unwrap();
        let read = Block::open(&fs, &dir(1), cache()).map_err(StorageError::from).and_then(|b| try_read(&One(Arc::new(b))));
        let e = read.unwrap_err().to_string();
        prop_assert!(e.contains(path.to_str().unwrap()), "{}", e);
    }
}

fn try_read(q: &dyn Queryable) -> Result<Vec<Labels>, StorageError> {
    let querier = q.querier(i64::MIN, i64::MAX)?;
    let set =
        querier.select(&SelectHints { mint: i64::MIN, maxt: i64::MAX, ..SelectHints::default() }, &[])?;
    let mut columns = Columns::default();
    let mut out = Vec::new();
    for i in 0..set.len() {
        set.read(i, i64::MIN, i64::MAX, &mut columns)?;
        out.push(set.labels(i));
    }
    Ok(out)
}

#[test]
fn a_source_without_samples_leaves_nothing() {
    let fs = MemFs::new();
    fs.create_dir_all(Path::new("/d")).unwrap();
    assert!(write(&fs, 1, &Truth::new(), 10, 1 << 20).is_none());
    assert_eq!(fs.list(Path::new("/d")).unwrap(), Vec::<String>::new());
}

#[test]
fn a_full_disk_is_named_and_leaves_nothing() {
    let truth: Truth = [(Labels::from_pairs([("a", "b")]), vec![(1, 1.0)])].into();
    let meta = BlockMeta::level_one(Ulid(1), 0, 10);
    // Where the disk fills is everywhere in turn.
    let whole = {
        let fs = MemFs::new();
        write_block(&fs, Path::new("/d"), meta.clone(), &mut TruthSource::new(&truth, 10)).unwrap().unwrap();
        fs.written()
    };
    for room in 0..whole {
        let fs = MemFs::new();
        fs.create_dir_all(Path::new("/d")).unwrap();
        fs.set_fault(Some(tortie_host::fs::Fault::FullAfter(room)));
        let e =
            write_block(&fs, Path::new("/d"), meta.clone(), &mut TruthSource::new(&truth, 10)).unwrap_err();
        assert!(e.is_disk_full(), "{e}");
        assert_eq!(fs.list(Path::new("/d")).unwrap(), Vec::<String>::new(), "room for {room}");
    }
}

#[test]
fn index_version_1_is_refused_by_name() {
    let fs = MemFs::new();
    let truth: Truth = [(Labels::from_pairs([("a", "b")]), vec![(1, 1.0)])].into();
    write(&fs, 1, &truth, 10, 1 << 20).unwrap();
    let path = dir(1).join("index");
    let mut bytes = fs.read(&path).unwrap();
    bytes[4] = 1;
    fs.create(&path).unwrap().append(&bytes).unwrap();
    let e = Block::open(&fs, &dir(1), cache()).err().unwrap();
    assert!(e.to_string().contains("index version 1"), "{e}");
}
