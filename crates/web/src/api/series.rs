//! `/api/v1/series`.

use crate::api::labels::TRUNCATED;
use crate::api::{on_pool, storage_error};
use crate::app::App;
use crate::json;
use crate::params::{MAX_TIME, MIN_TIME, Params};
use crate::reply::{ApiError, Data};
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_model::storage::SelectHints;

pub(crate) async fn series(app: &Arc<App>, p: &Params) -> Result<Data, ApiError> {
    if p.all("match[]").next().is_none() {
        return Err(ApiError::bad_data("no match[] parameter provided"));
    }
    let limit = p.limit()?;
    let start = p.time_or("start", MIN_TIME)?;
    let end = p.time_or("end", MAX_TIME)?;
    let sets = p.matcher_sets(&app.options.language).map_err(|e| ApiError::invalid("match[]", &e))?;
    let Some(storage) = app.sources.storage() else { return Err(ApiError::internal("TSDB not ready")) };
    on_pool(app, move || {
        let q = storage.querier(start, end).map_err(|e| storage_error(&e))?;
        let hint = if limit == 0 { 0 } else { limit + 1 };
        let hints = SelectHints { mint: start, maxt: end, step: 0, limit: hint };
        let mut found = BTreeSet::new();
        for set in &sets {
            let selected = q.select(&hints, set).map_err(|e| storage_error(&e))?;
            let take = if hint == 0 { selected.len() } else { hint.min(selected.len()) };
            found.extend((0..take).map(|i| selected.labels(i)));
        }
        let cut = limit > 0 && found.len() > limit;
        let keep = if cut { limit } else { found.len() };
        let mut out = vec![b'['];
        for (i, l) in found.iter().take(keep).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            json::labels(&mut out, l);
        }
        out.push(b']');
        Ok(Data { json: out, warnings: if cut { vec![TRUNCATED.to_owned()] } else { Vec::new() } })
    })
    .await
}
