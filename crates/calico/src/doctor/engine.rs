//! From verdicts to root causes.
//!
//! Every check judges on its own; here the graph of `needs` says which failure is a cause, which follows from one, and
//! which will come up once a cause is mended. One broken link gives one finding.

use crate::component::Component;
use crate::doctor::check::{Check, Judged};
use crate::doctor::finding::{Finding, Next};
use crate::doctor::verdict::{Level, Verdict};
use crate::facts::Facts;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A judgement with the check that made it.
#[derive(Clone)]
pub struct Outcome {
    /// The check.
    pub check: &'static Check,
    /// Its judgement.
    pub judged: Judged,
}

/// What a goal looks like in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GoalState {
    /// Reached.
    Pass,
    /// Reached, with something to look at.
    Warn,
    /// Young; wait.
    Pending,
    /// Could not be seen.
    Unknown,
    /// Not reached.
    Fail,
}

impl GoalState {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            GoalState::Pass => "pass",
            GoalState::Warn => "warn",
            GoalState::Pending => "pending",
            GoalState::Unknown => "unknown",
            GoalState::Fail => "fail",
        }
    }
}

/// The doctor's report.
pub struct Report {
    /// Root findings, most helpful first.
    pub findings: Vec<Finding>,
    /// Every outcome, in the order of the checks.
    pub outcomes: Vec<Outcome>,
    /// Each installed component's goal.
    pub goals: Vec<(Component, GoalState)>,
}

impl Report {
    /// The exit code: 1 a finding at `fail_on` or above, 3 none and a goal unknown or pending, else 0.
    pub fn exit_code(&self, fail_on: Level) -> u8 {
        if self.findings.iter().any(|f| f.level >= fail_on) {
            return 1;
        }
        let open = |s: GoalState| matches!(s, GoalState::Unknown | GoalState::Pending);
        u8::from(self.goals.iter().any(|(_, s)| open(*s))) * 3
    }
}

/// Runs `checks` on the facts. A check that panics becomes `unknown`; the rest goes on.
pub fn judge(checks: &[&'static Check], facts: &Facts<'_>) -> Report {
    let mut outcomes = Vec::new();
    for &check in checks {
        let judged = catch_unwind(AssertUnwindSafe(|| (check.judge)(facts))).unwrap_or_else(|_| {
            let text = format!("crashed: please report {} with `tortie collect`", check.id);
            vec![Judged::unknown(Default::default(), text)]
        });
        outcomes.extend(judged.into_iter().map(|judged| Outcome { check, judged: named(check, judged) }));
    }
    hold_back(&mut outcomes);
    let ancestors = ancestors(checks);
    let mut findings = roots(&mut outcomes, &ancestors, facts);
    look_ahead(&outcomes, &mut findings);
    let mut findings = grouped(findings);
    rank(&mut findings);
    let goals = goals(&outcomes, facts);
    Report { findings, outcomes, goals }
}

/// Of a cluster that does not answer nothing is known: that no Calico was seen there says nothing.
fn hold_back(outcomes: &mut [Outcome]) {
    let silent = |o: &Outcome| o.check.id == "T101" && o.judged.verdict == Verdict::Fail;
    if !outcomes.iter().any(silent) {
        return;
    }
    for outcome in outcomes.iter_mut().filter(|o| o.check.id != "T101") {
        outcome.judged =
            Judged { verdict: Verdict::Blocked, finding: None, after: &[], ..outcome.judged.clone() };
    }
}

fn named(check: &'static Check, mut judged: Judged) -> Judged {
    if let Some(finding) = &mut judged.finding {
        finding.id = check.id;
        finding.slug = check.slug;
        if let Some(level) = Level::of(judged.verdict) {
            finding.level = level;
        }
        finding.entities = vec![judged.entity.clone()];
    }
    judged
}

/// For each check, all that it needs, directly or not.
fn ancestors(checks: &[&'static Check]) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let by_id: BTreeMap<&str, &'static Check> = checks.iter().map(|c| (c.id, *c)).collect();
    let mut all = BTreeMap::new();
    for check in checks {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&'static str> = check.needs.to_vec();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(by_id.get(id).map(|c| c.needs.iter().copied()).into_iter().flatten());
            }
        }
        all.insert(check.id, seen);
    }
    all
}

