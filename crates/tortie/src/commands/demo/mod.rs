//! `tortie demo`: a simulated Calico cluster and its monitoring in one process, and the switches to break it.

pub(crate) mod client;
mod cluster;
mod config;
mod follow;
#[cfg(test)]
mod follow_tests;
mod history;
mod names;
mod rules;
mod screen;
mod switches;

use crate::logging::{self, Format, Threshold};
use crate::server::options::{ClusterChoice, ServerOptions};
use crate::server::reload::{Source, Text};
use crate::server::{Server, StartError, io_runtime};
use crate::signals::Signals;
use clap::{Args, Subcommand};
use cluster::DemoCluster;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tortie_host::{Clock, Fs, RealFs, SystemClock};
use tortie_model::duration;
use tortie_sim::{Alertmanager, Bind, Dataplane, Fleet, FleetOptions};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Demo {
    #[command(subcommand)]
    switch: Option<Switch>,
    #[command(flatten)]
    start: Start,
}

#[derive(Debug, Subcommand)]
enum Switch {
    /// Breaks something in the running demo
    Break {
        /// What: see --list
        #[arg(required_unless_present = "list")]
        fault: Option<String>,
        /// Lists what can be broken and what is
        #[arg(long)]
        list: bool,
        #[command(flatten)]
        at: At,
    },
    /// Mends it
    Heal {
        /// What: see `tortie demo faults`
        fault: String,
        #[command(flatten)]
        at: At,
    },
    /// Lists what can be broken and what is
    Faults {
        #[command(flatten)]
        at: At,
    },
}

#[derive(Debug, Args)]
struct At {
    /// Address of the running demo
    #[arg(long, default_value = "http://127.0.0.1:9090", value_name = "URL")]
    url: String,
}

#[derive(Debug, Args)]
struct Start {
    /// Nodes of the simulated cluster
    #[arg(long, default_value_t = 3, value_name = "N")]
    nodes: usize,
    /// The same seed gives the same cluster
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How much past to make, scraped from the simulation faster than time goes
    #[arg(long, default_value = "24h", value_name = "DURATION")]
    history: String,
    /// Address to listen on
    #[arg(long = "web.listen-address", default_value = "127.0.0.1:9090", value_name = "HOST:PORT")]
    listen: Vec<String>,
    /// URL under which others reach the demo, when a proxy stands before it
    #[arg(long = "web.external-url", default_value = "", value_name = "URL")]
    external_url: String,
    /// Directory of the data, kept afterwards (by default a temporary one)
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Write the address into this file once everything is there
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Lets the page Doctor write what `tortie setup` plans into the demo's cluster; only on loopback addresses
    #[arg(long)]
    allow_setup: bool,
    /// Least level that is logged
    #[arg(long = "log.level", default_value = "warn", value_enum, value_name = "LEVEL")]
    log_level: Threshold,
}

impl Demo {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        let asked = match self.switch {
            None => return self.start.execute(),
            Some(Switch::Break { fault: Some(fault), list: false, at }) => {
                client::switch(&at.url, &fault, true)
            }
            Some(Switch::Break { at, .. }) => client::faults(&at.url),
            Some(Switch::Heal { fault, at }) => client::switch(&at.url, &fault, false),
            Some(Switch::Faults { at }) => client::faults(&at.url),
        };
        match asked {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(e) => {
                eprintln!("{e}");
                ExitCode::FAILURE
            }
        }
    }
}

