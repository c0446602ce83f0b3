//! The cluster as a whole: nodes, pods, policies, pools, and what happens to them second by second.
//!
//! The world is deterministic: the same seed and start give the same events. Every simulated process reads the same
//! world, so that a policy that is added is seen by all Felixes, by Typha, and in the sizes of snapshots.

mod day;
mod ipam;
mod typhas;

use tortie_host::Rng;

pub(crate) use day::Load;
pub(crate) use ipam::Pool;

use ipam::Ipam;
use typhas::Typhas;

/// What a simulated cluster goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// A day with a curve of load, three roll-outs, a policy storm at 11:05, a rolling restart of Typha at 15:40, a
    /// Felix restart at night, and a pool that fills until the evening (UTC, each moved by the seed by up to 20
    /// minutes).
    #[default]
    Day,
    /// The steady rhythm of the recordings of real components that the simulation is compared with: two policies
    /// removed and added again in turns every 17.5 s, a pod relabelled every 15 s, a pod that goes away without its
    /// address every 22 s.
    Recorded,
}

/// Something that happened in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// This many policies came.
    PolicyAdd(u32),
    /// This many policies went.
    PolicyRemove(u32),
    /// A policy changed.
    PolicyEdit,
    /// A pod's labels changed.
    PodLabel,
    /// A pod came to a node.
    PodAdd(usize),
    /// A pod went from a node.
    PodRemove(usize),
    /// The Felix of a node starts anew.
    FelixRestart(usize),
}

/// The cluster.
#[derive(Debug)]
pub(crate) struct World {
    seed: u64,
    shape: Shape,
    /// The present second since the Unix epoch.
    pub now: i64,
    start: i64,
    /// Pods of each node.
    pub pods: Vec<u16>,
    endpoints: u32,
    /// Policies.
    pub policies: u32,
    storm_policies: u32,
    /// Load in this second.
    pub load: Load,
    /// What happened in this second.
    pub events: Vec<Event>,
    /// IP pools.
    pub ipam: Ipam,
    /// Typha's replicas.
    pub typhas: Typhas,
}

/// Pods of a node in the recordings; every third node has one more.
const PODS: u16 = 13;
/// Policies in the recordings.
const POLICIES: u32 = 10;

impl World {
    /// A cluster of `nodes` nodes and `typhas` Typhas at second `start`.
    pub(crate) fn new(seed: u64, shape: Shape, nodes: usize, typhas: usize, start: i64) -> World {
        let pods: Vec<u16> = (0..nodes).map(|i| PODS + u16::from(i % 3 == 1)).collect();
        let mut world = World {
            seed,
            shape,
            now: start,
            start,
            ipam: Ipam::new(nodes),
            endpoints: pods.iter().map(|p| u32::from(*p)).sum(),
            pods,
            policies: POLICIES,
            storm_policies: 0,
            load: day::load(shape, seed, start),
            events: Vec::new(),
            typhas: Typhas::new(typhas, nodes, seed, shape),
        };
        for node in 0..nodes {
            while world.batch(node) {}
        }
        world.events.clear();
        world
    }

    /// Number of nodes.
    pub(crate) fn nodes(&self) -> usize {
        self.pods.len()
    }

    /// All workload endpoints.
    pub(crate) fn endpoints(&self) -> u32 {
        self.endpoints
    }

    /// Random numbers of this second for the purpose `stream`.
    pub(crate) fn rng(&self, stream: u64) -> Rng {
        rng(self.seed, stream, self.now)
    }

    /// Goes on by one second.
    pub(crate) fn step(&mut self) {
        self.now += 1;
        self.events.clear();
        self.load = day::load(self.shape, self.seed, self.now);
        match self.shape {
            Shape::Recorded => self.recorded(),
            Shape::Day => self.day(),
        }
        self.typhas.step(self.now);
        let mut rng = self.rng(3);
        self.ipam.step(self.now - self.start, self.now, self.shape, &self.load, &self.pods, &mut rng);
    }

    fn recorded(&mut self) {
        let t = self.now - self.start;
        // Half steps of 17.5 s.
        let turns = |t: i64| 2 * t / 35;
        if turns(t) != turns(t - 1) {
            if turns(t) % 2 == 1 {
                self.policies -= 2;
                self.events.push(Event::PolicyRemove(2));
            } else {
                self.policies += 2;
                self.events.push(Event::PolicyAdd(2));
            }
        }
        if t % 15 == 7 {
            self.events.push(Event::PodLabel);
        }
    }

    /// Moves the pods of the small pool on `node` one nearer to what they should be; whether there was one to move.
    fn batch(&mut self, node: usize) -> bool {
        let (have, want) = (self.ipam.batch(node), self.ipam.wanted(self.load.pool_fill, node, self.nodes()));
        let Some(pods) = self.pods.get_mut(node).filter(|_| have != want) else { return false };
        if have < want {
            *pods += 1;
            self.endpoints += 1;
            self.ipam.batch_pod(node, 1.0);
            self.events.push(Event::PodAdd(node));
        } else {
            *pods -= 1;
            self.endpoints -= 1;
            self.ipam.batch_pod(node, -1.0);
            self.events.push(Event::PodRemove(node));
        }
        true
    }

