//! All numbers of one target.

use super::Summary;
use crate::inventory::{Dist, Grid, Var};

/// Window of Calico's summaries in seconds.
const WINDOW: i64 = 600;
/// Window of Typha's summary of client latency in seconds.
const LATENCY_WINDOW: i64 = 60;

/// The numbers that an inventory refers to.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    vars: [f64; Var::COUNT],
    dists: Vec<Summary>,
    grids: Vec<Vec<f64>>,
}

impl Values {
    /// Everything zero, for a process that started at second `start`.
    pub(crate) fn new(start: i64) -> Values {
        let mut dists = vec![Summary::new(start, WINDOW); Dist::COUNT];
        if let Some(gc) = dists.get_mut(Dist::Gc as usize) {
            *gc = Summary::pauses(start);
        }
        if let Some(latency) = dists.get_mut(Dist::ClientLatency as usize) {
            *latency = Summary::new(start, LATENCY_WINDOW);
        }
        Values { vars: [0.0; Var::COUNT], dists, grids: vec![Vec::new(); Grid::COUNT] }
    }

    /// A number.
    pub(crate) fn get(&self, var: Var) -> f64 {
        self.vars.get(var as usize).copied().unwrap_or(0.0)
    }

    /// Sets a number.
    pub(crate) fn set(&mut self, var: Var, v: f64) {
        if let Some(slot) = self.vars.get_mut(var as usize) {
            *slot = v;
        }
    }

    /// Adds to a number.
    pub(crate) fn add(&mut self, var: Var, v: f64) {
        if let Some(slot) = self.vars.get_mut(var as usize) {
            *slot += v;
        }
    }

    /// A summary.
    pub(crate) fn dist(&mut self, dist: Dist) -> &mut Summary {
        // One for each variant was made in `new`.
        &mut self.dists[dist as usize]
    }

    /// Quantile number `i` of a summary.
    pub(crate) fn quantile(&self, dist: Dist, i: usize) -> f64 {
        self.dists.get(dist as usize).map_or(f64::NAN, |d| d.quantile(i))
    }

    /// Sum of a summary.
    pub(crate) fn sum(&self, dist: Dist) -> f64 {
        self.dists.get(dist as usize).map_or(0.0, Summary::sum)
    }

    /// Count of a summary.
    pub(crate) fn count(&self, dist: Dist) -> f64 {
        self.dists.get(dist as usize).map_or(0.0, Summary::count)
    }

    /// Cell `i` of a grid.
    pub(crate) fn cell(&self, grid: Grid, i: usize) -> f64 {
        self.grids.get(grid as usize).and_then(|g| g.get(i)).copied().unwrap_or(0.0)
    }

    /// All cells of a grid, to be changed.
    pub(crate) fn grid(&mut self, grid: Grid) -> &mut Vec<f64> {
        // One for each variant was made in `new`.
        &mut self.grids[grid as usize]
    }

    /// Brings the quantiles up to second `t`.
    pub(crate) fn settle(&mut self, t: i64) {
        self.dists.iter_mut().for_each(|d| d.settle(t));
    }
}
