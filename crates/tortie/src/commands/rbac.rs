//! `tortie rbac`: the least rights as objects that kubectl applies.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use tortie_calico::setup::{rights, saved};
use tortie_host::{Fs, RealFs};

/// Prints the least rights that a command needs, as RBAC objects
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie rbac doctor | kubectl apply -f -\n  kubectl create clusterrolebinding tortie-doctor \
                  --clusterrole=tortie-doctor --serviceaccount=NAMESPACE:NAME\n  tortie setup --out plan.json; tortie rbac setup --plan plan.json"
)]
pub(crate) struct Rbac {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// What the doctor reads
    Doctor {
        /// Leaves out what probes and asking Prometheus take: port-forwards, logs, the API server's proxy
        #[arg(long)]
        no_probes: bool,
    },
    /// What `tortie run` reads in a cluster: Kubernetes' discovery, the custom resources, Calico's settings
    Run {
        /// Adds a role of its own for `tortie run --emit-events`, which writes Events
        #[arg(long)]
        emit_events: bool,
    },
    /// What looking, making a saved plan and undoing it takes
    Setup {
        /// The plan
        #[arg(long, value_name = "FILE")]
        plan: PathBuf,
    },
}

impl Rbac {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let text = match &self.mode {
            Mode::Doctor { no_probes } => Ok(rights::doctor_yaml(!no_probes)),
            Mode::Run { emit_events } => Ok(rights::run_yaml(*emit_events)),
            Mode::Setup { plan } => RealFs
                .read(plan)
                .map_err(|e| format!("{e} (hint: tortie setup --out plan.json writes one)"))
                .and_then(|text| saved::read(&text))
                .map(|p| rights::plan_yaml(&p))
                .map_err(|e| format!("{}: {e}", plan.display())),
        };
        match text {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(e) => {
                eprintln!("tortie rbac: {e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }
}
