//! # Samples of the component are stored
//!
//! **Looks at** what Prometheus stored of the component: whether a target is up, whether samples were left after metric
//! relabelling, whether the component's own families are among them.
//!
//! **Why it breaks silently.** `up` is 1 as soon as anything answered 200. A `metricRelabelings` rule that keeps too little,
//! or another process on the port, leaves a target that is up and says nothing of Calico.
//!
//! **How to mend.** With a target that is up and no samples: look at the monitor's `metricRelabelings`. With samples of
//! another program: look at which process has the port (Typha on Felix' 9091 is the usual one).

use crate::catalogue;
use crate::component::Component;
use crate::doctor::blind::unasked;
use crate::doctor::check::{Check, Evidence, Judged, Station};
use crate::doctor::entity::Entity;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::mend_link;
use crate::doctor::questions;
use crate::doctor::verdict::Confidence;
use crate::doctor::verdict::Level;
use crate::facts::Facts;
use crate::facts::discovered::rules;
use crate::snapshot::Target;
use serde_json::Value;
use tortie_model::LabelsBuilder;
use tortie_model::relabel::{Rule, trace};

pub(crate) static CHECK: Check = Check {
    id: "T710",
    slug: "no-samples",
    title: "samples of the component are stored",
    station: Station::Fresh,
    level: Level::Fail,
    needs: &["T705", "T304", "T514", "T706", "T708"],
    evidence: &[Evidence::Prometheus],
    symptom: true,
    judge,
};

fn judge(facts: &Facts<'_>) -> Vec<Judged> {
    facts.installed().map(|component| of(facts, component)).collect()
}

fn of(facts: &Facts<'_>, component: Component) -> Judged {
    let entity = Entity::of(component);
    if let Some(judged) = unasked(facts, entity.clone()) {
        return judged;
    }
    let targets = facts.targets(component);
    let up: Vec<_> = targets.iter().filter(|(_, t)| t.health == "up").collect();
    let mut finding =
        Finding::new(format!("no sample of {} arrives", component.title())).confidence(Confidence::Observed);
    finding.cause.path = format!("samples of {component}");
    let untried = |t: &Target| t.health == "unknown" && t.last_scrape.is_none();
    if let Some((_, first)) = targets.first().filter(|_| targets.iter().all(|(_, t)| untried(t))) {
        let text = format!("not scraped yet; the interval is {:.0} s", first.interval);
        return Judged::pending(entity, text);
    }
    if super::t518_pending::young(facts, component) {
        return Judged::pending(entity, "its monitor is younger than two minutes");
    }
    if up.is_empty() {
        return Judged::fail(entity, finding);
    }
    if let Some((sent, kept)) = samples(facts, component)
        && kept == 0.0
    {
        finding.title =
            format!("{} answers, and no sample is left after metric relabelling", component.title());
        let finding = finding.row("samples sent", sent.to_string(), "").row("samples kept", "0", "");
        return Judged::fail(entity, relabelled(facts, component, finding));
    }
    if !facts.some_samples(component) {
        finding.title = format!(
            "targets of {} are up, and nothing they say is {}'s",
            component.title(),
            component.title()
        );
        let names = component.prefixes().join("* or ");
        let finding = finding.row("series wanted", format!("{names}*"), "none is stored");
        return Judged::fail(entity, finding.fix(other_process()));
    }
    let ages = up.iter().filter_map(|(c, t)| {
        let now = facts.snap.at.saturating_add(c.clock_ahead.unwrap_or(0));
        Some((now - t.last_scrape?).max(0) / 1000)
    });
    Judged::pass_with(entity, ages.max().map(|s| format!("{s} s")).unwrap_or_default())
}

/// Samples sent by and kept of the component's targets, when they were asked.
fn samples(facts: &Facts<'_>, component: Component) -> Option<(f64, f64)> {
    let jobs = questions::jobs(facts)?;
    let own = facts.jobs(component);
    let sum = |query: &str| -> Option<f64> {
        let answer = facts.answer(query)?.ok()?;
        let mut found =
            answer.iter().filter(|s| s.labels.get("job").is_some_and(|j| own.contains(j))).peekable();
        found.peek()?;
        Some(found.map(|s| s.value).sum())
    };
    let sent = sum(&questions::scraped(&jobs))?;
    (sent > 0.0).then_some((sent, sum(&questions::kept(&jobs))?))
}

