//! `tortie doctor`: every link of the chain, the broken one by name, the command that mends it.

mod baseline;
mod demo;
pub(crate) mod files;
pub(crate) mod kube_flags;
pub(crate) mod screen;

use clap::Args;
use kube_flags::{KubeFlags, PrometheusFlags};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tortie_calico::doctor::check::Check;
use tortie_calico::doctor::checks::{ALL, find};
use tortie_calico::doctor::engine::{Report, judge};
use tortie_calico::doctor::verdict::Level;
use tortie_calico::facts::Facts;
use tortie_calico::render::{Format, Frame, render};
use tortie_calico::snapshot::Snapshot;
use tortie_host::{Clock, SystemClock};

/// Checks every link from Felix's setting to the person who is paged
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie doctor\n  tortie doctor --demo\n  tortie doctor -f manifests/ --assume calico=3.32,install=operator\n\n\
Exit: 0 fine, 1 a finding at --fail-on or above, 2 usage, 3 no finding and something could not be looked at"
)]
pub(crate) struct Doctor {
    /// Judges files, folders, a bundle of `tortie collect` or `-` (standard input) instead of a cluster
    #[arg(short = 'f', long = "file", value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// With -f: lays the files over the cluster: what if they were applied
    #[arg(long = "with-cluster", requires = "files")]
    with_cluster: bool,
    /// What is in the cluster beside the files, such as calico=3.32,install=operator,stack=kube-prometheus-stack:prometheus
    #[arg(long, value_name = "WHAT", default_value = "", requires = "files", hide_default_value = true)]
    pub(crate) assume: String,
    /// Judges the cluster of the running `tortie demo`, at its usual address or the one given
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = demo::USUAL,
        conflicts_with_all = ["files", "kubeconfig", "context", "prom_url"])]
    demo: Option<String>,
    /// Form of the report: human, short, json, yaml, junit, sarif, prometheus
    #[arg(short = 'o', long, value_name = "FORM", default_value = "human")]
    output: String,
    /// Runs these checks alone (ids or slugs); what they need runs too, unseen
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    only: Vec<String>,
    /// Leaves these checks out
    #[arg(long, value_name = "ID,..", value_delimiter = ',')]
    skip: Vec<String>,
    /// Level from which a finding makes exit 1
    #[arg(long, value_name = "LEVEL", default_value = "fail")]
    fail_on: String,
    /// Fails only on findings that this earlier report (-o json) does not have
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Looks again until every goal is reached, at most so long; stops early when waiting cannot help
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "2m")]
    wait: Option<String>,
    /// Lists the checks
    #[arg(long)]
    list: bool,
    /// Shows every check
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    kube: KubeFlags,
    #[command(flatten)]
    prometheus: PrometheusFlags,
    #[command(flatten)]
    screen: screen::Screen,
}

