//! # What the process sends can be read
//!
//! **Looks at** the body that a probe got, parsed as strictly as Prometheus does, and at its content type.
//!
//! **Why it breaks silently.** One line that is no sample fails the whole scrape: the target is down with `expected ...`, and
//! every series of it goes stale. Prometheus 3 also refuses a body without a content type that it knows.
//!
//! **How to mend.** Look at the line. A proxy that adds HTML, a second program on the port, or a label value that is no UTF-8
//! are the usual causes. For the content type set `fallbackScrapeProtocol: PrometheusText0.0.4` on the monitor.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Confidence, Level};
use crate::facts::Facts;
use crate::snapshot::ProbeOutcome;
use tortie_cluster::object::{Gvk, ObjectRef};

pub(crate) static CHECK: Check = Check {
    id: "T305",
    slug: "payload-unreadable",
    title: "what the process sends can be read",
    station: Station::Port,
    level: Level::Fail,
    needs: &["T304"],
    evidence: &[Evidence::Probes],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    let mut out = Vec::new();
    for probe in &facts.snap.probes {
        let ProbeOutcome::Answered { broken, content_type, .. } = &probe.outcome else { continue };
        let entity = Entity::of(probe.component);
        let entity = if probe.node.is_empty() { entity } else { entity.on(probe.node.clone()) };
        let Some(broken) = broken else {
            out.push(Judged::pass(entity));
            continue;
        };
        let pod = ObjectRef::new(Gvk::new("", "v1", "Pod"), &probe.pod.0, &probe.pod.1);
        let finding =
            Finding::new(format!("the metrics of {} cannot be read: {broken}", probe.component.title()))
                .confidence(Confidence::Observed)
                .cause_ref(pod.clone(), &format!("port {}", probe.port), broken.clone())
                .row(pod.to_string(), broken.clone(), content_type.clone())
                .fix(Fix::Outside(
                    "look at that line of the body: curl the endpoint from its node".to_owned(),
                ));
        out.push(Judged::fail(entity, finding));
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::component::Component::Felix;
    use crate::doctor::answers::{body, probe};
    use crate::snapshot::{ProbeOutcome, Snapshot};
    use crate::testing::{findings, mends, snapshot};
    use tortie_sim::installs::Options;

    fn with(text: Option<&str>) -> Snapshot {
        let mut snap = snapshot(&Options::default(), |_| {});
        let mut outcome = body(&["felix_host"]);
        if let ProbeOutcome::Answered { broken, .. } = &mut outcome {
            *broken = text.map(str::to_owned);
        }
        snap.probes.push(probe(Felix, "n2", outcome));
        snap
    }

    #[track_caller]
    fn check(broken: Option<&str>, expect: &[&str]) {
        assert_eq!(findings("T305", &with(broken)), expect);
    }

    #[test]
    fn every_line_must_be_a_sample() {
        check(None, &[]);
        check(
            Some("line 214: expected a value"),
            &["fail felix node/n2: the metrics of Felix cannot be read: line 214: expected a value"],
        );
    }

    #[test]
    fn the_line_is_to_be_looked_at() {
        assert_eq!(
            mends("T305", &with(Some("line 1: x"))),
            ["outside: look at that line of the body: curl the endpoint from its node"]
        );
    }
}
