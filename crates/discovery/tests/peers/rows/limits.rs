//! Limits and what is enforced; classes.

use super::Section;
use super::view::{View, is, number, text};

const LIMITS: [(&str, &str); 6] = [
    ("sampleLimit", "enforcedSampleLimit"),
    ("targetLimit", "enforcedTargetLimit"),
    ("labelLimit", "enforcedLabelLimit"),
    ("labelNameLengthLimit", "enforcedLabelNameLengthLimit"),
    ("labelValueLengthLimit", "enforcedLabelValueLengthLimit"),
    ("keepDroppedTargets", "enforcedKeepDroppedTargets"),
];

pub(super) fn rows() -> Section {
    let mut s = Section::new("1.7");
    for (own, enforced) in LIMITS {
        let of = |name: &str| format!("/{name}");
        let (own_at, enforced_at) = (of(own), of(enforced));
        let limited =
            move |v: &View<'_>, own_set: bool| v.with_class(|s, _| (number(&s[own]) > 0) == own_set);
        let at = enforced_at.clone();
        s = s.row(&format!("{own}-own"), move |v| limited(v, true) && number(v.spec(&at)) == 0);
        let at = enforced_at.clone();
        s = s.row(&format!("{own}-enforced"), move |v| limited(v, false) && number(v.spec(&at)) > 0);
        let at = enforced_at.clone();
        s = s.row(&format!("{own}-both"), move |v| limited(v, true) && number(v.spec(&at)) > 0);
        let at = own_at;
        s = s.row(&format!("{own}-global"), move |v| v.made() && number(v.spec(&at)) > 0);
        s = s.row(&format!("{own}-enforced-as-global"), move |v| {
            v.made() && number(v.spec(&enforced_at)) > 0 && number(v.spec(&format!("/{own}"))) == 0
        });
    }
    s.row("enforced-in-the-job-before-2.45", |v| {
        ["v2.44.0", "2.30.0", "v2.28.1"].contains(&text(v.spec("/version")))
            && v.any("ServiceMonitor", |s| number(&s["sampleLimit"]) == 0)
            && number(v.spec("/enforcedSampleLimit")) > 0
    })
    .row("body-own", |v| {
        v.any("ServiceMonitor", |s| is(&s["bodySizeLimit"])) && !v.has("/enforcedBodySizeLimit")
    })
    .row("body-enforced", |v| {
        v.any("ServiceMonitor", |s| !is(&s["bodySizeLimit"])) && v.has("/enforcedBodySizeLimit")
    })
    .row("body-both", |v| {
        v.any("ServiceMonitor", |s| is(&s["bodySizeLimit"])) && v.has("/enforcedBodySizeLimit")
    })
    .row("body-of-probe", |v| v.any("Probe", |_| true) && v.has("/enforcedBodySizeLimit"))
    .row("body-global", |v| v.made() && v.has("/bodySizeLimit"))
    .row("excluded-by-namespace", |v| {
        v.made() && v.has("/enforcedNamespaceLabel") && exclusions(v).any(|e| !is(&e["name"]))
    })
    .row("excluded-by-name", |v| {
        v.made() && v.has("/enforcedNamespaceLabel") && exclusions(v).any(|e| is(&e["name"]))
    })
    .row("excluded-by-group", |v| {
        v.made() && v.has("/enforcedNamespaceLabel") && exclusions(v).any(|e| is(&e["group"]))
    })
}

fn exclusions<'v>(v: &'v View<'_>) -> impl Iterator<Item = &'v serde_json::Value> {
    v.spec("/excludedFromEnforcement").as_array().into_iter().flatten()
}

pub(super) fn classes() -> Section {
    Section::new("1.7 classes")
        .row("by-name", |v| v.with_class(|s, c| is(&s["scrapeClass"]) && is(c)))
        .row("by-default", |v| v.with_class(|s, c| !is(&s["scrapeClass"]) && is(c)))
        .row("none", |v| v.with_class(|_, c| !is(c)))
        .row("unknown", |v| v.refused("scrapeClass"))
        .row("two-defaults", |v| v.fails("default"))
        .row("rules-wrong", |v| v.fails("relabel"))
        .row("tls-whole", |v| {
            v.endpoint("ServiceMonitor", |s, e| is(&v.class(s)["tlsConfig"]) && !is(&e["tlsConfig"]))
        })
        .row("tls-only-paths", |v| {
            v.endpoint("ServiceMonitor", |s, e| is(&v.class(s)["tlsConfig"]["caFile"]) && is(&e["tlsConfig"]))
        })
        .row("authorization", |v| v.with_class(|_, c| is(&c["authorization"]["credentials"])))
        .row("authorization-file", |v| v.with_class(|_, c| is(&c["authorization"]["credentialsFile"])))
        .row("attach-node", |v| {
            v.any("ServiceMonitor", |s| !is(&s["attachMetadata"]) && is(&v.class(s)["attachMetadata"]))
        })
        .row("fallback", |v| {
            v.with_class(|s, c| !is(&s["fallbackScrapeProtocol"]) && is(&c["fallbackScrapeProtocol"]))
        })
        .row("metric-rules", |v| v.with_class(|_, c| is(&c["metricRelabelings"])))
}
