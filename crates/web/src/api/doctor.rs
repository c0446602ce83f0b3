//! The doctor behind the page: its last report, a new look, the page of a check. `/api/tortie/v1/doctor*`.

use crate::app::App;
use crate::reply::{self, ApiError, Body, Data, Kind};
use crate::router::{Ask, host_is_local, not_allowed, not_found};
use crate::sources::Refused;
use http::{Response, StatusCode};
use serde_json::Value;

/// A page of another site can send no header of its own without asking first, which this server refuses.
const MARK: &str = "x-tortie-doctor";
/// Carries the token that a page of this server was given; without it nothing is written.
const TOKEN: &str = "x-tortie-token";

const UNKNOWN_CLUSTER: &str = "no cluster is known: this server was started without a kubeconfig (hint: tortie run --kubeconfig FILE, or tortie \
     doctor on the command line)";

/// Answers what stands behind `/api/tortie/v1/doctor`: nothing, `/checks`, `/checks/T507`, `/setup`, `/setup/apply`.
pub(crate) async fn route(app: &App, ask: &Ask, rest: &str) -> Response<Body> {
    let Some(doctor) = app.sources.doctor() else {
        return refusal(ask, StatusCode::SERVICE_UNAVAILABLE, Kind::Unavailable, UNKNOWN_CLUSTER);
    };
    let post = ask.method == http::Method::POST;
    if post && !ask.headers.contains_key(MARK) {
        return refusal(
            ask,
            StatusCode::FORBIDDEN,
            Kind::BadData,
            "the header X-Tortie-Doctor is missing: it keeps pages of other sites from asking",
        );
    }
    if post && rest.starts_with("setup") && !from_own_page(ask) {
        return refusal(
            ask,
            StatusCode::FORBIDDEN,
            Kind::BadData,
            "setup is planned and written only from a page of this server, called by a name of this machine (hint: \
             http://127.0.0.1)",
        );
    }
    match (ask.method.as_str(), rest) {
        ("GET", "") => data(ask, doctor.state().await),
        ("POST", "") => {
            doctor.begin();
            data(ask, doctor.state().await)
        }
        ("GET", "checks") => data(ask, doctor.checks()),
        ("POST", "setup") => written(ask, doctor.plan().await),
        ("POST", "setup/apply") => {
            let token = ask.headers.get(TOKEN).and_then(|v| v.to_str().ok()).unwrap_or_default();
            written(ask, doctor.apply(token, ask.params.get("plan")).await)
        }
        ("GET", other) if other.starts_with("checks/") => {
            let id = other.trim_start_matches("checks/");
            match doctor.check(id) {
                Some(page) => data(ask, page),
                None => {
                    let text =
                        format!("no check is called {id:?} (hint: /api/tortie/v1/doctor/checks lists them)");
                    refusal(ask, StatusCode::NOT_FOUND, Kind::NotFound, &text)
                }
            }
        }
        (_, "") => not_allowed(&["GET", "POST"]),
        (_, "setup" | "setup/apply") => not_allowed(&["POST"]),
        (_, other) if other == "checks" || other.starts_with("checks/") => not_allowed(&["GET"]),
        _ => not_found(),
    }
}

/// Whether the request names this machine as its host, and comes from a page of that very host, as far as it says.
fn from_own_page(ask: &Ask) -> bool {
    let text = |name: &str| ask.headers.get(name).and_then(|v| v.to_str().ok());
    let Some(host) = text("host") else { return false };
    let own = |origin: &str| origin.strip_prefix("http://").is_some_and(|o| o.eq_ignore_ascii_case(host));
    host_is_local(&ask.headers) && text("origin").is_none_or(own)
}

#[allow(clippy::needless_pass_by_value)] // an answer of the trait
fn data(ask: &Ask, v: Value) -> Response<Body> {
    reply::api(Ok(Data::new(v.to_string().into_bytes())), &ask.headers)
}

fn written(ask: &Ask, result: Result<Value, Refused>) -> Response<Body> {
    match result {
        Ok(v) => data(ask, v),
        Err(Refused::NotAllowed(text)) => refusal(ask, StatusCode::FORBIDDEN, Kind::BadData, &text),
        Err(Refused::Moved(text)) => refusal(ask, StatusCode::CONFLICT, Kind::Execution, &text),
        Err(Refused::Failed(text)) => refusal(ask, StatusCode::UNPROCESSABLE_ENTITY, Kind::Execution, &text),
    }
}

fn refusal(ask: &Ask, status: StatusCode, kind: Kind, message: &str) -> Response<Body> {
    let mut r = reply::error(&ApiError { kind, message: message.to_owned() }, &ask.headers);
    *r.status_mut() = status;
    r
}