/// Picks the roots. What is no root goes into `explains` (symptoms) or `next` (causes of their own) of its root.
fn roots(
    outcomes: &mut [Outcome],
    ancestors: &BTreeMap<&'static str, BTreeSet<&'static str>>,
    facts: &Facts<'_>,
) -> Vec<Finding> {
    let failed: Vec<(usize, &'static str)> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, o)| o.judged.verdict == Verdict::Fail)
        .map(|(i, o)| (i, o.check.id))
        .collect();
    // For each outcome, the failed outcomes above it on its path.
    let above = |i: usize| -> Vec<usize> {
        let Some(needs) = ancestors.get(outcomes[i].check.id) else { return Vec::new() };
        let entity = &outcomes[i].judged.entity;
        failed
            .iter()
            .filter(|(j, id)| {
                *j != i && needs.contains(id) && outcomes[*j].judged.entity.on_the_path_of(entity)
            })
            .map(|(j, _)| *j)
            .collect()
    };
    let above: Vec<Vec<usize>> = (0..outcomes.len()).map(above).collect();
    let is_root = |i: usize| outcomes[i].judged.verdict == Verdict::Fail && above[i].is_empty();
    let mut roots: BTreeMap<usize, Finding> = BTreeMap::new();
    for (i, outcome) in outcomes.iter().enumerate() {
        let Some(finding) = &outcome.judged.finding else { continue };
        let free = is_root(i)
            || (matches!(outcome.judged.verdict, Verdict::Warn | Verdict::Info) && above[i].is_empty());
        if free {
            roots.insert(i, finding.clone());
        }
    }
    for i in 0..outcomes.len() {
        let verdict = outcomes[i].judged.verdict;
        if !matches!(verdict, Verdict::Fail | Verdict::Warn) {
            continue;
        }
        let (id, symptom) = (outcomes[i].check.id, outcomes[i].check.symptom);
        let own = outcomes[i].judged.finding.as_ref();
        for &j in above[i].iter().filter(|j| is_root(**j)) {
            let Some(root) = roots.get_mut(&j) else { continue };
            if verdict == Verdict::Fail && !symptom {
                push_once(&mut root.next, Next::of(id, own));
            } else if !root.explains.contains(&id) {
                root.explains.push(id);
            }
        }
    }
    for (i, outcome) in outcomes.iter_mut().enumerate() {
        if outcome.judged.verdict == Verdict::Unknown && !above[i].is_empty() {
            outcome.judged.verdict = Verdict::Blocked;
        }
    }
    works_another_way(one_field_one_finding(roots.into_values().collect()), facts)
}

/// What is said below failure of the very field that a failure names adds nothing: setup's drift of a setting that is off,
/// a limit that is too low and was hit.
fn one_field_one_finding(roots: Vec<Finding>) -> Vec<Finding> {
    let (mut fails, others): (Vec<Finding>, Vec<Finding>) =
        roots.into_iter().partition(|f| f.level == Level::Fail);
    let mut left = Vec::new();
    for other in others {
        let same = |f: &&mut Finding| {
            other.cause.object.is_some()
                && f.cause.object == other.cause.object
                && f.cause.path == other.cause.path
        };
        match fails.iter_mut().find(same).filter(|_| !other.cause.path.is_empty()) {
            // The same break, seen from what it does not stop.
            Some(fail) if fail.id == other.id => {
                let more = other.entities.into_iter().filter(|e| !fail.entities.contains(e));
                let more: Vec<_> = more.collect();
                fail.entities.extend(more);
            }
            Some(fail) if fail.explains.contains(&other.id) => {}
            Some(fail) => fail.explains.push(other.id),
            None => left.push(other),
        }
    }
    fails.extend(left);
    fails
}

/// Breaks that what runs does not feel yet: no operator that writes the configuration, no right to look targets up anew.
const LATENT: [&str; 3] = ["T601", "T603", "T607"];

/// A fail on a path whose end works is only worth knowing: samples arrive another way.
fn works_another_way(mut roots: Vec<Finding>, facts: &Facts<'_>) -> Vec<Finding> {
    for finding in &mut roots {
        let reached = |c: Option<Component>| c.is_some_and(|c| facts.samples_arrive(c));
        // Panels, rules and the people behind them are goals of their own; a foreign process on the port is up as well.
        let feeds_samples = finding.id < "T800" && finding.id != "T304";
        if finding.level == Level::Fail
            && feeds_samples
            && finding.entities.iter().all(|e| reached(e.component))
        {
            let latent = LATENT.contains(&finding.id);
            finding.level = if latent { Level::Warn } else { Level::Info };
            finding.warning = if latent {
                "samples still arrive from what was set up before; the next change or restart ends that"
                    .to_owned()
            } else {
                "samples arrive another way, so nothing is lost now".to_owned()
            };
        }
    }
    roots
}

/// Hangs `Ahead` judgements under the findings whose mending brings them up.
fn look_ahead(outcomes: &[Outcome], findings: &mut [Finding]) {
    for outcome in outcomes.iter().filter(|o| o.judged.verdict == Verdict::Ahead) {
        let next = Next::of(outcome.check.id, outcome.judged.finding.as_ref());
        for finding in findings.iter_mut() {
            let path = finding.entities.iter().any(|e| e.on_the_path_of(&outcome.judged.entity));
            if path && outcome.judged.after.contains(&finding.id) {
                push_once(&mut finding.next, next.clone());
            }
        }
    }
}

fn push_once(list: &mut Vec<Next>, entry: Next) {
    if !list.iter().any(|n| n.id == entry.id) {
        list.push(entry);
    }
}

/// Findings with one id and one cause become one, with all their entities.
fn grouped(findings: Vec<Finding>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for finding in findings {
        let same = out.iter_mut().find(|f| {
            f.id == finding.id && f.fingerprint() == finding.fingerprint() && f.level == finding.level
        });
        let Some(same) = same else {
            out.push(finding);
            continue;
        };
        same.entities
            .extend(finding.entities.into_iter().filter(|e| !same.entities.contains(e)).collect::<Vec<_>>());
        same.explains
            .extend(finding.explains.into_iter().filter(|e| !same.explains.contains(e)).collect::<Vec<_>>());
        for next in finding.next {
            push_once(&mut same.next, next);
        }
    }
    out
}

fn rank(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let goals = |f: &Finding| f.entities.iter().map(|e| e.component).collect::<BTreeSet<_>>().len();
        let first = |f: &Finding| f.entities.iter().filter_map(|e| e.component).min();
        (b.level, goals(b), b.confidence)
            .cmp(&(a.level, goals(a), a.confidence))
            .then_with(|| first(a).cmp(&first(b)))
            .then_with(|| a.id.cmp(b.id))
    });
}