/// Names the monitor and, when one rule of it alone drops all that the component has, that rule.
fn relabelled(facts: &Facts<'_>, component: Component, finding: Finding) -> Finding {
    let Some(monitor) = facts.best(component).map(|b| facts.monitor(b)) else {
        return finding.fix(relabelling());
    };
    let list = rules(monitor, "metricRelabelings").unwrap_or_default();
    let names = catalogue::series(component, facts.install.version);
    let dropping = |rule: &Rule| {
        names.iter().all(|name| {
            let mut labels = LabelsBuilder::new();
            labels.set("__name__", name);
            trace(std::slice::from_ref(rule), &mut labels).last().is_some_and(|s| !s.keep)
        })
    };
    let Some((at, rule)) = list.iter().enumerate().find(|(_, r)| dropping(r)) else {
        return finding.fix(relabelling());
    };
    let field = format!("metricRelabelings/{at}");
    let pointer = monitor.pointer(&field);
    let fix = mend_link::pointer(facts, monitor.object, monitor.plural(), &pointer, Value::Null, Auto::No);
    finding
        .cause(monitor.object, &pointer)
        .heading(monitor.object.reference().to_string())
        .row(
            monitor.label(&field),
            format!("{} {} =~ {}", rule.action, rule.source_labels.join(";"), rule.regex.as_str()),
            "drops every name",
        )
        .fix(fix)
        .warning("the command removes the rule whole; narrow it if it keeps other things out")
}

fn relabelling() -> Fix {
    Fix::Outside("the monitor's metricRelabelings keep too little: take out the rule that drops all, or let it keep the component's names".to_owned())
}

fn other_process() -> Fix {
    Fix::Outside(
        "see what answers: `tortie scrape` on one target shows its families; either metricRelabelings drop the component's \
         names, or another process has the port"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use crate::component::Component;
    use crate::doctor::questions;
    use crate::facts::Facts;
    use crate::facts::samples::family_query;
    use crate::testing::{findings, judged, running, with_answer};
    use tortie_sim::installs::Options;

    #[test]
    fn up_is_not_enough() {
        let snap = running(&Options::default(), |_| {});
        assert_eq!(findings("T710", &snap), Vec::<String>::new());
        assert_eq!(judged("T710", &snap)[0].note, "5 s");
        let wrong = with_answer(snap.clone(), &family_query(Component::Felix), &[]);
        assert_eq!(
            findings("T710", &wrong),
            ["fail felix: targets of Felix are up, and nothing they say is Felix's"]
        );
        let jobs = questions::jobs(&Facts::of(&snap)).expect("jobs");
        let sent = with_answer(snap, &questions::scraped(&jobs), &[("{job=\"typha\"}", 400.0)]);
        let none = with_answer(sent, &questions::kept(&jobs), &[("{job=\"typha\"}", 0.0)]);
        assert_eq!(
            findings("T710", &none),
            ["fail typha: Typha answers, and no sample is left after metric relabelling"]
        );
    }

    #[test]
    fn a_target_that_had_no_turn_yet_is_pending() {
        let mut snap = running(&Options::default(), |_| {});
        for target in snap.collectors[0].targets.iter_mut().filter(|t| t.url.contains(":9091")) {
            target.health = "unknown".to_owned();
            target.last_scrape = None;
            target.interval = 300.0;
        }
        let judged = judged("T710", &snap);
        assert_eq!(judged[0].note, "not scraped yet; the interval is 300 s");
        assert_eq!(judged[0].verdict, crate::doctor::verdict::Verdict::Pending);
    }

    #[test]
    fn without_a_target_nothing_arrives() {
        let mut snap = running(&Options::default(), |_| {});
        snap.collectors[0].targets.clear();
        assert_eq!(findings("T710", &snap)[0], "fail felix: no sample of Felix arrives");
    }
}
