//! Blocks of ours in promtool's hands, and promtool's in ours.

use crate::promtool::{dump, promtool};
use crate::series::{Truth, TruthSource, read_all};
use std::path::Path;
use std::sync::Arc;
use tortie_host::RealFs;
use tortie_model::Labels;
use tortie_model::storage::{Querier, Queryable, StorageError};
use tortie_tsdb::block::read::{BlockCache, BlockQuerier};
use tortie_tsdb::block::write::write_block_with;
use tortie_tsdb::block::{Block, BlockMeta, Ulid};

struct One(Arc<Block>);

impl Queryable for One {
    fn querier<'a>(&'a self, _: i64, _: i64) -> Result<Box<dyn Querier + 'a>, StorageError> {
        Ok(Box::new(BlockQuerier::new(Arc::clone(&self.0))))
    }
}

fn truth() -> Truth {
    let mut truth = Truth::new();
    for i in 0..300i64 {
        let n = i.to_string();
        let labels = Labels::from_pairs([
            ("__name__", "m"),
            ("i", n.as_str()),
            ("zone", if i % 3 == 0 { "ä" } else { "b" }),
        ]);
        let samples = (0..240)
            .map(|k| (1_700_000_000_000 + k * 30_000 + i % 7, if i % 2 == 0 { k as f64 * 0.1 } else { 1.0 }))
            .collect();
        truth.insert(labels, samples);
    }
    truth
}

fn printed(l: &Labels) -> String {
    let pairs: Vec<String> = l.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[test]
fn promtool_reads_our_block_sample_by_sample() {
    let tmp = tempfile::tempdir().unwrap();
    let truth = truth();
    let (mint, maxt) = (1_700_000_000_000, 1_700_000_000_000 + 7_200_000);
    let id: Ulid = "01BKGV7JBM69T2G1BGBGM6KB12".parse().unwrap();
    // Small segments: there are many.
    let meta = BlockMeta::level_one(id, mint, maxt);
    let meta = write_block_with(&RealFs, tmp.path(), meta, &mut TruthSource::new(&truth, 120), 20_000)
        .unwrap()
        .unwrap();
    assert!(std::fs::read_dir(tmp.path().join(id.to_string()).join("chunks")).unwrap().count() > 3);

    let list = promtool(&["tsdb", "list", tmp.path().to_str().unwrap()]);
    assert!(list.contains(&id.to_string()) && list.contains(&meta.stats.num_samples.to_string()), "{list}");
    let analysis = promtool(&["tsdb", "analyze", tmp.path().to_str().unwrap()]);
    assert!(analysis.contains("Total Series: 300") && analysis.contains("Label names: 3"), "{analysis}");

    // `dump` wants a whole data directory.
    std::fs::create_dir(tmp.path().join("wal")).unwrap();
    let got = dump(tmp.path());
    let want: std::collections::BTreeMap<_, _> = truth.iter().map(|(l, s)| (printed(l), s.clone())).collect();
    assert_eq!(got, want);
}

#[test]
fn we_read_promtools_block_sample_by_sample() {
    let tmp = tempfile::tempdir().unwrap();
    let input = tmp.path().join("input.om");
    let mut text = String::from("# TYPE m gauge\n");
    for (l, samples) in &truth() {
        for (t, v) in samples {
            text.push_str(&format!(
                "m{{i=\"{}\",zone=\"{}\"}} {v} {}.{:03}\n",
                l.value("i"),
                l.value("zone"),
                t / 1000,
                t % 1000
            ));
        }
    }
    text.push_str("# EOF\n");
    std::fs::write(&input, text).unwrap();
    let data = tmp.path().join("data");
    promtool(&["tsdb", "create-blocks-from", "openmetrics", input.to_str().unwrap(), data.to_str().unwrap()]);

    let mut got = std::collections::BTreeMap::<Labels, Vec<(i64, u64)>>::new();
    let mut dirs: Vec<_> = std::fs::read_dir(&data).unwrap().map(|e| e.unwrap().path()).collect();
    dirs.retain(|d| d.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.parse::<Ulid>().is_ok()));
    dirs.sort();
    assert!(dirs.len() > 1);
    for dir in dirs {
        let block = Block::open(&RealFs, Path::new(&dir), Arc::new(BlockCache::new(1 << 20))).unwrap();
        for (l, s) in read_all(&One(Arc::new(block)), i64::MIN, i64::MAX, &[]) {
            got.entry(l).or_default().extend(s);
        }
    }
    for s in got.values_mut() {
        s.sort_unstable();
    }
    let want: std::collections::BTreeMap<_, Vec<_>> = truth()
        .into_iter()
        .map(|(l, s)| (l, s.into_iter().map(|(t, v)| (t, v.to_bits())).collect()))
        .collect();
    assert_eq!(got, want);
}
