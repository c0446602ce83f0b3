//! `tortie targets`: what each Prometheus says of its targets.

use super::look::{Look, unreached};
use clap::Args;
use serde_json::json;
use std::process::ExitCode;
use tortie_calico::snapshot::{Collector, Snapshot, Target};

/// Targets of every Prometheus with their state and last error; with a name those of that job alone
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tortie targets\n  tortie targets felix --down\n\n\
Exit: 0 all shown are up, 1 one is not, 2 usage, 3 no Prometheus answered")]
pub(crate) struct Targets {
    /// Part of a job's name
    #[arg(default_value = "", hide_default_value = true)]
    job: String,
    /// Shows those alone that are not up
    #[arg(long)]
    down: bool,
    /// Form: human or json
    #[arg(short = 'o', long, value_name = "FORM", default_value = "human", value_parser = ["human", "json"])]
    output: String,
    #[command(flatten)]
    look: Look,
}

impl Targets {
    #[allow(clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        match self.run() {
            Ok(code) => ExitCode::from(code),
            Err(e) => {
                eprintln!("tortie targets: {e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn run(self) -> Result<u8, String> {
        let snap = self.look.snapshot()?;
        let answered: Vec<&Collector> = snap.collectors.iter().filter(|c| c.unreachable.is_none()).collect();
        if answered.is_empty() {
            eprintln!("tortie targets: {}", why_none(&snap));
            return Ok(3);
        }
        let shown: Vec<(&Collector, &Target)> = answered
            .iter()
            .flat_map(|c| c.targets.iter().map(move |t| (*c, t)))
            .filter(|(_, t)| self.of_job(t) && (!self.down || t.health != "up"))
            .collect();
        if self.output == "json" {
            println!("{}", serde_json::Value::Array(shown.iter().map(|(c, t)| form(c, t)).collect()));
        } else {
            table(&shown);
        }
        Ok(u8::from(shown.iter().any(|(_, t)| t.health == "down")))
    }

    fn of_job(&self, target: &Target) -> bool {
        target.pool.contains(&self.job) || target.labels.get("job").is_some_and(|j| j.contains(&self.job))
    }
}

fn why_none(snap: &Snapshot) -> String {
    if let Some(reason) = unreached(snap) {
        return reason.to_owned();
    }
    let reasons: Vec<String> = snap
        .collectors
        .iter()
        .filter_map(|c| Some(format!("{} {}: {}", c.object, c.replica, c.unreachable.as_deref()?)))
        .collect();
    if reasons.is_empty() {
        return "no Prometheus was asked (hint: name one with --prom-url)".to_owned();
    }
    format!("no Prometheus answered: {}", reasons.join("; "))
}

fn form(collector: &Collector, target: &Target) -> serde_json::Value {
    json!({"prometheus": collector.object, "replica": collector.replica, "pool": target.pool, "url": target.url,
        "health": target.health, "lastError": target.last_error, "lastScrape": target.last_scrape,
        "duration": target.duration, "labels": target.labels})
}

#[allow(clippy::print_stdout)]
fn table(shown: &[(&Collector, &Target)]) {
    let mut last = String::new();
    let widest = shown.iter().map(|(_, t)| t.url.chars().count()).max().unwrap_or(0);
    for (collector, target) in shown {
        let head = format!("{} ({})", target.pool, collector.replica);
        if head != last {
            println!("{head}");
            last = head;
        }
        let error =
            if target.last_error.is_empty() { String::new() } else { format!("  {}", target.last_error) };
        println!("  {:<7} {:<widest$}{error}", target.health, target.url);
    }
    let up = shown.iter().filter(|(_, t)| t.health == "up").count();
    println!("{up} of {} up", shown.len());
}
