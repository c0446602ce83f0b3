//! How often the API server was asked: by the record of the way to it, and by its own audit log.

use super::watcher::Watcher;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tortie_cluster::watch::pace;
use tortie_testbed::AuditEvent;

/// What clocks and threads may add to or take from a pause.
const BLUR: Duration = Duration::from_millis(300);

/// Looks at each request since `from`: lists of a kind begin five seconds apart at least, watches one.
#[track_caller]
pub(super) fn spaced(watcher: &Watcher, from: Instant) {
    let Some(proxy) = &watcher.proxy else { return };
    let mut last: BTreeMap<(bool, String), Instant> = BTreeMap::new();
    for asked in proxy.asked().iter().filter(|a| a.at >= from) {
        // Further pages, and the whole list in place of pages that expired, belong to the list before.
        if !asked.is_watch() && !asked.path.contains("limit=") || asked.is_next_page() {
            continue;
        }
        let path = asked.path.split('?').next().unwrap_or_default().to_owned();
        let least = if asked.is_watch() { pace::BETWEEN_WATCHES } else { pace::BETWEEN_LISTS };
        if let Some(before) = last.insert((asked.is_watch(), path), asked.at) {
            let pause = asked.at - before;
            assert!(pause + BLUR >= least, "{}: {} after {pause:?}", watcher.case.name, asked.path);
        }
    }
}

/// Requests of an account by verb and resource.
pub(super) fn by_kind(events: &[AuditEvent], account: &str) -> BTreeMap<(String, String), usize> {
    let user = format!("system:serviceaccount:default:{account}");
    let mut all = BTreeMap::new();
    for e in events.iter().filter(|e| e.user == user && !e.resource.is_empty()) {
        *all.entry((e.verb.clone(), e.resource.clone())).or_default() += 1;
    }
    all
}

/// Judges what the audit log holds of an account over a time: by kind at most twelve lists and sixty watches a minute, and
/// nothing but reads. Gives the most lists and watches of any kind.
#[track_caller]
pub(super) fn judged(
    name: &str,
    counts: &BTreeMap<(String, String), usize>,
    over: Duration,
) -> (usize, usize) {
    let most = |verb: &str| counts.iter().filter(|((v, _), _)| v == verb).map(|(_, n)| *n).max().unwrap_or(0);
    let other: Vec<_> =
        counts.keys().filter(|(v, _)| !["get", "list", "watch"].contains(&v.as_str())).collect();
    assert!(other.is_empty(), "{name} does more than read: {other:?}");
    let within = |every: Duration| (over.as_secs_f64() / every.as_secs_f64()).ceil() as usize + 1;
    // The whole list in place of pages that expired is one more each time, and so is each of two namespaces.
    let lists = within(pace::BETWEEN_LISTS) * if ["gone-page", "namespace"].contains(&name) { 3 } else { 1 };
    let watches = within(pace::BETWEEN_WATCHES) * if name == "namespace" { 2 } else { 1 };
    assert!(most("list") <= lists, "{name}: {counts:?} within {over:?}");
    assert!(most("watch") <= watches, "{name}: {counts:?} within {over:?}");
    (most("list"), most("watch"))
}
