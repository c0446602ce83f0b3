//! A database on a simulated disk and clock with a feeder that knows what it fed.

use crate::series::{Truth, expected, read_all};
use std::path::Path;
use std::sync::Arc;
use tortie_host::{Clock, ManualClock, MemFs, Rng};
use tortie_model::{Labels, MatchOp, Matcher};
use tortie_tsdb::append::{Batch, Slot};
use tortie_tsdb::db::{Db, DbOptions};

pub(crate) const HOUR: i64 = 3_600_000;
/// At the border of a range of 54 hours, and so of all shorter ones.
pub(crate) const START: i64 = 8_741 * 54 * HOUR;
pub(crate) const DIR: &str = "/data";

/// A database with a feeder that knows what it fed.
pub(crate) struct Rig {
    pub(crate) fs: MemFs,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) options: DbOptions,
    pub(crate) db: Option<Db>,
    pub(crate) truth: Truth,
    pub(crate) series: Vec<(Labels, Option<Slot>)>,
    pub(crate) rng: Rng,
    pub(crate) now: i64,
}

impl Rig {
    pub(crate) fn new(options: DbOptions) -> Rig {
        let series = (0..12)
            .map(|i| {
                (
                    Labels::from_pairs([
                        ("__name__", "m"),
                        ("i", &i.to_string()),
                        ("half", if i < 6 { "low" } else { "high" }),
                    ]),
                    None,
                )
            })
            .collect();
        // Not at the border of a block, as life is.
        let now = START + 17 * 60_000;
        let mut rig = Rig {
            fs: MemFs::new(),
            clock: Arc::new(ManualClock::at(now)),
            options,
            db: None,
            truth: Truth::new(),
            series,
            rng: Rng::new(11),
            now,
        };
        rig.open();
        rig
    }

    pub(crate) fn open(&mut self) {
        let db = Db::open(
            Path::new(DIR),
            Arc::new(self.fs.clone()),
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            self.options.clone(),
            &|_| {},
        );
        self.db = Some(db.unwrap());
        for (_, slot) in &mut self.series {
            *slot = None;
        }
    }

    pub(crate) fn db(&self) -> &Db {
        self.db.as_ref().unwrap()
    }

    pub(crate) fn restart(&mut self) {
        self.db.take().unwrap().close().unwrap();
        self.open();
    }

    /// Commits one scrape a minute; `false` when the database took none of it.
    pub(crate) fn scrape(&mut self) -> bool {
        self.now += 60_000;
        self.clock.set(self.now);
        let mut batch = Batch::default();
        let mut sent = Vec::new();
        for (k, (labels, slot)) in self.series.iter().enumerate() {
            // Some series have gaps of hours, one comes and goes for good.
            if k % 4 == 3 && (self.now / HOUR) % 3 == 0 {
                continue;
            }
            let v = (self.rng.below(50) as f64) / 4.0;
            match slot {
                Some(s) => batch.push(*s, self.now, v),
                None => batch.push_new(labels.clone(), self.now, v),
            }
            sent.push((labels.clone(), v));
        }
        let db = self.db.as_ref().unwrap();
        let Ok(done) = db.commit(&batch) else { return false };
        assert_eq!(done.refused, []);
        for ((l, _, _), slot) in batch.new.iter().zip(&done.new) {
            for (labels, known) in &mut self.series {
                if labels == l {
                    *known = *slot;
                }
            }
        }
        for (l, v) in sent {
            self.truth.entry(l).or_default().push((self.now, v));
        }
        true
    }

    /// Feeds `hours`, with a round of maintenance every ten minutes.
    pub(crate) fn run(&mut self, hours: i64) {
        for minute in 0..hours * 60 {
            assert!(self.scrape());
            if minute % 10 == 9 {
                let done = self.db().maintain();
                assert_eq!(done.errors, Vec::<String>::new());
            }
        }
    }

    pub(crate) fn check(&self, mint: i64, maxt: i64, ms: &[Matcher]) {
        let (got, want) = (read_all(self.db(), mint, maxt, ms), expected(&self.truth, mint, maxt, ms));
        assert_eq!(got.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>());
        for (l, s) in &want {
            let g = &got[l];
            assert_eq!(g.len(), s.len(), "{l:?}: samples in {mint}..={maxt}");
            assert_eq!(g, s, "{l:?}");
        }
    }

    pub(crate) fn check_all(&self) {
        self.check(i64::MIN, i64::MAX, &[]);
        self.check(self.now - 5 * HOUR, self.now - HOUR, &[Matcher::equal("half", "low")]);
        self.check(self.now - 30 * HOUR, self.now, &[Matcher::new(MatchOp::Regex, "i", "1.?").unwrap()]);
    }
}

pub(crate) fn options() -> DbOptions {
    DbOptions { retention_ms: 0, max_block_ms: 18 * HOUR, ..DbOptions::default() }
}
