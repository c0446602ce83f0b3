//! The command tree.

use crate::commands;
use clap::{Parser, Subcommand};

/// Calico's monitoring in one piece: discover, scrape, store, query, show.
#[derive(Debug, Parser)]
#[command(name = "tortie", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// A believable Calico cluster on this machine, with its monitoring: nothing is needed
    Demo(commands::demo::Demo),
    /// The server: reads a prometheus.yml, scrapes, stores, answers
    Run(Box<commands::run::Run>),
    Doctor(Box<commands::doctor::Doctor>),
    Why(Box<commands::why::Why>),
    Explain(commands::explain::Explain),
    Fix(Box<commands::fix::Fix>),
    Collect(Box<commands::collect::Collect>),
    Targets(Box<commands::targets::Targets>),
    Query(commands::query::Query),
    Scrape(Box<commands::scrape::Scrape>),
    Relabel(commands::relabel::Relabel),
    Rules(Box<commands::rules::Rules>),
    Alerts(Box<commands::alerts::Alerts>),
    Setup(Box<commands::setup::Setup>),
    Rbac(commands::rbac::Rbac),
    Deploy(Box<commands::deploy::Deploy>),
    /// Simulated targets alone: a fleet, or recorded scrapes
    Sim(commands::sim::Sim),
    /// Runs test scripts
    Test(commands::test::Test),
    /// Checks files without starting anything
    Check(commands::check::Check),
    /// Prints a completion script for a shell
    #[command(visible_alias = "completion")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    Man(commands::man::Man),
    Version(commands::version::Version),
}
