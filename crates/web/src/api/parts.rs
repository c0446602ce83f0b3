//! `/api/tortie/v1/query_parts`: a condition taken apart, each part with the series that it has at one moment. The page
//! Alerts shows with it why a rule fired or did not.

use crate::api::formatting::parse_query_param;
use crate::api::query::{When, calculate, in_a_slot};
use crate::app::App;
use crate::json;
use crate::params::Params;
use crate::reply::{ApiError, Data};
use std::sync::Arc;
use tortie_model::storage::Queryable;
use tortie_promql::ast::ValueType;
use tortie_promql::eval::{EvalError, QueryContext, SampleValue, Value};
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
    let out = in_a_slot(app, p.get("query"), timeout_ms, None, move |app, ctx| {
        let mut out = Vec::new();
        write(app, &*storage, &tortie_promql::parts::parts(&expr), at, ctx, &mut out)?;
        Ok(out)
    })
    .await?;
    Ok(Data::new(out))
}

fn write(
    app: &App,
    storage: &dyn Queryable,
    part: &Part<'_>,
    at: i64,
    ctx: &QueryContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), EvalError> {
    let answer = calculate(app, storage, part.expr, When::At(at), ctx)?;
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
