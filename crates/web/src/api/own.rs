//! Our own additions, `/api/tortie/v1/*`: targets with more to say, conditions taken apart, dashboards, the demo's switches, the
//! doctor.

use crate::api::{alertmanagers, doctor, parts, targets};
use crate::app::App;
use crate::json;
use crate::reply::{self, ApiError, Body, Data, Kind};
use crate::router::{Ask, not_allowed, not_found};
use crate::sources::Demo;
use http::{Method, Response};
use std::sync::Arc;

pub(crate) async fn route(app: &Arc<App>, ask: &Ask, rest: &str) -> Response<Body> {
    if let Some(what) = rest.strip_prefix("demo/") {
        return match app.sources.demo() {
            Some(demo) => demo_switch(&*demo, ask, what).await,
            None => not_found(),
        };
    }
    if let Some(what) = rest.strip_prefix("doctor").filter(|r| r.is_empty() || r.starts_with('/')) {
        return doctor::route(app, ask, what.trim_start_matches('/')).await;
    }
    if ask.method != Method::GET {
        return not_allowed(&["GET"]);
    }
    let result = match rest {
        "targets" => {
            let mut out = b"{\"activeTargets\":[".to_vec();
            targets::write_active(app, ask.params.get("scrapePool"), &mut out, true);
            out.extend_from_slice(b"],\"monitors\":");
            let follows = app.sources.followed().is_some();
            out.extend_from_slice(if follows { b"true}" } else { b"false}" });
            Ok(Data::new(out))
        }
        "query_parts" => parts::parts(app, &ask.params).await,
        "notifications" => Ok(alertmanagers::notifications(app)),
        "dashboards" => Ok(dashboards()),
        "status" => {
            let followed = app.sources.followed().unwrap_or(serde_json::Value::Null);
            Ok(Data::new(serde_json::json!({"followed": followed}).to_string().into_bytes()))
        }
        "monitors" => Ok(Data::new(app.sources.monitors().unwrap_or_default().to_string().into_bytes())),
        _ => match rest.strip_prefix("dashboards/") {
            Some(uid) => dashboard(uid),
            None => return not_found(),
        },
    };
    reply::api(result, &ask.headers)
}

/// The demo's switches. A header of our own keeps pages of other sites from using them: a browser would have to ask
/// first, and is refused.
async fn demo_switch(demo: &dyn Demo, ask: &Ask, what: &str) -> Response<Body> {
    let result = match (ask.method.as_str(), what) {
        ("GET", "faults") => {
            let list: Vec<_> = demo
                .faults()
                .into_iter()
                .map(
                    |f| serde_json::json!({"name": f.name, "summary": f.summary, "seen": f.seen, "on": f.on}),
                )
                .collect();
            Ok(Data::new(serde_json::Value::from(list).to_string().into_bytes()))
        }
        ("GET", "cluster") => match demo.cluster() {
            Some(cluster) => Ok(Data::new(cluster.to_string().into_bytes())),
            None => Err(ApiError {
                kind: Kind::NotFound,
                message: "the demo's cluster is not there yet (hint: ask again in a moment)".to_owned(),
            }),
        },
        ("POST", "break" | "heal") if ask.headers.contains_key("x-tortie-demo") => {
            demo.switch(ask.params.get("fault"), what == "break").await.map_err(ApiError::bad_data).map(
                |text| {
                    let mut out = Vec::new();
                    json::string(&mut out, &text);
                    Data::new(out)
                },
            )
        }
        ("POST", "break" | "heal") => Err(ApiError::bad_data("the header X-Tortie-Demo is missing")),
        _ => return not_found(),
    };
    reply::api(result, &ask.headers)
}

fn dashboards() -> Data {
    let mut out = vec![b'['];
    for (i, d) in tortie_calico::dashboards::all().iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"uid\":");
        json::string(&mut out, &d.uid);
        out.extend_from_slice(b",\"title\":");
        json::string(&mut out, &d.title);
        out.extend_from_slice(b",\"tags\":");
        json::strings(&mut out, &d.tags);
        out.push(b'}');
    }
    out.push(b']');
    Data::new(out)
}

fn dashboard(uid: &str) -> Result<Data, ApiError> {
    tortie_calico::dashboards::all()
        .iter()
        .find(|d| d.uid == uid)
        .map(|d| Data::new(d.json.as_bytes().to_vec()))
        .ok_or_else(|| ApiError {
            kind: Kind::NotFound,
            message: format!("no dashboard has the uid {uid:?}"),
        })
}