/// The state of each installed component: its samples, and what the checks on its path say.
fn goals(outcomes: &[Outcome], facts: &Facts<'_>) -> Vec<(Component, GoalState)> {
    let mut goals = Vec::new();
    for component in facts.installed() {
        let path: Vec<&Outcome> =
            outcomes.iter().filter(|o| o.judged.entity.component.is_none_or(|c| c == component)).collect();
        let any = |v: Verdict| path.iter().any(|o| o.judged.verdict == v && o.check.id < "T800");
        let arrive = facts.samples_arrive(component);
        let state = if arrive {
            if any(Verdict::Warn) { GoalState::Warn } else { GoalState::Pass }
        } else if any(Verdict::Fail) {
            GoalState::Fail
        } else if any(Verdict::Pending) {
            GoalState::Pending
        } else if facts.samples_unseen(component) {
            GoalState::Unknown
        } else if any(Verdict::Warn) {
            GoalState::Warn
        } else {
            GoalState::Pass
        };
        goals.push((component, state));
    }
    goals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A finding decides, also where other goals are unknown; what is below `--fail-on` leaves it to the goals.
    #[test]
    fn the_exit_code_is_the_findings_before_it_is_the_goals() {
        #[track_caller]
        fn check(level: Option<Level>, goals: &[GoalState], fail_on: Level, expect: u8) {
            let finding = |level| Finding { level, ..Finding::new("x") };
            let goals = Component::ALL.into_iter().zip(goals.iter().copied()).collect();
            let report =
                Report { findings: level.map(finding).into_iter().collect(), outcomes: Vec::new(), goals };
            assert_eq!(report.exit_code(fail_on), expect);
        }
        use GoalState::{Pass, Pending, Unknown};
        check(None, &[Pass, Pass], Level::Fail, 0);
        check(None, &[Pass, Unknown], Level::Fail, 3);
        check(None, &[Pending], Level::Fail, 3);
        check(Some(Level::Fail), &[Pass, Unknown], Level::Fail, 1);
        check(Some(Level::Warn), &[Pass, Unknown], Level::Fail, 3);
        check(Some(Level::Warn), &[Pass, Unknown], Level::Warn, 1);
        check(Some(Level::Warn), &[Pass], Level::Fail, 0);
        check(Some(Level::Info), &[Pass], Level::Info, 1);
    }
}
