//! The simulated Calico fleet and the replay of recorded scrapes.

mod address;
mod alertmanager;
pub mod catalogue;
mod clock;
mod error;
mod fault;
mod file_sd;
pub mod fleet;
mod gzip;
mod http;
pub mod installs;
mod inventory;
pub mod kube;
pub mod replay;
mod state;
mod world;

pub use address::Bind;
pub use alertmanager::Alertmanager;
pub use clock::SimClock;
pub use error::SimError;
pub use fault::Fault;
pub use fleet::{Fleet, FleetOptions, SimTarget};
pub use inventory::{Component, Dataplane, Release};
pub use replay::{Replay, ReplayOptions, ReplayTarget};
pub use world::Shape;
