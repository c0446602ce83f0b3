//! Why a row was not stored, in Prometheus' words.

use crate::environment::Store;
use tortie_model::gofloat::format_g;
use tortie_model::storage::SelectHints;
use tortie_model::{Columns, Labels, Matcher};
use tortie_tsdb::append::Refusal;

/// What is said of a refused sample: series, milliseconds, value.
pub(crate) fn words(store: &dyn Store, why: Refusal, (labels, t, v): (&Labels, i64, f64)) -> String {
    match why {
        Refusal::OutOfOrder => "out of order sample".to_owned(),
        Refusal::OutOfBounds => "out of bounds".to_owned(),
        Refusal::SeriesLimit => "the memory of the head has no room for new series".to_owned(),
        Refusal::DuplicateTimestamp => {
            let duplicate = "duplicate sample for timestamp";
            match stored(store, labels, t) {
                Some(there) => {
                    let (there, new) = (format_g(there), format_g(v));
                    format!("{duplicate} {t}; overrides not allowed: existing {there}, new value {new}")
                }
                None => duplicate.to_owned(),
            }
        }
    }
}

/// The sample of a series at a time.
fn stored(store: &dyn Store, labels: &Labels, t: i64) -> Option<f64> {
    let matchers: Vec<Matcher> = labels.iter().map(|(n, v)| Matcher::equal(n, v)).collect();
    let querier = store.querier(t, t).ok()?;
    let hints = SelectHints { mint: t, maxt: t, ..SelectHints::default() };
    let set = querier.select(&hints, &matchers).ok()?;
    // Others may have these labels and more.
    let i = (0..set.len()).find(|i| set.labels(*i) == *labels)?;
    let mut columns = Columns::default();
    set.read(i, t, t, &mut columns).ok()?;
    columns.v.last().copied()
}
