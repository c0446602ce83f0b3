//! Section `global` and its neighbours.

use super::Section;
use super::view::{View, is};

pub(super) fn rows() -> Section {
    let has = |pointer: &'static str| move |v: &View<'_>| v.made() && v.has(pointer);
    let off = |pointer: &'static str| move |v: &View<'_>| v.made() && v.spec(pointer).as_str() == Some("");
    let manager =
        |field: &'static str| move |v: &View<'_>| v.made() && is(&v.spec("/alerting/alertmanagers/0")[field]);
    Section::new("1.6")
        .row("interval", has("/scrapeInterval"))
        .row("timeout", has("/scrapeTimeout"))
        .row("protocols", has("/scrapeProtocols"))
        .row("external-labels", has("/externalLabels"))
        .row("external-label-reserved", |v| {
            v.made() && v.has("/externalLabels/prometheus") && !v.has("/prometheusExternalLabelName")
        })
        .row("prometheus-label-off", off("/prometheusExternalLabelName"))
        .row("prometheus-label-renamed", has("/prometheusExternalLabelName"))
        .row("replica-label-off", off("/replicaExternalLabelName"))
        .row("replica-label-renamed", has("/replicaExternalLabelName"))
        .row("zone-label", |v| v.written("$(TOPOLOGY_ZONE)"))
        .row("retention-time", has("/retention"))
        .row("retention-size", has("/retentionSize"))
        .row("retention-default", |v| v.made() && !v.has("/retention") && !v.has("/retentionSize"))
        .row("rule-offset", has("/ruleQueryOffset"))
        .row("query-log", has("/queryLogFile"))
        .row("failure-log", has("/scrapeFailureLogFile"))
        .row("name-validation", has("/nameValidationScheme"))
        .row("name-escaping", has("/nameEscapingScheme"))
        .row("native-histograms", has("/scrapeNativeHistograms"))
        .row("classic-histograms", has("/scrapeClassicHistograms"))
        .row("convert-histograms", has("/convertClassicHistogramsToNHCB"))
        .row("exemplars", has("/exemplars"))
        .row("runtime", has("/runtime"))
        .row("out-of-order-window", has("/tsdb/outOfOrderTimeWindow"))
        .row("managers", has("/alerting/alertmanagers"))
        .row("managers-port-number", |v| v.made() && v.spec("/alerting/alertmanagers/0/port").is_u64())
        .row("managers-rules", manager("relabelings"))
        .row("managers-alert-rules", manager("alertRelabelings"))
        .row("managers-api-version", manager("apiVersion"))
        .row("managers-added", |v| v.made() && v.has("/additionalAlertManagerConfigs"))
        .row("alert-rules-added", |v| v.made() && v.has("/additionalAlertRelabelConfigs"))
        .row("jobs-added", |v| v.written("job_name: raw"))
        .row("jobs-absent", |v| v.fails("loading additional scrape configs"))
        .row("jobs-absent-and-may-be", |v| {
            v.made() && v.spec("/additionalScrapeConfigs/optional") == true && !v.written("job_name: raw")
        })
        .row("timeout-above-interval", |v| v.fails("scrapeTimeout") && v.has("/scrapeTimeout"))
}
