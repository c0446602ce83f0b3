//! `tortie sim`: simulated targets alone.

use crate::server::io_runtime;
use crate::signals::Signals;
use clap::{Args, Subcommand};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tortie_host::{Clock, Fs, RealFs, SystemClock};
use tortie_model::duration;
use tortie_sim::{Bind, FleetOptions, ReplayOptions};

#[derive(Debug, Args)]
pub(crate) struct Sim {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Serves recorded scrapes: body k as the k-th scrape of its port
    Replay {
        /// Folder with NAME.KK.prom files
        dir: PathBuf,
        /// Write explicit timestamps into the bodies
        #[arg(long)]
        timestamps: bool,
        /// With --timestamps: time of the first body, seconds since the epoch (by default so that the last one is now)
        #[arg(long, value_name = "SECONDS")]
        start: Option<f64>,
        /// With --timestamps: time between bodies
        #[arg(long, default_value = "5s", value_name = "DURATION")]
        interval: String,
        /// Ports for each NAME
        #[arg(long, default_value_t = 1, value_name = "N")]
        copies: usize,
        /// Only this NAME
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
        /// Begin anew after the last body
        #[arg(long)]
        cycle: bool,
        /// Write the targets as a file for file_sd_configs, once all ports are open
        #[arg(long, value_name = "FILE")]
        write_targets: Option<PathBuf>,
    },
    /// Serves a simulated fleet
    Fleet {
        /// Nodes
        #[arg(long, default_value_t = 3, value_name = "N")]
        nodes: usize,
        /// The same seed gives the same fleet
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// One free port of 127.0.0.1 a target, instead of one address 127.x.y.z a target
        #[arg(long)]
        ports: bool,
        /// Write the targets as a file for file_sd_configs, once all ports are open
        #[arg(long, value_name = "FILE")]
        write_targets: Option<PathBuf>,
    },
}

impl Sim {
    #[allow(clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let result = io_runtime(None).map_err(|e| e.to_string()).and_then(|rt| rt.block_on(self.serve()));
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("{e}");
                ExitCode::FAILURE
            }
        }
    }

    async fn serve(self) -> Result<(), String> {
        let mut signals = Signals::listen().map_err(|e| format!("cannot listen to signals: {e}"))?;
        let ended = async move { signals.ended().await };
        match self.what {
            What::Replay { dir, timestamps, start, interval, copies, only, cycle, write_targets } => {
                let interval_ms =
                    duration::parse(&interval).map_err(|e| format!("--interval={interval}: {e}"))?;
                let start_ms = match start {
                    Some(s) => (s * 1000.0) as i64,
                    // A recording has some tens of bodies; an hour back leaves room for all of them.
                    None => SystemClock::new().now_ms() - 3_600_000,
                };
                let options = ReplayOptions {
                    timestamps,
                    start_ms,
                    interval_ms,
                    copies,
                    cycle,
                    only,
                    bind: Bind::AnyPort,
                };
                let ready = |r: &tortie_sim::Replay| {
                    announce(
                        r.targets().iter().map(|t| (t.name.as_str(), t.address.to_string())),
                        &r.file_sd(),
                        write_targets.as_deref(),
                    )
                };
                tortie_sim::replay::serve(&RealFs, &dir, options, ready, ended)
                    .await
                    .map_err(|e| e.to_string())
            }
            What::Fleet { nodes, seed, ports, write_targets } => {
                let options = FleetOptions {
                    nodes,
                    seed,
                    bind: if ports { Bind::AnyPort } else { Bind::OwnAddress },
                    clock: Arc::new(SystemClock::new()),
                    ..FleetOptions::default()
                };
                let ready = |f: &tortie_sim::Fleet| {
                    announce(
                        f.targets().iter().map(|t| (t.pod.as_str(), t.address.to_string())),
                        &f.file_sd(),
                        write_targets.as_deref(),
                    )
                };
                tortie_sim::fleet::serve(options, ready, ended).await.map_err(|e| e.to_string())
            }
        }
    }
}

/// Says which targets there are: in a file, or on standard output.
#[allow(clippy::print_stdout)]
fn announce<'a>(
    targets: impl Iterator<Item = (&'a str, String)>,
    file_sd: &str,
    file: Option<&Path>,
) -> io::Result<()> {
    match file {
        Some(f) => RealFs.write_atomic(f, file_sd.as_bytes()),
        None => {
            for (name, address) in targets {
                println!("{address} {name}");
            }
            Ok(())
        }
    }
}