impl Start {
    #[allow(clippy::print_stderr)]
    fn execute(self) -> ExitCode {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        logging::start(self.log_level, Format::Logfmt, Arc::clone(&clock));
        let own_dir = self.dir.is_none();
        let dir = self
            .dir
            .clone()
            .unwrap_or_else(|| std::env::temp_dir().join(format!("tortie-demo-{}", std::process::id())));
        let result = io_runtime(None)
            .map_err(|e| StartError::Failed(e.to_string()))
            .and_then(|rt| rt.block_on(self.serve(clock, &dir)));
        if own_dir {
            // What cannot be removed lies in the folder for temporary files, where it is cleaned up some day.
            let _ = RealFs.remove_dir_all(&dir);
        }
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(StartError::Usage(e)) => {
                eprintln!("{e}");
                ExitCode::from(super::EXIT_USAGE)
            }
            Err(StartError::Failed(e)) => {
                eprintln!("{e}");
                ExitCode::FAILURE
            }
        }
    }

    async fn serve(self, clock: Arc<dyn Clock>, dir: &std::path::Path) -> Result<(), StartError> {
        let history_ms = duration::parse(&self.history)
            .map_err(|e| StartError::Usage(format!("--history={}: {e}", self.history)))?;
        let mut signals =
            Signals::listen().map_err(|e| StartError::Failed(format!("cannot listen to signals: {e}")))?;
        let now = clock.now_ms();
        let fleet = Fleet::start(FleetOptions {
            nodes: self.nodes,
            seed: self.seed,
            dataplanes: vec![Dataplane::Iptables, Dataplane::Nftables, Dataplane::Bpf],
            start_ms: Some(now - history_ms),
            clock: Arc::clone(&clock),
            bind: Bind::OwnAddress,
            release: cluster::CALICO,
            net: FleetOptions::free_net(),
            ..FleetOptions::default()
        })
        .await
        .map_err(|e| StartError::Failed(e.to_string()))?;
        let fleet = Arc::new(fleet);
        fleet.set_time(now - history_ms);
        let failed = StartError::Failed;
        // It is gone with the program.
        let alertmanager = Alertmanager::start().await.map_err(|e| failed(e.to_string()))?;
        let at = alertmanager.address();
        let cluster = DemoCluster::start(fleet.targets(), self.nodes, at, Arc::clone(&clock)).await;
        let cluster = Arc::new(cluster.map_err(failed)?);
        let kubeconfig = dir.join("demo.kubeconfig");
        cluster.write_kubeconfig(&kubeconfig).map_err(failed)?;
        let rule_file = rules::place(dir).map_err(failed)?;
        let wanted = follow::wanted(&cluster, fleet.targets(), now);
        let files = rules::files(&rule_file, &wanted.rules, &[]).map_err(failed)?;
        let text = Text::new(rules::named(wanted.yaml, &files));
        let options = self.options(dir, &kubeconfig);
        let server = Server::prepare(options, Source::Text(text.clone()), Arc::clone(&clock)).await?;
        tokio::select! {
            made = history::make(&server, &fleet, &clock, history_ms) => {
                let made = made.map_err(StartError::Failed)?;
                fleet.follow_clock();
                switches::install(&server, Arc::clone(&fleet), Arc::clone(&cluster), kubeconfig.clone());
                server.go_live();
                screen::ready(&server.url(), &made, fleet.targets().len(), &kubeconfig);
                if let Err(e) = self.tell_ready(&server.url()) {
                    // What is wrong with the file is the reason to end, whatever else ending finds.
                    let _ = server.stop().await;
                    return Err(e);
                }
            }
            () = signals.ended() => {
                return server.stop().await.map_err(StartError::Failed);
            }
        }
        tokio::select! {
            () = server.until_told_to_end(&mut signals) => {}
            () = follow::follow(cluster, fleet, &server, text, &rule_file, clock) => {}
        }
        screen::ending();
        // A directory that is kept keeps no address of a server that is gone.
        let _ = RealFs.remove_file(&kubeconfig);
        server.stop().await.map_err(StartError::Failed)
    }

    fn tell_ready(&self, url: &str) -> Result<(), StartError> {
        let Some(file) = &self.ready_file else { return Ok(()) };
        RealFs
            .write_atomic(file, url.as_bytes())
            .map_err(|e| StartError::Failed(format!("{}: {e}", file.display())))
    }

    fn options(&self, dir: &std::path::Path, kubeconfig: &std::path::Path) -> ServerOptions {
        ServerOptions {
            from_crds: None,
            web_config: None,
            cluster: Some(ClusterChoice {
                kubeconfig: kubeconfig.to_owned(),
                context: Some(cluster::CONTEXT.to_owned()),
                from: "the demo's own".to_owned(),
                own: true,
            }),
            allow_setup: self.allow_setup,
            calico: None,
            config_file: PathBuf::from("prometheus.yml"),
            config_named: true,
            listen: self.listen.clone(),
            external_url: self.external_url.clone(),
            route_prefix: None,
            lifecycle: false,
            cors: None,
            max_connections: 512,
            read_timeout_ms: 300_000,
            data: dir.to_owned(),
            retention_ms: 15 * 86_400_000,
            retention_bytes: 0,
            no_lockfile: false,
            min_block_ms: 7_200_000,
            max_block_ms: None,
            lookback_ms: 300_000,
            query_timeout_ms: 120_000,
            max_concurrency: 20,
            max_samples: 50_000_000,
            adjust_timestamps: true,
            timestamp_tolerance_ms: 10,
            alert_resend_delay_ms: 60_000,
            alert_outage_tolerance_ms: 3_600_000,
            alert_grace_period_ms: 600_000,
            max_concurrent_evals: 4,
            drain_notifications: true,
            notification_batch: 256,
            notification_capacity: 10_000,
            features: Vec::new(),
            threads: None,
            log_level: self.log_level,
            log_format: "logfmt".into(),
        }
    }
}
