//! Faults of dashboards. They show in panels, so most need a Prometheus to be seen.

use super::symptom::{Asked, Symptom};
use super::{Change, Entry, Seen, fault, usual};
use crate::installs::{Options, object};
use serde_json::{Value, json};

pub(super) fn faults() -> Vec<Entry> {
    let boards = |exprs: &[&str]| vec![Change::Add(board("calico", exprs))];
    let shown = |entry: Entry| entry.shows(Seen::Prometheus, vec![]);
    vec![
        fault(
            "dashboard-label",
            "T801",
            "the dashboard's ConfigMap lacks the label that Grafana's side-car takes",
            vec![Change::Add(labelled(board("calico", &["felix_host"]), json!({})))],
        ),
        fault(
            "dashboard-namespace",
            "T801",
            "the dashboard is in a namespace where Grafana's side-car does not look",
            vec![
                super::change::to(
                    "Deployment",
                    "prometheus-grafana",
                    "/spec/template/spec/containers/0/env/2/value",
                    json!("monitoring"),
                ),
                Change::Add(moved(board("calico", &["felix_host"]), "calico-system")),
            ],
        )
        .outside(),
        fault(
            "dashboard-data-source",
            "T802",
            "the dashboard names a data source that this Grafana does not have",
            vec![Change::Add(sourced(board("calico", &["felix_host"]), "P11C5FC3F3B681947"))],
        ),
        shown(
            fault(
                "panel-name-unknown",
                "T803",
                "a panel asks for a name that Calico never had",
                boards(&["felix_host", "felix_ipset_updates_done"]),
            )
            .outside(),
        ),
        shown(fault(
            "typha-dashboard-job",
            "T804",
            "Calico's Typha dashboard asks for job=\"typha_metrics\", the job is called like its Service",
            boards(&["typha_cache_size", "process_open_fds{job=\"typha_metrics\"}"]),
        )),
        fault(
            "range-too-short",
            "T806",
            "a panel's rate looks at 15 s, which hold one sample",
            boards(&["rate(typha_connections_accepted[15s])"]),
        ),
        fault(
            "panels-of-all",
            "T807",
            "panels of the Felix dashboard show the processes of all",
            boards(&["felix_host", "topk(5, process_open_fds)"]),
        )
        .outside()
        .shows(
            Seen::Prometheus,
            vec![Symptom::Answer(
                Asked::ProcessJobs,
                vec![("{job=\"tortie-felix-metrics\"}", 3.0), ("{job=\"node-exporter\"}", 3.0)],
            )],
        ),
        shown(
            fault(
                "variable-empty",
                "T808",
                "a variable of the dashboard asks for a job that is not there",
                vec![Change::Add(with_variable(
                    board("calico", &["felix_host"]),
                    "label_values(felix_host{job=\"felix_metrics\"}, instance)",
                ))],
            )
            .outside(),
        ),
        fault(
            "metric-renamed",
            "T809",
            "a panel reads a name that this version of Calico has given up for another",
            boards(&["felix_host", "felix_route_table_list_seconds"]),
        ),
        fault(
            "metric-gone",
            "T809",
            "a panel reads a name that this version of Calico has given up",
            boards(&["felix_host", "rate(felix_iptables_lock_retries[5m])"]),
        )
        .outside()
        .in_cluster(Options { calico: 33, ..usual() }),
        fault(
            "job-mismatch-dashboard",
            "T516",
            "the dashboard asks for the job of Calico's manual, the monitor will give another",
            boards(&["typha_connections_active{job=\"typha_metrics\"}"]),
        )
        .by(Seen::Paper),
    ]
}

/// A ConfigMap with a dashboard, labelled as the side-car wants it.
pub(super) fn board(name: &str, exprs: &[&str]) -> Value {
    let panels: Vec<Value> = exprs
        .iter()
        .enumerate()
        .map(|(i, e)| {
            json!({"title": format!("Panel {i}"), "type": "timeseries", "datasource": {"type": "prometheus", "uid": "prometheus"},
                "targets": [{"expr": e}]})
        })
        .collect();
    let text = json!({"title": format!("Board {name}"), "uid": name, "time": {"from": "now-15m", "to": "now"}, "panels": panels});
    let mut o = object("v1", "ConfigMap", "monitoring", &format!("dashboard-{name}"), Value::Null);
    o["metadata"]["labels"] = json!({"grafana_dashboard": "1"});
    o["data"] = json!({format!("{name}.json"): text.to_string()});
    o
}

fn labelled(mut board: Value, labels: Value) -> Value {
    board["metadata"]["labels"] = labels;
    board
}

fn moved(mut board: Value, namespace: &str) -> Value {
    board["metadata"]["namespace"] = json!(namespace);
    board
}

/// Changes the dashboard's own JSON.
fn inside(mut board: Value, change: impl Fn(&str) -> String) -> Value {
    for text in board["data"].as_object_mut().into_iter().flatten().map(|(_, v)| v) {
        *text = json!(change(text.as_str().unwrap_or_default()));
    }
    board
}

fn sourced(board: Value, uid: &str) -> Value {
    inside(board, |text| text.replace("\"uid\":\"prometheus\"", &format!("\"uid\":\"{uid}\"")))
}

fn with_variable(board: Value, query: &str) -> Value {
    inside(board, |text| {
        let mut json: Value = serde_json::from_str(text).unwrap_or_default();
        json["templating"] = json!({"list": [{"name": "instance", "type": "query", "query": query}]});
        json.to_string()
    })
}
