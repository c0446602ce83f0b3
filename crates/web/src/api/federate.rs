//! `/federate`: the newest sample of the selected series as an exposition.

use crate::api::{on_pool, storage_error};
use crate::app::App;
use crate::reply::{self, ApiError, Body};
use crate::router::Ask;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tortie_model::labels::METRIC_NAME;
use tortie_model::stale::is_stale;
use tortie_model::storage::{Newest, SelectHints};
use tortie_model::{Columns, Labels, Matcher};

/// Content type of the answer, as Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

pub(crate) async fn federate(app: &Arc<App>, ask: &Ask) -> Response<Body> {
    let mut sets: Vec<Vec<Matcher>> = Vec::new();
    for text in ask.params.all("match[]") {
        match tortie_promql::parse_selector(text, &app.options.language) {
            Ok(set) => sets.push(set),
            Err(e) => return reply::text(StatusCode::BAD_REQUEST, &format!("{e}\n")),
        }
    }
    let gzip = reply::accepts_gzip(&ask.headers);
    match collect(app, sets).await {
        Ok(text) => {
            let mut r = Response::new(Body::default());
            r.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
            reply::vary(r.headers_mut());
            reply::with_body(r, text, gzip)
        }
        Err(e) => {
            app.stats.federation_errors.fetch_add(1, Ordering::Relaxed);
            reply::text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{}\n", e.message))
        }
    }
}

async fn collect(app: &Arc<App>, sets: Vec<Vec<Matcher>>) -> Result<Vec<u8>, ApiError> {
    let now = app.clock.now_ms();
    let after = now - app.options.lookback_ms;
    let mut external = app.sources.external_labels();
    if !external.iter().any(|(n, _)| n == "instance") {
        // An empty instance keeps the federating server from adding its own.
        external.push(("instance".into(), String::new()));
    }
    external.sort();
    let Some(storage) = app.sources.storage() else { return Err(ApiError::internal("TSDB not ready")) };
    on_pool(app, move || {
        let q = storage.querier(after, now).map_err(|e| storage_error(&e))?;
        let hints = SelectHints { mint: after, maxt: now, step: 0, limit: 0 };
        let mut found: BTreeMap<(String, Labels), (i64, f64)> = BTreeMap::new();
        let mut scratch = Columns::default();
        for set in &sets {
            let selected = q.select(&hints, set).map_err(|e| storage_error(&e))?;
            for i in 0..selected.len() {
                let newest = selected.newest(i, after - 1, now, &mut scratch).map_err(|e| storage_error(&e))?;
                let Some(Newest::Float { t, v }) = newest else { continue };
                if !is_stale(v) {
                    let labels = selected.labels(i);
                    found.insert((labels.metric_name().to_owned(), labels), (t, v));
                }
            }
        }
        Ok(render(&found, &external))
    })
    .await
}

fn render(found: &BTreeMap<(String, Labels), (i64, f64)>, external: &[(String, String)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(found.len() * 96);
    let mut last = "";
    for ((name, labels), (t, v)) in found {
        if name.is_empty() {
            continue;
        }
        if name != last {
            out.extend_from_slice(format!("# TYPE {name} untyped\n").as_bytes());
            last = name;
        }
        out.extend_from_slice(name.as_bytes());
        let own = labels.iter().filter(|(n, _)| *n != METRIC_NAME);
        let added = external.iter().map(|(n, v)| (n.as_str(), v.as_str())).filter(|(n, _)| labels.get(n).is_none());
        for (i, (n, v)) in own.chain(added).enumerate() {
            out.push(if i == 0 { b'{' } else { b',' });
            out.extend_from_slice(n.as_bytes());
            out.extend_from_slice(b"=\"");
            for b in v.bytes() {
                match b {
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    b'"' => out.extend_from_slice(b"\\\""),
                    b'\n' => out.extend_from_slice(b"\\n"),
                    b => out.push(b),
                }
            }
            out.push(b'"');
        }
        // The instance label is always there, so the brace is open.
        out.extend_from_slice(b"} ");
        out.extend_from_slice(tortie_model::gofloat::format_g(*v).as_bytes());
        out.extend_from_slice(format!(" {t}\n").as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_grouped_and_external_labels_added() {
        let mut found = BTreeMap::new();
        let up = Labels::from_pairs([("__name__", "up"), ("job", "a\"b"), ("instance", "i")]);
        found.insert(("up".to_owned(), up), (1000, 1.0));
        let x = Labels::from_pairs([("__name__", "x")]);
        found.insert(("x".to_owned(), x), (2000, 0.5));
        let external = [("instance".to_owned(), String::new()), ("region".to_owned(), "eu".to_owned())];
        assert_eq!(
            String::from_utf8(render(&found, &external)).unwrap(),
            "# TYPE up untyped\nup{instance=\"i\",job=\"a\\\"b\",region=\"eu\"} 1 1000\n\
             # TYPE x untyped\nx{instance=\"\",region=\"eu\"} 0.5 2000\n"
        );
    }
}
