//! `tortie alerts`: alerts of a server.

use super::asked::Asked;
use clap::{Args, Subcommand};
use serde_json::Value;
use std::process::ExitCode;

/// Lists the alerts of a server
#[derive(Debug, Args)]
pub(crate) struct Alerts {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Alerts of a tortie or a Prometheus that are pending or firing; exit 1 when one fires
    List(Asked),
}

impl Alerts {
    pub(crate) fn execute(self) -> ExitCode {
        let What::List(server) = self.what;
        server.show("tortie alerts list", "/api/v1/alerts", print)
    }
}

/// Prints the alerts; says whether none fires.
#[allow(clippy::print_stdout)]
fn print(data: &Value) -> bool {
    let mut firing = 0;
    let all: Vec<&Value> = data["alerts"].as_array().into_iter().flatten().collect();
    for a in &all {
        firing += usize::from(a["state"] == "firing");
        let labels: Vec<String> = a["labels"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(n, _)| *n != "alertname")
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        println!(
            "{:<8} {} {{{}}} since {} value {}",
            text(&a["state"]),
            text(&a["labels"]["alertname"]),
            labels.join(", "),
            text(&a["activeAt"]),
            text(&a["value"])
        );
        let summary =
            a["annotations"]["summary"].as_str().or_else(|| a["annotations"]["description"].as_str());
        if let Some(s) = summary {
            println!("         {s}");
        }
    }
    println!("{firing} firing, {} pending", all.len() - firing);
    firing == 0
}
