//! Instant queries that checks of the running Prometheus ask whatever the cluster looks like. Each is small: it gives one
//! sample a target at most.

use crate::component::Component;
use crate::facts::Facts;
use crate::facts::samples::family_query;

/// All of them for a cluster, most useful first.
pub(crate) fn standing(facts: &Facts<'_>) -> Vec<String> {
    let mut out: Vec<String> = facts.installed().map(family_query).collect();
    if let Some(jobs) = jobs(facts) {
        out.extend([scraped(&jobs), kept(&jobs), flaps(&jobs)]);
    }
    out.extend([clashes(), refused("out_of_order"), refused("duplicate_timestamp")]);
    if writes_remotely(facts) {
        out.extend([remote_lag(), remote_failed()]);
    }
    if facts
        .boards()
        .iter()
        .flat_map(|b| &b.queries)
        .any(|q| q.raw.contains("process_") || q.raw.contains("go_"))
    {
        out.push(process_jobs());
    }
    out
}

/// A regular expression of the jobs under which Calico's targets are stored; none without targets.
pub(crate) fn jobs(facts: &Facts<'_>) -> Option<String> {
    let mut all: Vec<String> = facts.installed().flat_map(|c| facts.jobs(c)).map(|j| escaped(&j)).collect();
    all.sort();
    all.dedup();
    (!all.is_empty()).then(|| all.join("|"))
}

/// A label value as a pattern, escaped for a double-quoted PromQL text.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push_str("\\\\");
        }
        if c == '"' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Samples that each target sent.
pub(crate) fn scraped(jobs: &str) -> String {
    format!("max by (job, instance) (scrape_samples_scraped{{job=~\"{jobs}\"}})")
}

/// Samples of each target that were left after metric relabelling.
pub(crate) fn kept(jobs: &str) -> String {
    format!("max by (job, instance) (scrape_samples_post_metric_relabeling{{job=~\"{jobs}\"}})")
}

/// How often each target came or went within an hour, where it is too often.
pub(crate) fn flaps(jobs: &str) -> String {
    format!("max by (job, instance) (changes(up{{job=~\"{jobs}\"}}[1h])) > 5")
}

/// Labels of Calico's series that a target label pushed aside.
pub(crate) fn clashes() -> String {
    let names: Vec<&str> = Component::ALL.iter().flat_map(|c| c.prefixes()).copied().collect();
    let labels = ["job", "instance", "namespace", "pod", "node"].map(|l| format!("exported_{l}"));
    let names = names.join("|");
    // Asked for one by one: among the counts of all series those few would not be the largest.
    let with: Vec<String> =
        labels.iter().map(|l| format!("{{__name__=~\"({names}).+\",{l}!=\"\"}}")).collect();
    format!("topk(20, count by (__name__, {}) ({}))", labels.join(", "), with.join(" or "))
}

/// Samples that the head refused for a reason within 15 minutes.
pub(crate) fn refused(reason: &str) -> String {
    format!("sum(increase(prometheus_target_scrapes_sample_{reason}_total[15m]))")
}

/// Seconds that each remote-write queue is behind.
pub(crate) fn remote_lag() -> String {
    "max by (remote_name) (max_over_time(prometheus_remote_storage_highest_timestamp_in_seconds[5m]) - ignoring (remote_name, url) \
     group_right () max_over_time(prometheus_remote_storage_queue_highest_sent_timestamp_seconds[5m]))"
        .to_owned()
}

/// Samples a second that each remote refused for good.
pub(crate) fn remote_failed() -> String {
    "max by (remote_name) (rate(prometheus_remote_storage_samples_failed_total[5m]))".to_owned()
}

/// Whether a remote-write section is there.
pub(crate) fn writes_remotely(facts: &Facts<'_>) -> bool {
    let objects =
        facts.prometheuses.iter().any(|p| p.object.at("/spec/remoteWrite").is_some_and(|v| !v.is_null()));
    objects || facts.reachable().filter_map(|c| c.config.as_deref()).any(|c| c.contains("\nremote_write:"))
}

/// Jobs that have metrics of a Go or any process.
pub(crate) fn process_jobs() -> String {
    "count by (job) (process_cpu_seconds_total)".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::facts::queries::parse;
    use crate::testing::running;
    use tortie_sim::installs::Options;

    #[test]
    fn every_question_is_promql() {
        let snap = running(&Options::default(), |_| {});
        let facts = Facts::of(&snap);
        let all = standing(&facts);
        assert!(all.len() >= 8, "{all:?}");
        for query in all.into_iter().chain([
            remote_lag(),
            remote_failed(),
            process_jobs(),
            scraped(&escaped("a.b\"c")),
        ]) {
            assert!(parse(&query).is_ok(), "{query}: {:?}", parse(&query).err());
        }
    }
}
