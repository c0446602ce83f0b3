//! What can go wrong when a simulation starts.

use std::path::PathBuf;

/// An error of the simulator.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A folder or file of recorded scrapes cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder has no recorded scrapes.
    #[error("{}: no file named NAME.KK.prom here\nhint: give the folder that holds scrapes such as felix.00.prom, felix.01.prom", path.display())]
    NoScrapes {
        /// The folder.
        path: PathBuf,
    },
    /// No address could be had for a target.
    #[error(
        "simulated target {target}: no address to listen on: {source}\nhint: `ulimit -n` shows how many files this process may open; a fleet needs two a target"
    )]
    Listen {
        /// The target.
        target: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Options that make no fleet.
    #[error("simulated fleet: {0}")]
    Options(String),
}
