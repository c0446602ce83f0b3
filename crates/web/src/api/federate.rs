//! `/federate`: the newest sample of the selected series as an exposition.

use crate::api::{on_pool, storage_error};
use crate::app::App;
use crate::reply::{self, ApiError, Body};
use crate::router::Ask;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tortie_model::labels::METRIC_NAME;
use tortie_model::names::is_legacy_metric_name;
use tortie_model::stale::is_stale;
use tortie_model::storage::{Newest, SelectHints};
use tortie_model::{Columns, Labels, Matcher};
use tortie_wire::MetricType;
use tortie_wire::text::Writer;

pub(crate) async fn federate(app: &Arc<App>, ask: &Ask) -> Response<Body> {
    let mut sets: Vec<Vec<Matcher>> = Vec::new();
    for text in ask.params.all("match[]") {
        match tortie_promql::parse_selector(text, &app.options.language) {
            Ok(set) => sets.push(set),
            Err(e) => return reply::text(StatusCode::BAD_REQUEST, &format!("{e}\n")),
        }
    }
    let gzip = reply::accepts_gzip(&ask.headers);
    let names = Names::asked_for(&ask.headers);
    match collect(app, sets, names).await {
        Ok(text) => {
            let mut r = Response::new(Body::default());
            r.headers_mut().insert(CONTENT_TYPE, names.content_type());
            reply::vary(r.headers_mut());
            reply::with_body(r, text, gzip)
        }
        Err(e) => {
            app.stats.federation_errors.fetch_add(1, Ordering::Relaxed);
            reply::text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{}\n", e.message))
        }
    }
}

async fn collect(app: &Arc<App>, sets: Vec<Vec<Matcher>>, names: Names) -> Result<Vec<u8>, ApiError> {
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
                let newest =
                    selected.newest(i, after - 1, now, &mut scratch).map_err(|e| storage_error(&e))?;
                let Some(Newest::Float { t, v }) = newest else { continue };
                if !is_stale(v) {
                    let labels = selected.labels(i);
                    found.insert((labels.metric_name().to_owned(), labels), (t, v));
                }
            }
        }
        Ok(render(&found, &external, names))
    })
    .await
}

/// How names that are not of the classic shape are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// As they are, in quotes.
    Quoted,
    /// With `_` in place of what the classic shape does not have.
    Underscores,
}

impl Names {
    /// Names as they are go to those who say that they read them, as in Prometheus.
    fn asked_for(request: &HeaderMap) -> Names {
        let accept = request.get(ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or("");
        let takes_quotes = accept.split(',').any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let text = parts.next().is_some_and(|t| t.eq_ignore_ascii_case("text/plain"));
            let has = |wanted: &str| item.split(';').any(|p| p.trim() == wanted);
            text && has("version=1.0.0") && has("escaping=allow-utf-8")
        });
        if takes_quotes { Names::Quoted } else { Names::Underscores }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Names::Quoted => "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
            Names::Underscores => "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
        })
    }

    fn written(self, name: &str) -> Cow<'_, str> {
        if self == Names::Quoted || is_legacy_metric_name(name) {
            return Cow::Borrowed(name);
        }
        let plain = |(i, c): (usize, char)| {
            let fits = c.is_ascii_alphabetic() || matches!(c, '_' | ':') || (i > 0 && c.is_ascii_digit());
            if fits { c } else { '_' }
        };
        Cow::Owned(name.chars().enumerate().map(plain).collect())
    }
}

fn render(
    found: &BTreeMap<(String, Labels), (i64, f64)>,
    external: &[(String, String)],
    names: Names,
) -> Vec<u8> {
    let mut w = Writer::with_buffer(Vec::with_capacity(found.len() * 96));
    let mut last = "";
    for ((name, labels), (t, v)) in found.iter().filter(|((name, _), _)| !name.is_empty()) {
        let written = names.written(name);
        if name != last {
            w.family(&written, MetricType::Unknown, "");
            last = name;
        }
        let own = labels.iter().filter(|(n, _)| *n != METRIC_NAME);
        let added =
            external.iter().map(|(n, v)| (n.as_str(), v.as_str())).filter(|(n, _)| labels.get(n).is_none());
        let pairs: Vec<(Cow<'_, str>, &str)> = own.chain(added).map(|(n, v)| (names.written(n), v)).collect();
        w.sample_at(&written, pairs.iter().map(|(n, v)| (&**n, *v)), *v, *t);
    }
    w.into_bytes()
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
            String::from_utf8(render(&found, &external, Names::Underscores)).unwrap(),
            "# TYPE up untyped\nup{instance=\"i\",job=\"a\\\"b\",region=\"eu\"} 1 1000\n\
             # TYPE x untyped\nx{instance=\"\",region=\"eu\"} 0.5 2000\n"
        );
    }

    #[test]
    fn names_of_any_kind_are_written_as_the_reader_can_take_them() {
        let mut found = BTreeMap::new();
        let labels = Labels::from_pairs([("__name__", "1a.ü"), ("b.c", "d"), ("instance", "i")]);
        found.insert(("1a.ü".to_owned(), labels), (1, 2.0));
        let check = |accept: &'static str, want: &str| {
            let mut h = HeaderMap::new();
            h.insert(ACCEPT, HeaderValue::from_static(accept));
            let names = Names::asked_for(&h);
            assert_eq!(String::from_utf8(render(&found, &[], names)).unwrap(), want, "{accept}");
        };
        let plain = "# TYPE _a__ untyped\n_a__{b_c=\"d\",instance=\"i\"} 2 1\n";
        check("*/*", plain);
        check("text/plain;version=0.0.4;q=0.6,*/*;q=0.5", plain);
        check(
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.7,text/plain;version=0.0.4;q=0.6",
            "# TYPE \"1a.ü\" untyped\n{\"1a.ü\",\"b.c\"=\"d\",instance=\"i\"} 2 1\n",
        );
    }
}
