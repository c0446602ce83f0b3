//! `/api/v1/format_query` and `/api/v1/parse_query`.

use crate::app::App;
use crate::json;
use crate::params::Params;
use crate::reply::{ApiError, Data};
use tortie_promql::ast::Expr;

/// Parses a `query` parameter, with Prometheus' error text.
pub(crate) fn parse_query_param(app: &App, p: &Params) -> Result<Expr, ApiError> {
    tortie_promql::parse_expr(p.get("query"), &app.options.language)
        .map_err(|e| ApiError::invalid("query", &e.to_string()))
}

pub(crate) fn format(app: &App, p: &Params) -> Result<Data, ApiError> {
    let expr = parse_query_param(app, p)?;
    let mut out = Vec::new();
    json::string(&mut out, &tortie_promql::print::pretty(&expr, &app.options.language));
    Ok(Data::new(out))
}

pub(crate) fn parse(app: &App, p: &Params) -> Result<Data, ApiError> {
    let expr = parse_query_param(app, p)?;
    Ok(Data::new(tortie_promql::print::json(&expr).into_bytes()))
}