impl Doctor {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        match self.run() {
            Ok(code) => ExitCode::from(code),
            Err(e) => {
                eprintln!("tortie doctor: {e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn run(mut self) -> Result<u8, String> {
        if let Some(url) = self.demo.take() {
            let kubeconfig = demo::aim(&url, &mut self.kube, &mut self.prometheus)?;
            eprintln!("to paste what is printed: export KUBECONFIG={kubeconfig}");
        }
        if self.list {
            for c in ALL {
                println!("{}  {:<32} {}", c.id, c.slug, c.title);
            }
            return Ok(0);
        }
        let format = Format::parse(&self.output).ok_or_else(|| {
            format!("{:?} is no form of a report (hint: -o {})", self.output, Format::NAMES.join(", "))
        })?;
        let fail_on = level(&self.fail_on)?;
        let checks = self.chosen()?;
        let before = self.baseline.as_deref().map(baseline::read).transpose()?;
        let deadline = self.wait.as_deref().map(duration).transpose()?;
        let clock = SystemClock::new();
        let start = clock.monotonic_ns();
        let mut last_told = String::new();
        loop {
            let snap = self.look(&clock)?;
            let facts = Facts::of(&snap);
            let mut report = judge(&checks, &facts);
            self.keep_only_chosen(&mut report)?;
            if let Some(known) = &before {
                report.findings.retain(|f| !known.contains(&f.fingerprint()));
            }
            let elapsed = Duration::from_nanos(clock.monotonic_ns().saturating_sub(start));
            let again =
                deadline.filter(|d| elapsed < *d && report.exit_code(fail_on) != 0 && waiting_helps(&report));
            if again.is_some() {
                let told = waiting_for(&report);
                if told != last_told {
                    eprintln!("waiting for {told}");
                    last_told = told;
                }
                std::thread::sleep(Duration::from_secs(2));
                continue;
            }
            let frame = Frame {
                tool: env!("CARGO_PKG_VERSION").to_owned(),
                took_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
                fail_on,
                verbose: self.verbose,
                ink: self.screen.ink(),
            };
            print!("{}", render(format, &facts, &report, &frame));
            return Ok(report.exit_code(fail_on));
        }
    }

    #[allow(clippy::print_stderr)]
    fn look(&self, clock: &SystemClock) -> Result<Snapshot, String> {
        let (snap, told) = if self.files.is_empty() || self.with_cluster {
            self.kube.look(&self.prometheus, self.with_cluster.then_some(self.files.as_slice()))?
        } else {
            files::read(&self.files, &self.assume, clock.now_ms())?
        };
        for line in told {
            eprintln!("{line}");
        }
        Ok(snap)
    }

    /// All checks, without those that are to be left out. With `--only` all run: what is asked for hangs on others.
    fn chosen(&self) -> Result<Vec<&'static Check>, String> {
        let skip = self.skip.iter().map(|n| named(n)).collect::<Result<Vec<_>, _>>()?;
        Ok(ALL.iter().copied().filter(|c| !skip.iter().any(|s| s.id == c.id)).collect())
    }

    fn keep_only_chosen(&self, report: &mut Report) -> Result<(), String> {
        if self.only.is_empty() {
            return Ok(());
        }
        let only = self.only.iter().map(|n| named(n)).collect::<Result<Vec<_>, _>>()?;
        let wanted = |id: &str| only.iter().any(|c| c.id == id);
        report.findings.retain(|f| wanted(f.id));
        report.outcomes.retain(|o| wanted(o.check.id));
        Ok(())
    }
}

fn named(name: &str) -> Result<&'static Check, String> {
    find(name).ok_or_else(|| {
        let near = ALL.iter().min_by_key(|c| strsim(name, c.id).min(strsim(name, c.slug)));
        let near = near.map(|c| format!("did you mean {} {}? ", c.id, c.slug)).unwrap_or_default();
        format!("no check is called {name:?} (hint: {near}all: tortie doctor --list)")
    })
}

fn strsim(a: &str, b: &str) -> usize {
    tortie_calico::doctor::nearest::distance(&a.to_ascii_lowercase(), &b.to_ascii_lowercase())
}

fn level(name: &str) -> Result<Level, String> {
    match name {
        "fail" => Ok(Level::Fail),
        "warn" => Ok(Level::Warn),
        "info" => Ok(Level::Info),
        other => Err(format!("{other:?} is no level (hint: --fail-on fail, warn or info)")),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let ms =
        tortie_model::duration::parse(text).map_err(|e| format!("--wait {text}: {e} (hint: --wait 2m)"))?;
    Ok(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

/// Waiting cures what is young and what operators and rollouts are at; a wrong name stays wrong.
fn waiting_helps(report: &Report) -> bool {
    use tortie_calico::doctor::verdict::Verdict;
    let young = report.outcomes.iter().any(|o| o.judged.verdict == Verdict::Pending);
    let passing = [
        "T202", "T215", "T405", "T406", "T603", "T605", "T606", "T608", "T701", "T702", "T704", "T705",
        "T710", "T711",
    ];
    young || report.findings.iter().filter(|f| f.level == Level::Fail).all(|f| passing.contains(&f.id))
}

fn waiting_for(report: &Report) -> String {
    let ids: Vec<String> = report
        .findings
        .iter()
        .filter(|f| f.level == Level::Fail)
        .map(|f| format!("{} ({})", f.title, f.id))
        .collect();
    if ids.is_empty() { "what is too young to judge".to_owned() } else { ids.join("; ") }
}
