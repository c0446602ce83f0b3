//! Each step seen to work before the next is made, and all of it looked at once more a while later.

use super::session::look_whole;
use super::{Ended, UNFINISHED};
use crate::commands::doctor::kube_flags::{KubeFlags, PrometheusFlags};
use std::time::Duration;
use tortie_calico::component::Component;
use tortie_calico::setup::effect::{self, Seen, Sight};
use tortie_calico::setup::standing::standing;
use tortie_calico::setup::{Plan, journal};
use tortie_calico::snapshot::Snapshot;
use tortie_host::{Clock, SystemClock};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// How long an API server may be away while an effect is waited for.
const AWAY: Duration = Duration::from_secs(60);

/// How long a Prometheus may be out of reach before nothing more is expected of it: a forwarded port is made anew in that time.
const BLIND: Duration = Duration::from_secs(5);

/// How long samples may be missing at the second look: a process that restarts misses a scrape or two, and a change that
/// stops them stops them for good.
const HICCUP: Duration = Duration::from_secs(60);

/// How steps are seen to work.
pub(super) struct Proof<'p> {
    pub(super) kube: &'p KubeFlags,
    pub(super) reach: &'p PrometheusFlags,
    /// Longest wait for one effect.
    pub(super) limit: Duration,
    /// Whether some effect could not be looked at.
    pub(super) blind: bool,
}

impl Proof<'_> {
    /// Waits for the effect of the step at an index of the plan.
    ///
    /// # Errors
    /// When it is not to be seen within the limit; what cannot be looked at is remembered and no error.
    pub(super) fn step(&mut self, plan: &Plan, index: usize) -> Result<(), Ended> {
        match effect::of(plan, index).filter(|_| !self.limit.is_zero()) {
            Some(sight) => self.wait(plan, &sight),
            None => Ok(()),
        }
    }

    /// Waits until samples of every component arrive, but for those of which a step is left to others.
    ///
    /// # Errors
    /// When they do not within the limit, or nobody could be asked.
    pub(super) fn all(&mut self, plan: &Plan) -> Result<(), Ended> {
        if self.limit.is_zero() {
            let text = "written, not verified: --wait 0s waits for nothing (hint: tortie doctor)";
            return Err((UNFINISHED, text.to_owned()));
        }
        let left = effect::left(plan);
        for component in components(plan).filter(|c| !left.contains(c)) {
            self.wait(plan, &Sight::Samples(component))?;
        }
        if self.blind {
            let text = "written, not verified: no Prometheus could be asked (hint: tortie doctor)";
            return Err((UNFINISHED, text.to_owned()));
        }
        Ok(())
    }

    #[allow(clippy::print_stderr)]
    fn wait(&mut self, plan: &Plan, sight: &Sight) -> Result<(), Ended> {
        let clock = SystemClock::new();
        let start = clock.monotonic_ns();
        let quiet = PrometheusFlags { no_prometheus: true, ..self.reach.clone() };
        let patience =
            if self.reach.no_prometheus || self.blind { Duration::ZERO } else { BLIND.min(self.limit) };
        let since = |then: u64| Duration::from_nanos(clock.monotonic_ns().saturating_sub(then));
        let mut looked = start;
        loop {
            let seen = match look_whole(self.kube, if sight.asks() { self.reach } else { &quiet }) {
                Ok(snap) => {
                    looked = clock.monotonic_ns();
                    sight.look(plan, &snap)
                }
                // An API server may be away for a moment, and so may a kind.
                Err((UNFINISHED, why)) if since(looked) < AWAY.min(self.limit) => Seen::NotYet(why),
                Err((code, why)) => return Err((code, format!("written, not verified: {why}"))),
            };
            let waited = since(start);
            match seen {
                Seen::Yes(how) => {
                    eprintln!("  seen after {:.1} s: {how}", waited.as_secs_f64());
                    return Ok(());
                }
                Seen::Blind if waited >= patience => {
                    self.blind = true;
                    return Ok(());
                }
                Seen::NotYet(why) if waited >= self.limit => {
                    let text = format!(
                        "written, not verified: after {} s {why} (hint: tortie doctor; run setup again to go on, or tortie setup undo)",
                        waited.as_secs()
                    );
                    return Err((UNFINISHED, text));
                }
                Seen::NotYet(_) | Seen::Blind => std::thread::sleep(EVERY),
            }
        }
    }

    /// Looks once more after a while: an operator or a repository may have put values back, and a process may have stopped.
    ///
    /// # Errors
    /// When something did not stay, with who changed it.
    #[allow(clippy::print_stderr)]
    pub(super) fn again(&self, plan: &Plan, after: Duration) -> Result<(), Ended> {
        if after.is_zero() {
            return Ok(());
        }
        eprintln!("looking again in {} s: does it stay? (--second-look 0s leaves this out)", after.as_secs());
        std::thread::sleep(after);
        let clock = SystemClock::new();
        let start = clock.monotonic_ns();
        let mut said = false;
        let moved = loop {
            let snap = look_whole(self.kube, self.reach)?;
            let (settings, samples) = gone_since(plan, &snap)?;
            let waited = Duration::from_nanos(clock.monotonic_ns().saturating_sub(start));
            let patience = HICCUP.min(self.limit);
            if !settings.is_empty() || samples.is_empty() || waited >= patience {
                if said && settings.is_empty() && samples.is_empty() {
                    eprintln!("  after {} s it is back", waited.as_secs());
                }
                break [settings, samples].concat();
            }
            if !said {
                eprintln!(
                    "  not now: {} (looking on for up to {} s)",
                    samples.join("; "),
                    patience.as_secs()
                );
                said = true;
            }
            std::thread::sleep(EVERY);
        };
        if moved.is_empty() {
            return Ok(());
        }
        let text =
            format!("it did not stay:\n  {}\n(hint: tortie setup status, tortie doctor)", moved.join("\n  "));
        Err((UNFINISHED, text))
    }
}

/// What is no more as setup left it, a line each: the settings, and the components whose samples do not arrive.
///
/// # Errors
/// When the journal in the cluster cannot be read.
fn gone_since(plan: &Plan, snap: &Snapshot) -> Result<(Vec<String>, Vec<String>), Ended> {
    let journal = journal::of_snapshot(snap).map_err(|e| (UNFINISHED, e))?;
    let standing = journal.iter().flat_map(|j| standing(j, snap)).filter(|s| !s.ours);
    let settings = standing.map(|one| format!("{}: {}", one.what, one.how)).collect();
    let left = effect::left(plan);
    let samples =
        components(plan).filter(|c| !left.contains(c)).filter_map(|component| {
            match Sight::Samples(component).look(plan, snap) {
                Seen::NotYet(why) => Some(why),
                Seen::Yes(_) | Seen::Blind => None,
            }
        });
    Ok((settings, samples.collect()))
}

/// The components of a plan.
pub(super) fn components(plan: &Plan) -> impl Iterator<Item = Component> + '_ {
    Component::ALL.into_iter().filter(|c| plan.components.iter().any(|name| name == c.as_str()))
}
