//! # No limit cuts the scrape
//!
//! **Looks at** targets whose last error is a limit: `sample limit exceeded`, `body size limit exceeded`, `label_limit`,
//! `target_limit`.
//!
//! **Why it breaks silently.** A scrape above a limit is thrown away as a whole: `up` goes to 0, yet the process answers
//! perfectly. It begins on the day the cluster grows past the number, or a new version of Calico has more series.
//!
//! **How to mend.** Raise the limit where it is set: on the monitor, or on the Prometheus object (`enforced...`), which caps
//! what monitors may ask for.

use crate::component::Component;
use crate::doctor::check::{Check, Evidence, Judged, Station, each_scraped};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Auto;
use crate::doctor::fix::Fix;
use crate::doctor::last_error::Class;
use crate::doctor::mend;
use crate::doctor::questions;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::doctor::wording::counted;
use crate::facts::Facts;
use crate::facts::branch::Branch;
use crate::snapshot::Target;
use serde_json::{Value, json};

pub(crate) static CHECK: Check = Check {
    id: "T706",
    slug: "limit-hit",
    title: "no limit cuts the scrape",
    station: Station::Targets,
    level: Level::Fail,
    needs: &["T702"],
    evidence: &[Evidence::Prometheus, Evidence::Objects],
    symptom: false,
    judge,
};

/// A limit: what its error says, its field on a monitor, its field on the Prometheus object.
const LIMITS: [(&str, &str, &str); 6] = [
    ("sample limit", "/spec/sampleLimit", "/spec/enforcedSampleLimit"),
    ("sample_limit", "/spec/sampleLimit", "/spec/enforcedSampleLimit"),
    ("target_limit", "/spec/targetLimit", "/spec/enforcedTargetLimit"),
    ("label_limit", "/spec/labelLimit", "/spec/enforcedLabelLimit"),
    ("label_value_length_limit", "/spec/labelValueLengthLimit", "/spec/enforcedLabelValueLengthLimit"),
    ("body size limit", "/spec/bodySizeLimit", "/spec/enforcedBodySizeLimit"),
];

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    each_scraped(facts, of)
}

fn of(facts: &Facts<'_>, component: Component, entity: Entity) -> Option<Judged> {
    let targets = facts.targets(component);
    let cut: Vec<&Target> = targets
        .iter()
        .map(|(_, t)| *t)
        .filter(|t| t.health == "down" && Class::of(&t.last_error) == Class::Limit)
        .collect();
    let Some(first) = cut.first() else {
        return (!targets.is_empty()).then(|| Judged::pass(entity));
    };
    Some(Judged::fail(entity, finding(facts, component, first, cut.len())))
}

fn finding(facts: &Facts<'_>, component: Component, target: &Target, cut: usize) -> Finding {
    let sent = samples(facts, target);
    let title = match sent {
        Some(sent) => format!(
            "{} of {} are thrown away: {} ({sent} samples)",
            counted(cut, "scrape"),
            component.title(),
            target.last_error
        ),
        None => format!(
            "{} of {} are thrown away: {}",
            counted(cut, "scrape"),
            component.title(),
            target.last_error
        ),
    };
    let mut finding = Finding::new(title).confidence(Confidence::Observed).row(
        target.url.clone(),
        target.last_error.clone(),
        "",
    );
    finding.cause.path = format!("limit of {component}");
    finding.cause.have = target.last_error.clone();
    let limit = LIMITS.iter().find(|(text, ..)| target.last_error.contains(text));
    let branch = facts.best(component);
    let placed = branch.zip(limit).and_then(|(b, (_, own, enforced))| place(facts, b, own, enforced, sent));
    match placed {
        Some((object, pointer, fix)) => finding.cause(object, &pointer).fix(fix),
        None => {
            finding.fix(Fix::Outside("raise the limit of this job in Prometheus' configuration".to_owned()))
        }
    }
}

/// Where the limit is set: the smaller of the two counts.
fn place<'f>(
    facts: &'f Facts<'_>,
    branch: &Branch,
    own: &str,
    enforced: &str,
    sent: Option<f64>,
) -> Option<(&'f tortie_cluster::object::Object, String, Fix)> {
    let monitor = facts.monitor(branch).object.as_ref();
    let prometheus = facts.prometheus(branch).map(|p| p.object.as_ref());
    let of_monitor = monitor.at(own).and_then(limit);
    let of_prometheus = prometheus.and_then(|p| p.at(enforced)).and_then(limit);
    let (object, pointer, now) = match (of_monitor, of_prometheus) {
        (Some(m), Some(p)) if p < m => (prometheus?, enforced, p),
        (Some(m), _) => (monitor, own, m),
        (None, Some(p)) => (prometheus?, enforced, p),
        (None, None) => return None,
    };
    // Prometheus does not say how large the page was; ten times the limit, and 10 MB at least, hold any of Calico's.
    let wanted = match object.at(pointer) {
        Some(Value::String(_)) => json!(format!("{:.0}MB", (10.0 * now / 1e6).max(10.0).ceil())),
        // Twice what is sent now, and rounded up, lasts for a while.
        _ => json!(((2.0 * sent.unwrap_or(now).max(now) / 100.0).ceil() * 100.0) as u64),
    };
    let fix = mend::set(facts, object, pointer, wanted, Auto::Ask);
    Some((object, pointer.to_owned(), fix))
}

