//! `/api/v1/query`, `/api/v1/query_range`, `/api/v1/query_exemplars`.

use crate::api::answer::AnswerBody;
use crate::api::columns::{self, ColumnsBody, Grid};
use crate::api::formatting::parse_query_param;
use crate::api::labels::TRUNCATED;
use crate::app::App;
use crate::params::{self, MAX_TIME, MIN_TIME, Params, quoted};
use crate::reply::{self, ApiError, Body, Data, Kind};
use crate::router::Ask;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tortie_promql::ast::{Expr, ValueType};
use tortie_promql::eval::{Answer, Engine, EngineOptions, ErrorKind, EvalError, QueryContext, Value};

/// Most points a series may have in a range query.
const MAX_POINTS: i64 = 11_000;

/// When a query is evaluated.
#[derive(Clone, Copy)]
pub(crate) enum When {
    At(i64),
    Range { start: i64, end: i64, step: i64 },
}

pub(crate) async fn instant(app: &Arc<App>, ask: &Ask) -> Response<Body> {
    let p = &ask.params;
    let prepared = (|| {
        let limit = p.limit()?;
        let at = p.time_or("time", app.clock.now_ms())?;
        Ok((limit, When::At(at)))
    })();
    run(app, ask, prepared).await
}

pub(crate) async fn range(app: &Arc<App>, ask: &Ask) -> Response<Body> {
    let p = &ask.params;
    let prepared = (|| {
        let limit = p.limit()?;
        let start = p.time("start")?;
        let end = p.time("end")?;
        if end < start {
            return Err(ApiError::invalid("end", "end timestamp must not be before start time"));
        }
        let step = params::parse_duration(p.get("step")).map_err(|e| ApiError::invalid("step", &e))?;
        if step <= 0 {
            return Err(ApiError::invalid(
                "step",
                "zero or negative query resolution step widths are not accepted. Try a positive integer",
            ));
        }
        if (end - start) / step > MAX_POINTS {
            return Err(ApiError::bad_data(
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
            ));
        }
        Ok((limit, When::Range { start, end, step }))
    })();
    run(app, ask, prepared).await
}

async fn run(app: &Arc<App>, ask: &Ask, prepared: Result<(usize, When), ApiError>) -> Response<Body> {
    let grid = match &prepared {
        Ok((_, When::Range { start, end, step })) if columns::accepted(&ask.headers) => {
            Some(Grid { start: *start, end: *end, step: *step })
        }
        _ => None,
    };
    match evaluate(app, &ask.params, prepared).await {
        Ok((answer, warnings, stats)) => respond(answer, &warnings, stats, &ask.headers, grid),
        Err(e) => reply::error(&e, &ask.headers),
    }
}

type Evaluated = (Answer, Vec<String>, Option<String>);

async fn evaluate(
    app: &Arc<App>,
    p: &Params,
    prepared: Result<(usize, When), ApiError>,
) -> Result<Evaluated, ApiError> {
    let (limit, when) = prepared?;
    let timeout_ms =
        timeout(p)?.map_or(app.options.query_timeout_ms, |t| t.min(app.options.query_timeout_ms));
    let lookback_ms = match p.get("lookback_delta") {
        "" => None,
        v => Some(
            params::parse_duration(v)
                .map_err(|e| ApiError::bad_data(format!("error parsing lookback delta duration: {e}")))?,
        ),
    };
    let asked = app.clock.monotonic_ns();
    let expr = parse_query_param(app, p)?;
    let parsed = app.clock.monotonic_ns();
    if matches!(when, When::Range { .. })
        && !matches!(expr.value_type(), ValueType::Vector | ValueType::Scalar)
    {
        let why = format!(
            "invalid expression type {} for range query, must be Scalar or instant Vector",
            quoted(expr.value_type().documented())
        );
        return Err(ApiError::invalid("query", &why));
    }
    let Some(storage) = app.sources.storage() else { return Err(ApiError::internal("TSDB not ready")) };
    let clock = Arc::clone(&app.clock);
    let (evaluating, mut answer) =
        in_a_slot(app, p.get("query"), timeout_ms, lookback_ms, move |app, ctx| {
            let evaluating = clock.monotonic_ns();
            calculate(app, &*storage, &expr, when, ctx).map(|answer| (evaluating, answer))
        })
        .await?;
    let mut warnings = std::mem::take(&mut answer.warnings);
    if truncate(&mut answer.value, limit) {
        warnings.push(TRUNCATED.to_owned());
    }
    let stats_param = p.get("stats");
    if !matches!(stats_param, "" | "true" | "all") {
        warnings.push(format!(
            "value {} for parameter \"stats\" is deprecated and will be rejected in the next major release, use \"true\" or \"all\"",
            quoted(stats_param)
        ));
    }
    let ended = app.clock.monotonic_ns();
    let seconds = |from: u64, to: u64| to.saturating_sub(from) as f64 / 1e9;
    // Sorting is part of the evaluation here, so it has no time of its own.
    let stats = (!stats_param.is_empty()).then(|| {
        serde_json::json!({
            "timings": {
                "evalTotalTime": seconds(evaluating, ended),
                "queryPreparationTime": seconds(asked, parsed),
                "innerEvalTime": seconds(evaluating, ended),
                "execQueueTime": seconds(parsed, evaluating),
                "execTotalTime": seconds(parsed, ended),
            },
            "samples": {
                "totalQueryableSamples": answer.stats.samples,
                "peakSamples": answer.stats.peak_samples,
            },
        })
        .to_string()
    });
    Ok((answer, warnings, stats))
}

