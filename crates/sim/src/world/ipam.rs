//! IP pools: what is allocated on each node, what leaked, and what the garbage collector took back.

use tortie_host::Rng;

use super::{Load, Shape, often};

/// A suspected leak is confirmed and taken back after this many seconds in the recordings.
const GRACE: i64 = 40;
/// Grace period of a real cluster in seconds (`leakGracePeriod`).
const DAY_GRACE: i64 = 900;
/// In the recordings each node leaks once in this many seconds, the nodes one after the other.
const LEAK_EVERY: i64 = 66;

/// Most nodes that use the small pool.
pub(super) const SPREAD: usize = 6;

/// An IP pool.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    /// Its name.
    pub name: &'static str,
    /// Addresses.
    pub size: f64,
    /// Addresses of a block.
    pub block: f64,
    /// Addresses in use on each node.
    pub in_use: Vec<f64>,
    /// Addresses of them in other nodes' blocks.
    pub borrowed: Vec<f64>,
    /// Suspected leaks on each node.
    pub candidates: Vec<f64>,
    /// Leaks taken back on each node.
    pub reclaimed: Vec<f64>,
}

impl Pool {
    fn new(name: &'static str, size: f64, block: f64, nodes: usize) -> Pool {
        let zero = vec![0.0; nodes];
        Pool {
            name,
            size,
            block,
            in_use: zero.clone(),
            borrowed: zero.clone(),
            candidates: zero.clone(),
            reclaimed: zero,
        }
    }

    /// Share of the pool that is in use.
    #[cfg(test)]
    pub(crate) fn usage(&self) -> f64 {
        self.in_use.iter().sum::<f64>() / self.size
    }

    /// Blocks of node `i`.
    pub(crate) fn blocks(&self, i: usize) -> f64 {
        (self.in_use.get(i).copied().unwrap_or(0.0) / self.block).ceil()
    }
}

/// All pools and the leaks under way.
#[derive(Debug)]
pub(crate) struct Ipam {
    main: Pool,
    small: Pool,
    /// (second, node) of leaks not yet taken back.
    leaks: Vec<(i64, usize)>,
    /// Addresses that the recordings' pods had and lost.
    lost: Vec<f64>,
}

impl Ipam {
    pub(super) fn new(nodes: usize) -> Ipam {
        // Room for 64 addresses a node, and at least the pool of the recordings.
        let size = ((nodes * 64).next_power_of_two().max(4096)) as f64;
        Ipam {
            main: Pool::new("default-ipv4", size, 64.0, nodes),
            small: Pool::new("small", if nodes > 3 { 128.0 } else { 64.0 }, 8.0, nodes),
            leaks: Vec::new(),
            lost: vec![0.0; nodes],
        }
    }

    /// The pools, by name.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Pool> {
        [&self.main, &self.small].into_iter()
    }

    /// Goes on by one second; `since` is the time since the start.
    pub(super) fn step(
        &mut self,
        since: i64,
        now: i64,
        shape: Shape,
        load: &Load,
        pods: &[u16],
        rng: &mut Rng,
    ) {
        let grace = if shape == Shape::Recorded { GRACE } else { DAY_GRACE };
        match shape {
            Shape::Recorded => {
                for node in 0..pods.len().min(3) {
                    if (since - 22 * node as i64).rem_euclid(LEAK_EVERY) == 10 {
                        self.leak(now, node);
                    }
                }
            }
            Shape::Day => {
                for _ in 0..often(load.leaks * pods.len() as f64, rng) {
                    self.leak(now, rng.below(pods.len() as u64) as usize);
                }
            }
        }
        while let Some((at, node)) = self.leaks.first().copied() {
            if now - at < grace {
                break;
            }
            self.leaks.remove(0);
            add(&mut self.main.candidates, node, -1.0);
            add(&mut self.main.reclaimed, node, 1.0);
            if shape == Shape::Recorded {
                add(&mut self.lost, node, 1.0);
            }
        }
        let held = self.main.candidates.iter().zip(&self.lost);
        let own = pods.iter().zip(&self.small.in_use);
        for ((in_use, (pods, batch)), (leaked, lost)) in self.main.in_use.iter_mut().zip(own).zip(held) {
            // In the recordings a pod was deleted for each leak, so that only its address is missing later.
            let leaked = if shape == Shape::Recorded { 0.0 } else { *leaked };
            *in_use = f64::from(*pods) - batch + leaked - lost % 8.0;
        }
    }

    fn leak(&mut self, now: i64, node: usize) {
        self.leaks.push((now, node));
        add(&mut self.main.candidates, node, 1.0);
    }

    /// Pods of the small pool that `node` should have when the pool is filled to `share`: it belongs to a few nodes.
    pub(super) fn wanted(&self, share: f64, node: usize, nodes: usize) -> u16 {
        let spread = nodes.clamp(1, SPREAD);
        if node >= spread {
            return 0;
        }
        let total = (share * self.small.size).round() as usize;
        (total / spread + usize::from(node < total % spread)) as u16
    }

    /// Pods of the small pool on `node`.
    pub(super) fn batch(&self, node: usize) -> u16 {
        self.small.in_use.get(node).copied().unwrap_or(0.0) as u16
    }

    /// A pod of the small pool came to (+1) or went from (-1) `node`.
    pub(super) fn batch_pod(&mut self, node: usize, by: f64) {
        add(&mut self.small.in_use, node, by);
        // Blocks run out before addresses do: then the first node borrows.
        let usage = self.small.in_use.iter().sum::<f64>() / self.small.size;
        let borrowed = ((usage - 0.9).max(0.0) * 40.0).floor();
        if let Some(slot) = self.small.borrowed.first_mut() {
            *slot = borrowed;
        }
    }
}

fn add(cells: &mut [f64], i: usize, v: f64) {
    if let Some(cell) = cells.get_mut(i) {
        *cell += v;
    }
}