/// A limit: a number, or a size in bytes as the CRD takes it (`10KB`, `1MiB`). One of zero is none.
fn limit(value: &Value) -> Option<f64> {
    const UNITS: [(&str, f64); 11] = [
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("TiB", 1_099_511_627_776.0),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("TB", 1e12),
        ("PB", 1e15),
        ("EB", 1e18),
        ("B", 1.0),
    ];
    let number = match value.as_str() {
        Some(text) => {
            let (digits, unit) = UNITS.iter().find_map(|(u, n)| Some((text.strip_suffix(u)?, *n)))?;
            digits.trim().parse::<f64>().ok()? * unit
        }
        None => value.as_f64()?,
    };
    Some(number).filter(|n| *n > 0.0)
}

/// Samples that the target sent, kept or not.
fn samples(facts: &Facts<'_>, target: &Target) -> Option<f64> {
    let answer = facts.answer(&questions::scraped(&questions::jobs(facts)?))?.ok()?;
    let same = |s: &&crate::snapshot::Sample| {
        ["job", "instance"].iter().all(|l| s.labels.get(*l) == target.labels.get(*l))
    };
    answer.iter().find(same).map(|s| s.value)
}

#[cfg(test)]
mod tests {
    use crate::doctor::questions;
    use crate::facts::Facts;
    use crate::testing::{findings, mends, running, with_answer};
    use serde_json::json;
    use tortie_sim::installs::{Options, set};

    #[test]
    fn sizes_have_units() {
        #[track_caller]
        fn check(text: &str, expect: Option<f64>) {
            assert_eq!(super::limit(&json!(text)), expect, "{text}");
        }
        check("10KB", Some(10_000.0));
        check("1MiB", Some(1_048_576.0));
        check("512B", Some(512.0));
        check("0B", None);
        check("many", None);
    }

    #[test]
    fn the_size_of_a_page_may_grow() {
        let mut snap = running(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-typha"), "/spec/bodySizeLimit", json!("10KB"));
        });
        for target in snap.collectors[0].targets.iter_mut().filter(|t| t.url.contains(":9093")) {
            target.health = "down".to_owned();
            target.last_error = "body size limit exceeded".to_owned();
        }
        assert!(
            mends("T706", &snap)[0].ends_with("\"path\":\"/spec/bodySizeLimit\",\"value\":\"10MB\"}]'"),
            "{:?}",
            mends("T706", &snap)
        );
    }

    #[test]
    fn the_limit_and_its_place_are_named() {
        let mut snap = running(&Options::default(), |o| {
            set(o.get("ServiceMonitor", "calico-typha"), "/spec/sampleLimit", json!(500));
        });
        assert_eq!(findings("T706", &snap), Vec::<String>::new());
        for target in snap.collectors[0].targets.iter_mut().filter(|t| t.url.contains(":9093")) {
            target.health = "down".to_owned();
            target.last_error = "sample limit exceeded".to_owned();
        }
        let instance = snap.collectors[0]
            .targets
            .iter()
            .find(|t| t.url.contains(":9093"))
            .expect("typha")
            .labels["instance"]
            .clone();
        let query = questions::scraped(&questions::jobs(&Facts::of(&snap)).expect("jobs"));
        let snap =
            with_answer(snap, &query, &[(&format!("{{job=\"typha\", instance=\"{instance}\"}}"), 1180.0)]);
        assert_eq!(
            findings("T706", &snap),
            ["fail typha: 2 scrapes of Typha are thrown away: sample limit exceeded (1180 samples)"]
        );
        assert_eq!(
            mends("T706", &snap),
            [
                "kubectl --context=test -n monitoring patch servicemonitors.v1.monitoring.coreos.com calico-typha --type=json -p \
              '[{\"op\":\"test\",\"path\":\"/spec/sampleLimit\",\"value\":500},\
              {\"op\":\"replace\",\"path\":\"/spec/sampleLimit\",\"value\":2400}]'"
            ]
        );
    }
}
