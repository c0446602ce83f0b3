//! How discovery by API servers does, as metrics and as a notice.

use tortie_discovery::kubernetes::WatchStatus;
use tortie_web::sources::Notice;
use tortie_wire::MetricType::{Counter, Gauge};
use tortie_wire::text::Writer;

/// Failures shorter than this are no notice: an API server may restart.
const SHORT: i64 = 15_000;

/// Writes the metrics of all watches; without any the families alone, which rules read.
pub(crate) fn write_metrics(out: &mut Vec<u8>, all: &[WatchStatus]) {
    let mut w = Writer::with_buffer(std::mem::take(out));
    let failures: u64 = all.iter().map(|s| s.health.failures).sum();
    w.family("prometheus_sd_kubernetes_failures_total", Counter, "The number of failed WATCH/LIST requests.");
    w.sample("prometheus_sd_kubernetes_failures_total", [], failures as f64);
    let mut family = |name: &str, kind, help: &str, value: fn(&WatchStatus) -> f64| {
        w.family(name, kind, help);
        for s in all {
            let resource = s.selection.resource();
            let labels = [
                ("server", s.server.as_str()),
                ("resource", resource.as_str()),
                ("namespace", s.selection.namespace.as_deref().unwrap_or("")),
                ("label_selector", s.selection.labels.as_str()),
                ("field_selector", s.selection.fields.as_str()),
            ];
            w.sample(name, labels, value(s));
        }
    };
    family(
        "tortie_kubernetes_watch_stale_since_seconds",
        Gauge,
        "When the API server was heard last before it could not be reached, since unix epoch in seconds; 0 while it can.",
        |s| s.health.stale_since.map_or(0.0, |ms| ms as f64 / 1000.0),
    );
    family("tortie_kubernetes_watch_synced", Gauge, "Whether the objects were listed at least once.", |s| {
        f64::from(u8::from(s.health.synced))
    });
    family("tortie_kubernetes_lists_total", Counter, "Lists asked for, pages counted as one.", |s| {
        s.health.lists as f64
    });
    family("tortie_kubernetes_watches_total", Counter, "Watches asked for.", |s| s.health.watches as f64);
    family("tortie_kubernetes_failures_total", Counter, "Lists and watches that failed.", |s| {
        s.health.failures as f64
    });
    family("tortie_kubernetes_events_total", Counter, "Events of watches.", |s| s.health.events as f64);
    family(
        "tortie_kubernetes_unreadable_total",
        Counter,
        "Objects and events that could not be read and were left out.",
        |s| s.health.unreadable as f64,
    );
    *out = w.into_bytes();
}

/// Writes how often DNS was asked for targets and for Alertmanagers: names asked for, and those that had no answer.
pub(crate) fn write_dns(out: &mut Vec<u8>, targets: (u64, u64), alertmanagers: (u64, u64)) {
    let mut w = Writer::with_buffer(std::mem::take(out));
    let mut total = |name: &str, help: &str, n: u64| {
        w.family(name, Counter, help);
        w.sample(name, [], n as f64);
    };
    total(
        "prometheus_sd_dns_lookup_failures_total",
        "The number of DNS-SD lookup failures.",
        targets.1 + alertmanagers.1,
    );
    total("prometheus_sd_dns_lookups_total", "The number of DNS-SD lookups.", targets.0 + alertmanagers.0);
    *out = w.into_bytes();
}

/// Says that targets may be out of date, and why.
pub(crate) fn notice(all: &[WatchStatus], now: i64) -> Option<Notice> {
    let stale = all.iter().filter_map(|s| Some((s.health.stale_since?, s)));
    // Rights that are missing come back by nobody's waiting.
    let lasts = |since: i64, s: &WatchStatus| now - since >= SHORT || s.health.missing_right.is_some();
    let mut stale: Vec<_> = stale.filter(|(since, s)| lasts(*since, s)).collect();
    stale.sort_by_key(|(since, s)| (*since, &s.selection));
    let (since, first) = stale.first()?;
    let more = match stale.len() - 1 {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let why = first.health.error.as_deref().and_then(|e| e.lines().next()).unwrap_or("no answer");
    let stays = if first.health.synced { "; targets stay as they were" } else { "" };
    let hint = match first.health.missing_right {
        Some(_) => " (hint: tortie rbac run | kubectl apply -f -, bound to its account)",
        None => "",
    };
    let text = format!(
        "Discovery is stale: {} of {}{more} cannot be watched{stays}: {why}{hint}",
        first.selection, first.server
    );
    Some(Notice { text, since_ms: *since })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_cluster::watch::{Health, MissingRight, Pod, Selection};

    fn status(stale_since: Option<i64>) -> WatchStatus {
        let health = Health {
            synced: true,
            stale_since,
            error: stale_since.map(|_| "refused".into()),
            ..Health::default()
        };
        WatchStatus { server: "this cluster".to_owned(), selection: Selection::of::<Pod>(None), health }
    }

    #[test]
    fn long_failures_are_noticed() {
        assert!(notice(&[status(None)], 100_000).is_none());
        assert!(notice(&[status(Some(90_000))], 100_000).is_none());
        let n = notice(&[status(None), status(Some(60_000)), status(Some(50_000))], 100_000).unwrap();
        assert_eq!(n.since_ms, 50_000);
        assert_eq!(
            n.text,
            "Discovery is stale: pods of this cluster and 1 more cannot be watched; targets stay as they were: refused"
        );
    }

    #[test]
    fn missing_rights_are_noticed_at_once_with_what_helps() {
        let mut refused = status(Some(99_990));
        refused.health.synced = false;
        refused.health.error = Some("no right to list pods".into());
        refused.health.missing_right = Some(MissingRight {
            verb: "list".to_owned(),
            resource: "pods".to_owned(),
            namespace: None,
            user: String::new(),
        });
        let text = notice(&[refused], 100_000).unwrap().text;
        assert_eq!(
            text,
            "Discovery is stale: pods of this cluster cannot be watched: no right to list pods (hint: tortie rbac run | kubectl apply -f -, bound to its account)"
        );
    }

    #[test]
    fn each_watch_has_its_series() {
        let mut out = Vec::new();
        write_metrics(&mut out, &[status(Some(2_500))]);
        let text = String::from_utf8(out).unwrap();
        let line = "tortie_kubernetes_watch_stale_since_seconds{server=\"this cluster\",resource=\"pods\",namespace=\"\",label_selector=\"\",field_selector=\"\"} 2.5";
        assert!(text.lines().any(|l| l == line), "{text}");
    }
}
