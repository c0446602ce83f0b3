//! # Prometheus can be asked
//!
//! **Looks at** every way to a Prometheus that was tried: port-forward to its pods, the API server's proxy, the address
//! given by `--prom-url`.
//!
//! **Why it matters.** Targets, samples, panels and rules are judged by what Prometheus itself says. Without it those checks
//! stay unknown; nothing is called broken for it.
//!
//! **How to mend.** The report says which way failed and how. Port-forward needs `get pods` and `create pods/portforward`;
//! the proxy needs `get pods/proxy`, and kube-prometheus' own NetworkPolicy refuses it from the API server. With
//! `--prom-url` the address must answer from where the doctor runs; credentials go into `--prom-user` or a file, never into
//! the address.

use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::verdict::Level;
use crate::facts::Facts;

pub(crate) static CHECK: Check = Check {
    id: "T701",
    slug: "prometheus-reachable",
    title: "Prometheus can be asked",
    station: Station::Access,
    level: Level::Fail,
    needs: &["T101", "T608"],
    evidence: &[Evidence::Prometheus],
    symptom: false,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    if facts.snap.collectors.is_empty() {
        return vec![nobody(facts)];
    }
    let mut out = Vec::new();
    for collector in &facts.snap.collectors {
        let mut entity = Entity::cluster();
        if !collector.object.is_empty() {
            entity = entity.in_prometheus(collector.object.clone());
        }
        entity = entity.item(collector.replica.clone());
        out.push(match &collector.unreachable {
            Some(why) => Judged::unknown(
                entity,
                format!("cannot reach {}: {why} (hint: another way is --prom-url URL)", named(collector)),
            ),
            None => Judged::pass_with(entity, collector.version.clone()),
        });
    }
    out
}

fn named(collector: &crate::snapshot::Collector) -> String {
    if collector.object.is_empty() {
        return collector.replica.clone();
    }
    format!("Prometheus {} ({})", collector.object, collector.replica)
}

fn nobody(facts: &Facts<'_>) -> Judged {
    if !facts.running() {
        return Judged::skipped(Entity::cluster(), "this source holds no answers of a running Prometheus");
    }
    if facts.prometheuses.is_empty() {
        // T602 says that there is no Prometheus object.
        return Judged::unknown(
            Entity::cluster(),
            "no Prometheus was found to ask (hint: name one with --prom-url URL)",
        );
    }
    Judged::unknown(Entity::cluster(), "no Prometheus was asked")
}

#[cfg(test)]
mod tests {
    use crate::doctor::verdict::Verdict;
    use crate::testing::{judged, running, snapshot};
    use tortie_sim::installs::Options;

    #[track_caller]
    fn check(unreachable: Option<&str>, expect: (Verdict, &str)) {
        let mut snap = running(&Options::default(), |_| {});
        snap.collectors[0].unreachable = unreachable.map(str::to_owned);
        let got = judged("T701", &snap).remove(0);
        assert_eq!((got.verdict, got.note.as_str()), expect);
    }

    #[test]
    fn unreachable_is_unknown_and_never_a_failure() {
        check(None, (Verdict::Pass, "3.14.0"));
        check(
            Some("pods \"p\" is forbidden: cannot create resource \"pods/portforward\""),
            (
                Verdict::Unknown,
                "cannot reach Prometheus monitoring/prometheus-kube-prometheus-prometheus (pod/prometheus-0): pods \"p\" is forbidden: \
                 cannot create resource \"pods/portforward\" (hint: another way is --prom-url URL)",
            ),
        );
    }

    #[test]
    fn a_dump_has_nobody_to_ask() {
        let snap = snapshot(&Options::default(), |_| {});
        assert_eq!(judged("T701", &snap)[0].verdict, Verdict::Skipped);
    }
}
