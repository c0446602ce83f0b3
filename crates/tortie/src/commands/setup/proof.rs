//! Each step seen to work before the next is made, and all of it looked at once more a while later.

use super::session::look;
use super::{Ended, UNFINISHED};
use crate::commands::doctor::kube_flags::{KubeFlags, PrometheusFlags};
use std::time::Duration;
use tortie_calico::component::Component;
use tortie_calico::setup::effect::{self, Seen, Sight};
use tortie_calico::setup::standing::standing;
use tortie_calico::setup::{Plan, journal};
use tortie_host::{Clock, SystemClock};

/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);

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
        loop {
            let snap = look(self.kube, if sight.asks() { self.reach } else { &quiet })?;
            let waited = Duration::from_nanos(clock.monotonic_ns().saturating_sub(start));
            match sight.look(plan, &snap) {
                Seen::Yes(how) => {
                    eprintln!("  seen after {:.1} s: {how}", waited.as_secs_f64());
                    return Ok(());
                }
                Seen::Blind => {
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
                Seen::NotYet(_) => std::thread::sleep(EVERY),
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
        let snap = look(self.kube, self.reach)?;
        let journal = journal::of_snapshot(&snap).map_err(|e| (UNFINISHED, e))?;
        let mut moved: Vec<String> = Vec::new();
        for one in journal.iter().flat_map(|j| standing(j, &snap)).filter(|s| !s.ours) {
            moved.push(format!("{}: {}", one.what, one.how));
        }
        let left = effect::left(plan);
        for component in components(plan).filter(|c| !left.contains(c)) {
            if let Seen::NotYet(why) = Sight::Samples(component).look(plan, &snap) {
                moved.push(why);
            }
        }
        if moved.is_empty() {
            return Ok(());
        }
        let text =
            format!("it did not stay:\n  {}\n(hint: tortie setup status, tortie doctor)", moved.join("\n  "));
        Err((UNFINISHED, text))
    }
}

/// The components of a plan.
pub(super) fn components(plan: &Plan) -> impl Iterator<Item = Component> + '_ {
    Component::ALL.into_iter().filter(|c| plan.components.iter().any(|name| name == c.as_str()))
}
