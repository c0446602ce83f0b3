//! # Samples are kept as long as they are looked at
//!
//! **Looks at** how long the Prometheus object keeps samples (`retention`, 24 hours when it does not say), and how far back the
//! dashboards and rules that read Calico's series look.
//!
//! **Why it breaks silently.** A window that reaches further back than the data simply counts less: a week's forecast from one
//! day of samples is still a number.
//!
//! **How to mend.** Raise `retention`, or let the rule look back less.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::fix::Fix;
use crate::doctor::mend;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::prometheus::Prometheus;
use crate::facts::queries::looks_back;
use serde_json::json;

pub(crate) static CHECK: Check = Check {
    id: "T716",
    slug: "retention",
    title: "samples are kept as long as they are looked at",
    station: Station::Fresh,
    level: Level::Info,
    needs: &["T602"],
    evidence: &[Evidence::Objects],
    symptom: false,
    judge,
};

/// What prometheus-operator passes when neither time nor size is set.
const DEFAULT_MS: i64 = 24 * 3_600_000;

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let Some((who, needed)) = needed(facts) else {
        return vec![Judged::skipped(Entity::cluster(), "no dashboard or rule reads Calico's series")];
    };
    // The longest one counts: another may only feed a store.
    let kept = facts.prometheuses.iter().filter(|p| p.object.gvk.kind == "Prometheus");
    let Some((prometheus, ms)) = kept.filter_map(|p| Some((p, retention(p)?))).max_by_key(|(_, ms)| *ms)
    else {
        return Vec::new();
    };
    let entity = Entity::prometheus(prometheus.name.clone());
    if needed <= ms {
        return vec![Judged::pass(entity)];
    }
    let hours = |ms: i64| format!("{} h", ms / 3_600_000);
    let finding = Finding::new(format!("{who} looks back {}, samples are kept {}", hours(needed), hours(ms)))
        .cause(prometheus.object, "/spec/retention")
        .row(prometheus.object.reference().to_string(), hours(ms), "retention")
        .row(who, hours(needed), "looks back")
        .fix(fix(facts, prometheus, needed));
    vec![Judged::info(entity, finding)]
}

fn fix(facts: &Facts<'_>, prometheus: &Prometheus<'_>, needed: i64) -> Fix {
    let days = (needed + 86_399_999) / 86_400_000;
    mend::set(facts, prometheus.object, "/spec/retention", json!(format!("{days}d")), Auto::Ask)
}

/// How long it keeps samples; none when only a size bounds it, or when it keeps them elsewhere.
fn retention(prometheus: &Prometheus<'_>) -> Option<i64> {
    let set =
        |pointer: &str| prometheus.object.at(pointer).and_then(|v| v.as_str()).filter(|v| !v.is_empty());
    match (set("/spec/retention"), set("/spec/retentionSize")) {
        (Some(text), _) => tortie_model::duration::parse(text).ok(),
        (None, Some(_)) => None,
        (None, None) if prometheus.object.at("/spec/thanos").is_some() => None,
        (None, None) => Some(DEFAULT_MS),
    }
}

/// Who looks back furthest, and how far in milliseconds.
fn needed(facts: &Facts<'_>) -> Option<(String, i64)> {
    let mut out: Vec<(String, i64)> = Vec::new();
    for board in facts.boards() {
        let shown = board.shown_ms().unwrap_or(0);
        let back =
            board.queries.iter().filter_map(|q| q.expr.as_ref().ok()).map(looks_back).max().unwrap_or(0);
        out.push((format!("dashboard \"{}\"", board.name()), shown.max(back)));
    }
    for rule in facts.rules() {
        if let Ok(expr) = &rule.expr {
            out.push((rule.title(), looks_back(expr)));
        }
    }
    out.into_iter().max_by_key(|(_, ms)| *ms)
}

#[cfg(test)]
mod tests {
    use crate::testing::{findings, mends, rule, snapshot};
    use serde_json::Value;
    use tortie_sim::installs::{Options, set};

    const NAME: &str = "prometheus-kube-prometheus-prometheus";

    #[track_caller]
    fn check(expr: &str, expect: &[&str]) {
        let snap = snapshot(&Options::default(), |o| {
            set(o.get("Prometheus", NAME), "/spec/retention", Value::Null);
            o.add(rule("r", &[("Soon", expr)]));
        });
        assert_eq!(findings("T716", &snap), expect, "{expr}");
    }

    #[test]
    fn ten_days_of_the_chart_hold_a_week() {
        let snap = snapshot(&Options::default(), |o| {
            o.add(rule("r", &[("Soon", "increase(ipam_blocks[7d]) > 1")]));
        });
        assert_eq!(findings("T716", &snap), [""; 0]);
    }

    #[test]
    fn a_window_beyond_the_data_is_worth_knowing() {
        check("predict_linear(ipam_blocks[6h], 3600) > 1", &[]);
        check(
            "predict_linear(ipam_blocks[7d], 3600) > 1",
            &[
                "info prometheus/monitoring/prometheus-kube-prometheus-prometheus: alert Soon looks back 168 h, samples are kept 24 h",
            ],
        );
        let snap = snapshot(&Options::default(), |o| {
            o.add(rule("r", &[("Soon", "increase(ipam_blocks[7d]) > 1")]));
            // As if no chart kept it.
            let prometheus = o.get("Prometheus", NAME);
            set(prometheus, "/spec/retention", Value::Null);
            prometheus["metadata"]["labels"] = serde_json::json!({});
        });
        assert_eq!(
            mends("T716", &snap),
            [
                "kubectl --context=test -n monitoring patch prometheuses.v1.monitoring.coreos.com prometheus-kube-prometheus-prometheus \
              --type=merge -p '{\"spec\":{\"retention\":\"7d\"}}'"
            ]
        );
    }
}
