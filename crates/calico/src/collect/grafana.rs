//! Grafana as its own API shows it: data sources, and the dashboards that speak of Calico's metrics, however they came there.
//!
//! It is asked only when an address is given. A viewer lists dashboards; data sources take the right to read them, and without
//! them nothing is told, for a dashboard cannot be judged by half of what it needs.

use crate::collect::prometheus::{PrometheusAddress, ask};
use crate::snapshot::{Grafana, GrafanaDataSource};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use std::time::Duration;

/// Longest wait for one answer.
const LIMIT: Duration = Duration::from_secs(10);
/// Dashboards that are read, and how many at once.
const MOST: usize = 500;
const AT_ONCE: usize = 8;
/// Beginnings of the names of Calico's metrics.
const CALICO: [&str; 3] = ["felix_", "typha_", "ipam_"];

/// What one Grafana has, and what could not be read.
///
/// # Errors
/// Why nothing of it is known, in words.
pub(super) async fn read(address: &PrometheusAddress) -> Result<(Grafana, Vec<String>), String> {
    let sources = get(address, "/api/datasources").await?;
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
    let data_sources = sources.as_array().into_iter().flatten();
    let data_sources = data_sources
        .map(|s| GrafanaDataSource { uid: text(s, "uid"), name: text(s, "name"), kind: text(s, "type") })
        .collect();
    let list = get(address, "/api/search?type=dash-db&limit=5000").await?;
    let uids: Vec<String> =
        list.as_array().into_iter().flatten().map(|b| text(b, "uid")).filter(|u| usable(u)).collect();
    let mut missing = Vec::new();
    if uids.len() > MOST {
        missing.push(format!("only {MOST} of its {} dashboards were read", uids.len()));
    }
    let answers: Vec<Result<Value, String>> = stream::iter(uids.into_iter().take(MOST))
        .map(|uid| async move {
            let path = format!("/api/dashboards/uid/{uid}");
            get(address, &path).await.map_err(|e| format!("dashboard {uid}: {e}"))
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut dashboards = Vec::new();
    for answer in answers {
        match answer {
            Ok(mut whole) => dashboards.push(whole["dashboard"].take()),
            Err(e) => missing.push(e),
        }
    }
    dashboards.retain(|b| {
        let text = b.to_string();
        CALICO.iter().any(|prefix| text.contains(prefix))
    });
    Ok((Grafana { via: address.shown(), data_sources, dashboards }, missing))
}

/// Grafana's uids are letters, digits, `-` and `_`: nothing that would change a path.
fn usable(uid: &str) -> bool {
    !uid.is_empty() && uid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

async fn get(address: &PrometheusAddress, path: &str) -> Result<Value, String> {
    let reply = ask(address, path, LIMIT).await?;
    match reply.status {
        200 => {
            reply.json().map_err(|_| format!("{path}: what answers is no Grafana ({})", reply.content_type))
        }
        401 => {
            Err("it does not take the credentials (hint: --grafana-token-file, or --grafana-user)".to_owned())
        }
        403 => Err(format!(
            "no right to {path} (hint: a service account of Grafana with datasources:read, which role Admin has)"
        )),
        status @ 300..=399 => Err(format!(
            "{path}: status {status}, it sends elsewhere (hint: --grafana-url with the address at which a browser ends)"
        )),
        status => Err(format!("{path}: status {status}")),
    }
}
