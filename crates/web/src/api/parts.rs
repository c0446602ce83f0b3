//! `/api/tortie/v1/query_parts`: a condition taken apart, each part with the series that it has at one moment. The page
//! Alerts shows with it why a rule fired or did not.

use crate::api::formatting::parse_query_param;
use crate::api::query::{RaiseOnDrop, When, calculate, eval_error};
use crate::app::App;
use crate::json;
use crate::params::Params;
use crate::reply::{ApiError, Data, Kind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tortie_model::storage::Queryable;
use tortie_promql::ast::ValueType;
use tortie_promql::eval::{QueryContext, SampleValue, Value};
use tortie_promql::parts::Part;

/// Most series that are named of one part; all are counted.
const NAMED: usize = 50;

/// Evaluates `query` and its parts at `time` (now when absent). Answers a tree: `{"expr", "count", "series": [{"metric",
/// "value"}], "op", "parts"}`, the last two where a condition was taken apart.
pub(crate) async fn parts(app: &Arc<App>, p: &Params) -> Result<Data, ApiError> {
    let at = p.time_or("time", app.clock.now_ms())?;
    let expr = parse_query_param(app, p)?;
    if !matches!(expr.value_type(), ValueType::Vector | ValueType::Scalar) {
        return Err(ApiError::invalid("query", "only an instant vector or a scalar can be taken apart"));
    }
    let Some(storage) = app.sources.storage() else { return Err(ApiError::internal("TSDB not ready")) };
    let timeout_ms = app.options.query_timeout_ms;
    let deadline = app.clock.monotonic_ns().saturating_add(timeout_ms.saturating_mul(1_000_000));
    let slot = tokio::time::timeout(
        std::time::Duration::from_millis(timeout_ms),
        Arc::clone(&app.slots).acquire_owned(),
    )
    .await
    .map_err(|_| ApiError { kind: Kind::Timeout, message: "query timed out in query queue".into() })?
    .map_err(|_| ApiError::internal("the server is ending"))?;
    let cancel = Arc::new(AtomicBool::new(false));
    let on_drop = RaiseOnDrop(Arc::clone(&cancel));
    let query = p.get("query").to_owned();
    let job_app = Arc::clone(app);
    let out = crate::api::on_pool(app, move || {
        let _slot = slot;
        let ctx = QueryContext {
            query: &query,
            cancel,
            deadline: Some((&*job_app.clock, deadline)),
            budget: Some(Arc::clone(&job_app.budget)),
            lookback_ms: None,
        };
        let mut out = Vec::new();
        write(&job_app, &*storage, &tortie_promql::parts::parts(&expr), at, &ctx, &mut out)?;
        Ok(out)
    })
    .await?;
    drop(on_drop);
    Ok(Data::new(out))
}

fn write(
    app: &App,
    storage: &dyn Queryable,
    part: &Part<'_>,
    at: i64,
    ctx: &QueryContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), ApiError> {
    let answer = calculate(app, storage, part.expr, When::At(at), ctx).map_err(|e| eval_error(&e))?;
    out.extend_from_slice(b"{\"expr\":");
    json::string(out, &part.expr.to_string());
    match &answer.value {
        Value::Vector(samples) => {
            out.extend_from_slice(b",\"count\":");
            json::integer(out, samples.len() as u64);
            out.extend_from_slice(b",\"series\":[");
            for (i, s) in samples.iter().take(NAMED).enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(b"{\"metric\":");
                json::labels(out, &s.labels);
                if let SampleValue::Float(v) = s.v {
                    out.extend_from_slice(b",\"value\":");
                    json::value(out, v);
                }
                out.push(b'}');
            }
            out.push(b']');
        }
        Value::Scalar { v, .. } => {
            out.extend_from_slice(b",\"scalar\":");
            json::value(out, *v);
        }
        Value::Str { .. } | Value::Matrix(_) => {}
    }
    if let Some(op) = part.op {
        out.extend_from_slice(b",\"op\":");
        json::string(out, op.as_str());
        out.extend_from_slice(b",\"parts\":[");
        for (i, inner) in part.parts.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write(app, storage, inner, at, ctx, out)?;
        }
        out.push(b']');
    }
    out.push(b'}');
    Ok(())
}
