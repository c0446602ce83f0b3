//! `/-/reload` and `/-/quit`.

use crate::app::App;
use crate::reply::{self, Body};
use http::{Response, StatusCode};

pub(crate) fn wrong_method() -> Response<Body> {
    reply::text(StatusCode::METHOD_NOT_ALLOWED, "Only POST or PUT requests allowed")
}

fn disabled() -> Response<Body> {
    reply::text(
        StatusCode::FORBIDDEN,
        "Lifecycle API is not enabled.\nhint: start with --web.enable-lifecycle",
    )
}

pub(crate) async fn reload(app: &App) -> Response<Body> {
    if !app.options.lifecycle {
        return disabled();
    }
    match app.sources.reload().await {
        Ok(()) => reply::text(StatusCode::OK, ""),
        Err(e) => reply::text(StatusCode::INTERNAL_SERVER_ERROR, &format!("failed to reload config: {e}\n")),
    }
}

pub(crate) fn quit(app: &App) -> Response<Body> {
    if !app.options.lifecycle {
        return disabled();
    }
    app.sources.quit();
    reply::text(StatusCode::OK, "Requesting termination... Goodbye!")
}