/// Runs `work` on the CPU pool in a slot of the queries, which is held until it ends, also when the client is gone.
pub(crate) async fn in_a_slot<T: Send + 'static>(
    app: &Arc<App>,
    query: &str,
    timeout_ms: u64,
    lookback_ms: Option<i64>,
    work: impl FnOnce(&App, &QueryContext<'_>) -> Result<T, EvalError> + Send + 'static,
) -> Result<T, ApiError> {
    let deadline = app.clock.monotonic_ns().saturating_add(timeout_ms.saturating_mul(1_000_000));
    let slot = tokio::time::timeout(
        std::time::Duration::from_millis(timeout_ms),
        Arc::clone(&app.slots).acquire_owned(),
    )
    .await
    .map_err(|_| ApiError { kind: Kind::Timeout, message: "query timed out in query queue".into() })?
    .map_err(|_| ApiError::internal("the server is ending"))?;
    let cancel = Arc::new(AtomicBool::new(false));
    let _on_drop = RaiseOnDrop(Arc::clone(&cancel));
    let (job_app, query) = (Arc::clone(app), query.to_owned());
    crate::api::on_pool(app, move || {
        let _slot = slot;
        let ctx = QueryContext {
            query: &query,
            cancel,
            deadline: Some((&*job_app.clock, deadline)),
            budget: Some(Arc::clone(&job_app.budget)),
            lookback_ms,
        };
        work(&job_app, &ctx).map_err(|e| eval_error(&e))
    })
    .await
}

pub(crate) fn calculate(
    app: &App,
    storage: &dyn tortie_model::storage::Queryable,
    expr: &Expr,
    when: When,
    ctx: &QueryContext<'_>,
) -> Result<Answer, EvalError> {
    // The step changes with a reload; an engine is nothing but its options.
    let subquery_step_ms = app.sources.evaluation_interval_ms();
    let engine = Engine::new(EngineOptions { subquery_step_ms, ..app.engine.options().clone() });
    match when {
        When::At(at) => engine.instant(storage, expr, at, ctx),
        When::Range { start, end, step } => engine.range(storage, expr, start, end, step, ctx),
    }
}

/// Raises the cancel flag when the request is dropped before its answer is there.
struct RaiseOnDrop(Arc<AtomicBool>);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn timeout(p: &Params) -> Result<Option<u64>, ApiError> {
    let v = p.get("timeout");
    if v.is_empty() {
        return Ok(None);
    }
    let ms = params::parse_duration(v).map_err(|e| ApiError::invalid("timeout", &e))?;
    u64::try_from(ms).ok().filter(|&ms| ms > 0).map(Some).ok_or_else(|| {
        ApiError::invalid(
            "timeout",
            &format!("timeout must be positive, got {}", tortie_model::duration::format(ms)),
        )
    })
}

fn eval_error(e: &EvalError) -> ApiError {
    let kind = match e.kind() {
        ErrorKind::Timeout => Kind::Timeout,
        ErrorKind::Canceled => Kind::Canceled,
        ErrorKind::Execution => match e {
            EvalError::Storage(_) => Kind::Internal,
            _ => Kind::Execution,
        },
    };
    ApiError { kind, message: e.to_string() }
}

fn truncate(value: &mut Value, limit: usize) -> bool {
    if limit == 0 {
        return false;
    }
    match value {
        Value::Vector(v) if v.len() > limit => {
            v.truncate(limit);
            true
        }
        Value::Matrix(m) if m.len() > limit => {
            m.truncate(limit);
            true
        }
        _ => false,
    }
}

fn respond(
    answer: Answer,
    warnings: &[String],
    stats: Option<String>,
    request: &HeaderMap,
    grid: Option<Grid>,
) -> Response<Body> {
    if let Some(grid) = grid.filter(|_| columns::fits(&answer.value)) {
        let body = ColumnsBody::new(answer, warnings, stats.as_deref(), grid);
        let mut r = Response::new(body.boxed_unsync());
        r.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(columns::COLUMNS));
        reply::vary(r.headers_mut());
        r.headers_mut().append(http::header::VARY, HeaderValue::from_static("Accept"));
        return r;
    }
    let gzip = reply::accepts_gzip(request);
    let mut r = Response::new(AnswerBody::new(answer, warnings, stats, gzip).boxed_unsync());
    r.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if gzip {
        r.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    reply::vary(r.headers_mut());
    r
}

/// Exemplars are not stored, so there are none.
pub(crate) fn exemplars(app: &App, p: &Params) -> Result<Data, ApiError> {
    let start = p.time_or("start", MIN_TIME)?;
    let end = p.time_or("end", MAX_TIME)?;
    if end < start {
        return Err(ApiError::bad_data("end timestamp must not be before start timestamp"));
    }
    tortie_promql::parse_expr(p.get("query"), &app.options.language)
        .map_err(|e| ApiError::bad_data(e.to_string()))?;
    Ok(Data::new(b"[]".to_vec()))
}
