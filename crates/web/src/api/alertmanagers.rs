//! `/api/v1/alertmanagers`, and how it stands with each in `/api/tortie/v1/notifications`.

use crate::app::App;
use crate::json;
use crate::reply::Data;

pub(crate) fn alertmanagers(app: &App) -> Data {
    let (active, dropped) = app.sources.alertmanagers();
    let mut out = b"{\"activeAlertmanagers\":".to_vec();
    urls(&mut out, &active);
    json::key(&mut out, "droppedAlertmanagers");
    urls(&mut out, &dropped);
    out.push(b'}');
    Data::new(out)
}

fn urls(out: &mut Vec<u8>, urls: &[String]) {
    out.push(b'[');
    for (i, url) in urls.iter().enumerate() {
        out.extend_from_slice(if i > 0 { b",{\"url\":".as_slice() } else { b"{\"url\":" });
        json::string(out, url);
        out.push(b'}');
    }
    out.push(b']');
}

pub(crate) fn notifications(app: &App) -> Data {
    let all: Vec<serde_json::Value> = app
        .sources
        .notifications()
        .into_iter()
        .map(|n| {
            serde_json::json!({
                "url": n.url,
                "waiting": n.waiting,
                "firing": n.firing,
                "sent": n.sent,
                "errors": n.errors,
                "dropped": n.dropped,
                "lastError": n.last_error,
            })
        })
        .collect();
    Data::new(serde_json::json!({ "alertmanagers": all }).to_string().into_bytes())
}
