//! What a simulated process knows: its numbers and summaries, and how they move from second to second.

mod ebpf;
mod felix;
mod go;
mod kube_controllers;
mod summary;
mod typha;
mod values;

pub(crate) use felix::Felix;
pub(crate) use go::GoProcess;
pub(crate) use kube_controllers::KubeControllers;
pub(crate) use summary::Summary;
pub(crate) use typha::Typha;
pub(crate) use values::Values;

use crate::world::World;

/// A simulated process.
pub(crate) trait Process: Send {
    /// Goes on by one second. `world` has made the same step before.
    fn step(&mut self, world: &World);
    /// Brings everything that is computed on demand up to date, then shows the numbers.
    fn values(&mut self, world: &World) -> &mut Values;
    /// Starts anew: all counters at zero.
    fn restart(&mut self, world: &World);
    /// Whether the process runs; a process that is being replaced answers nothing.
    fn running(&self) -> bool {
        true
    }
}