    fn day(&mut self) {
        let mut rng = self.rng(1);
        let load = self.load;
        for _ in 0..often(load.policy_edits, &mut rng) {
            self.events.push(Event::PolicyEdit);
        }
        for _ in 0..often(load.labels * self.nodes() as f64, &mut rng) {
            self.events.push(Event::PodLabel);
        }
        self.change_policies(&mut rng);
        for _ in 0..often(load.churn * self.nodes() as f64, &mut rng) {
            self.churn(&mut rng);
        }
        for node in 0..self.nodes().min(ipam::SPREAD) {
            self.batch(node);
        }
        if let Some(node) = day::felix_restart(self.seed, self.now, self.nodes()) {
            self.events.push(Event::FelixRestart(node));
        }
    }

    /// Policies follow their slow curve, and those of a storm come and go with it.
    fn change_policies(&mut self, rng: &mut Rng) {
        let wanted = self.load.storm_policies;
        if self.storm_policies < wanted && rng.unit() < 0.3 {
            self.storm_policies += 1;
            self.policies += 1;
            self.events.push(Event::PolicyAdd(1));
        } else if self.storm_policies > wanted {
            let n = (self.storm_policies - wanted).min(2);
            self.storm_policies -= n;
            self.policies -= n;
            self.events.push(Event::PolicyRemove(n));
        } else if rng.unit() < 1.0 / 1800.0 {
            let own = self.policies - self.storm_policies;
            if own <= POLICIES || (own < POLICIES + 8 && rng.unit() < 0.5) {
                self.policies += 1;
                self.events.push(Event::PolicyAdd(1));
            } else {
                self.policies -= 1;
                self.events.push(Event::PolicyRemove(1));
            }
        }
    }

    /// One pod comes or goes, so that each node stays near what the load asks for.
    fn churn(&mut self, rng: &mut Rng) {
        let node = rng.below(self.nodes() as u64) as usize;
        let Some(pods) = self.pods.get_mut(node) else { return };
        let own = *pods - self.ipam.batch(node);
        let lack = self.load.pods - f64::from(own);
        if rng.unit() < (0.5 + 0.15 * lack).clamp(0.05, 0.95) {
            *pods += 1;
            self.endpoints += 1;
            self.events.push(Event::PodAdd(node));
        } else if own > 3 {
            *pods -= 1;
            self.endpoints -= 1;
            self.events.push(Event::PodRemove(node));
        }
    }
}

/// How many of something that happens `rate` times a second happen in one.
pub(crate) fn often(rate: f64, rng: &mut Rng) -> u32 {
    let whole = rate.floor();
    whole as u32 + u32::from(rng.unit() < rate - whole)
}

/// Random numbers that depend on nothing but seed, purpose and time.
pub(crate) fn rng(seed: u64, stream: u64, t: i64) -> Rng {
    let mut mixed = Rng::new(seed ^ stream.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ (t as u64).rotate_left(32));
    mixed.next_u64();
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-05 00:00 UTC.
    const MIDNIGHT: i64 = 1_767_571_200;

    fn run(seed: u64, seconds: i64, mut see: impl FnMut(&World)) {
        let mut world = World::new(seed, Shape::Day, 3, 2, MIDNIGHT);
        for _ in 0..seconds {
            world.step();
            see(&world);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_day() {
        let log = |seed| {
            let mut out = Vec::new();
            run(seed, 20_000, |w| out.extend(w.events.iter().map(|e| (w.now, *e))));
            out
        };
        assert_eq!(log(1), log(1));
        assert_ne!(log(1), log(2));
    }

    #[test]
    fn a_day_has_all_that_is_told_of_it() {
        let (mut most, mut least, mut restarts, mut down, mut fullest) = (0, u32::MAX, 0, 0, 0.0_f64);
        run(7, 86_400, |w| {
            most = most.max(w.policies);
            least = least.min(w.policies);
            restarts += w.events.iter().filter(|e| matches!(e, Event::FelixRestart(_))).count();
            down += usize::from((0..2).any(|i| !w.typhas.state(i).up));
            fullest = fullest.max(w.ipam.pools().map(Pool::usage).fold(0.0, f64::max));
            assert!(w.pods.iter().all(|p| (3..60).contains(p)));
        });
        assert!(most > least + 30, "policies {least}..{most}");
        assert_eq!(restarts, 1);
        assert!((10..60).contains(&down), "{down} s without a Typha");
        assert!((0.74..0.8).contains(&fullest), "{fullest}");
    }
}
