//! kube-controllers: a quiet process, and the IPAM numbers.

use tortie_host::Rng;

use super::go::GoProfile;
use super::{GoProcess, Process, Values};
use crate::inventory::{Grid, Var};
use crate::world::{Pool, World};

const QUIET: GoProfile = GoProfile {
    live: 7.4e6,
    growth: 55_000.0,
    gogc: 100.0,
    object: 82.0,
    frees: 0.207,
    chance: [0.12, 0.186, 0.101, 0.093, 0.058, 0.021, 0.286, 0.006, 0.134],
    extra_goroutine: 0.15,
    goroutines: 93.0,
    threads: 7.0,
    cpu: 0.0017,
    cpu_burst: 0.31,
    network: 9000.0,
    files: (12.0, 0),
    files_change: 0.0,
    rss: 7.6e7,
    virtual_memory: 1.776e9,
};

const WITH_IPAM: GoProfile = GoProfile {
    growth: 90_000.0,
    frees: 0.25,
    chance: [0.106, 0.144, 0.066, 0.051, 0.071, 0.019, 0.298, 0.012, 0.088],
    extra_goroutine: 0.133,
    cpu_burst: 0.143,
    ..QUIET
};

/// The controllers.
pub(crate) struct KubeControllers {
    ipam: bool,
    go: GoProcess,
    values: Values,
    rng: Rng,
    now: i64,
}

impl KubeControllers {
    /// A process that starts now.
    pub(crate) fn new(world: &World, ipam: bool, seed: u64) -> KubeControllers {
        let mut rng = Rng::new(seed);
        let mut values = Values::new(world.now);
        let go = GoProcess::new(profile(ipam), world.now, &mut rng, &mut values);
        KubeControllers { ipam, go, values, rng, now: world.now }
    }

    fn show(&mut self, world: &World) {
        if !self.ipam {
            return;
        }
        let pools: Vec<&Pool> = world.ipam.pools().collect();
        let nodes = world.nodes();
        let mut both = |grid: Grid, of: &dyn Fn(&Pool, usize) -> f64| {
            let cells = self.values.grid(grid);
            cells.clear();
            cells.extend(pools.iter().flat_map(|p| (0..nodes).map(|n| of(p, n))));
        };
        let at = |cells: &[f64], i: usize| cells.get(i).copied().unwrap_or(0.0);
        both(Grid::IpamInUse, &|p, n| at(&p.in_use, n));
        both(Grid::IpamBorrowed, &|p, n| at(&p.borrowed, n));
        both(Grid::IpamCandidates, &|p, n| at(&p.candidates, n));
        both(Grid::IpamReclaimed, &|p, n| at(&p.reclaimed, n));
        both(Grid::IpamBlocks, &Pool::blocks);
        let node_sum = |of: &dyn Fn(&Pool, usize) -> f64| -> Vec<f64> {
            (0..nodes).map(|n| pools.iter().map(|p| of(p, n)).sum()).collect()
        };
        *self.values.grid(Grid::NodeInUse) = node_sum(&|p, n| at(&p.in_use, n));
        *self.values.grid(Grid::NodeBlocks) = node_sum(&Pool::blocks);
        *self.values.grid(Grid::PoolSize) = pools.iter().map(|p| p.size).collect();
        *self.values.grid(Grid::PoolReserved) = vec![0.0; pools.len()];
        self.values.set(Var::Pools, pools.len() as f64);
    }
}

impl Process for KubeControllers {
    fn step(&mut self, world: &World) {
        self.now = world.now;
        self.go.step(world.now, world.load.activity, 0.0, &mut self.rng, &mut self.values);
    }

    fn values(&mut self, world: &World) -> &mut Values {
        self.show(world);
        self.values.settle(self.now);
        &mut self.values
    }

    fn restart(&mut self, world: &World) {
        self.values = Values::new(world.now);
        self.go = GoProcess::new(profile(self.ipam), world.now, &mut self.rng, &mut self.values);
    }
}

fn profile(ipam: bool) -> GoProfile {
    if ipam { WITH_IPAM } else { QUIET }
}
