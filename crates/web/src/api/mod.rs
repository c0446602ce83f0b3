//! Handlers, one file a group of endpoints.

pub(crate) mod alertmanagers;
pub(crate) mod alerts;
pub(crate) mod answer;
pub(crate) mod columns;
pub(crate) mod doctor;
pub(crate) mod federate;
pub(crate) mod formatting;
pub(crate) mod labels;
pub(crate) mod lifecycle;
pub(crate) mod own;
pub(crate) mod parts;
pub(crate) mod query;
pub(crate) mod rules;
pub(crate) mod series;
pub(crate) mod status;
pub(crate) mod targets;

use crate::app::App;
use crate::reply::ApiError;
use tortie_model::storage::StorageError;

/// A storage failure as the API reports it.
pub(crate) fn storage_error(e: &StorageError) -> ApiError {
    let kind = match e {
        StorageError::Cancelled => crate::reply::Kind::Canceled,
        _ => crate::reply::Kind::Execution,
    };
    ApiError { kind, message: e.to_string() }
}

/// Runs `job` on the CPU pool and waits for its answer.
pub(crate) async fn on_pool<T: Send + 'static>(
    app: &App,
    job: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let (tx, rx) = tokio::sync::oneshot::channel();
    app.pool
        .run(move || {
            // A receiver that is gone is a client that went away.
            let _ = tx.send(job());
        })
        .map_err(|_| ApiError {
            kind: crate::reply::Kind::Unavailable,
            message: "too many queries are waiting".into(),
        })?;
    rx.await.unwrap_or_else(|_| {
        app.stats.panics.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        tracing::error!(component = "web", "BUG: panic while evaluating a request");
        Err(ApiError::internal("BUG: the query ended in a panic"))
    })
}
