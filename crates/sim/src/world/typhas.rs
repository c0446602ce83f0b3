//! Typha's replicas and which Felix is connected to which.

use super::{Shape, day};

/// A replica is gone for this many seconds when it restarts.
const DOWN: i64 = 9;
/// Then it stays without clients until the others drop some of theirs for balance.
const IDLE: i64 = 75;

/// One replica in this second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TyphaState {
    /// Whether it runs.
    pub up: bool,
    /// Whether it came up in this second.
    pub restarted: bool,
    /// Felixes that stream from it.
    pub clients: u32,
}

/// All replicas.
#[derive(Debug)]
pub(crate) struct Typhas {
    states: Vec<TyphaState>,
    /// For each replica, whether it takes clients.
    open: Vec<bool>,
    /// Which replicas took clients a second ago.
    before: Vec<bool>,
    nodes: usize,
    seed: u64,
    shape: Shape,
}

impl Typhas {
    pub(super) fn new(count: usize, nodes: usize, seed: u64, shape: Shape) -> Typhas {
        let mut typhas = Typhas {
            states: vec![TyphaState { up: true, restarted: false, clients: 0 }; count],
            open: vec![true; count],
            before: vec![true; count],
            nodes,
            seed,
            shape,
        };
        typhas.count();
        typhas
    }

    pub(super) fn step(&mut self, t: i64) {
        self.before.clone_from(&self.open);
        for (i, (state, open)) in self.states.iter_mut().zip(&mut self.open).enumerate() {
            let passed = match self.shape {
                Shape::Recorded => None,
                Shape::Day => day::typha_restart(self.seed, t, i, DOWN + IDLE),
            };
            let was_up = state.up;
            state.up = passed.is_none_or(|p| p >= DOWN);
            state.restarted = state.up && !was_up;
            *open = passed.is_none();
        }
        if self.open != self.before {
            self.count();
        }
    }

    fn count(&mut self) {
        let clients: Vec<u32> = (0..self.states.len())
            .map(|i| (0..self.nodes).filter(|n| of(&self.open, *n) == Some(i)).count() as u32)
            .collect();
        for (state, clients) in self.states.iter_mut().zip(clients) {
            state.clients = clients;
        }
    }

    /// Replica `i`.
    pub(crate) fn state(&self, i: usize) -> TyphaState {
        self.states.get(i).copied().unwrap_or_default()
    }

    /// Whether the Felix of `node` had to connect anew in this second.
    pub(crate) fn reconnected(&self, node: usize) -> bool {
        self.open != self.before && of(&self.open, node) != of(&self.before, node)
    }
}

/// The replica that `node` is connected to: its own, or the next one that takes clients.
fn of(open: &[bool], node: usize) -> Option<usize> {
    let n = open.len();
    if n == 0 {
        return None;
    }
    let own = node % n;
    (0..n)
        .map(|step| (own + step * (1 + node / n)) % n)
        .chain(own..own + n)
        .map(|i| i % n)
        .find(|i| open.get(*i) == Some(&true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_felix_has_a_typha_while_one_is_open() {
        let open = [true, false, true];
        for node in 0..100 {
            let i = of(&open, node).unwrap();
            assert!(open[i], "node {node}");
        }
        assert_eq!(of(&[false, false], 1), None);
        assert_eq!(of(&[], 1), None);
    }
}
