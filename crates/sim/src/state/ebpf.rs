//! The connection table of the eBPF dataplane, swept every ten seconds.

use tortie_host::Rng;

use super::Values;
use super::typha::nanos;
use crate::inventory::{Dist, Var};

/// Seconds between two sweeps.
const SWEEP: i64 = 10;
/// Connections of an endpoint at usual load.
const PER_ENDPOINT: f64 = 45.0;

/// The table.
#[derive(Debug)]
pub(crate) struct Conntrack {
    phase: i64,
    used: f64,
}

impl Conntrack {
    pub(crate) fn new(rng: &mut Rng) -> Conntrack {
        Conntrack { phase: rng.below(SWEEP as u64) as i64, used: 40.0 }
    }

    /// Goes on to second `t`; `demand` is the number of endpoints times their activity.
    pub(crate) fn step(&mut self, t: i64, demand: f64, rng: &mut Rng, values: &mut Values) {
        if (t + self.phase).rem_euclid(SWEEP) != 0 {
            return;
        }
        let wanted = demand * PER_ENDPOINT;
        self.used += (wanted - self.used) * 0.2 + wanted * 0.1 * (rng.unit() - 0.5);
        let used = self.used.max(4.0).round();
        let cleaned = (used * (0.05 + 0.1 * rng.unit())).round();
        values.add(Var::BpfSweeps, 1.0);
        values.set(Var::BpfUsed, used);
        values.set(Var::BpfCleaned, cleaned);
        // The real one counts every entry that it visits, not only those that it cleans.
        values.add(Var::BpfCleanedTotal, used);
        values.set(Var::BpfExpired, cleaned);
        let nat = (cleaned * 0.02 * rng.unit()).round();
        values.set(Var::BpfStaleNat, nat);
        values.add(Var::BpfStaleNatTotal, nat);
        let duration = 200_000.0 + used * 900.0 * (0.8 + 0.4 * rng.unit());
        values.set(Var::BpfSweepDuration, duration.round());
        values.dist(Dist::BpfCleaner).observe(t, nanos(0.00008 + cleaned * 3e-7));
        let mut left = cleaned;
        for (var, share) in [
            (Var::BpfExpiredUdp, 0.55),
            (Var::BpfExpiredRst, 0.08),
            (Var::BpfExpiredPre, 0.04),
            (Var::BpfExpiredIcmp, 0.02),
            (Var::BpfExpiredEstablished, 0.01),
        ] {
            let n = (cleaned * share * (0.6 + 0.8 * rng.unit())).round().min(left);
            values.add(var, n);
            left -= n;
        }
        values.add(Var::BpfExpiredFin, left);
    }
}
