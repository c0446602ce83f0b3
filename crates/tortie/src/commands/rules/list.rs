//! `tortie rules list`: the rules of a server with their health.

use crate::commands::asked::Asked;
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;

/// Lists the rules of a tortie or a Prometheus with health, last error and how long they take
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tortie rules list\n  tortie rules list --url http://prom:9090\n\n\
Exit: 0 all are well, 1 one failed or there is no answer, 2 usage")]
pub(crate) struct List {
    #[command(flatten)]
    server: Asked,
}

impl List {
    pub(crate) fn execute(self) -> ExitCode {
        self.server.show("tortie rules list", "/api/v1/rules?exclude_alerts=true", print)
    }
}

/// Prints the groups; says whether all rules are well.
#[allow(clippy::print_stdout)]
fn print(data: &Value) -> bool {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let mut well = true;
    let mut rules = 0;
    for g in data["groups"].as_array().into_iter().flatten() {
        let took = g["evaluationTime"].as_f64().unwrap_or(0.0) * 1000.0;
        println!("{} ({}), every {} s, took {took:.1} ms", text(&g["name"]), text(&g["file"]), g["interval"]);
        for r in g["rules"].as_array().into_iter().flatten() {
            rules += 1;
            well &= r["health"] != "err";
            let state = if r["type"] == "alerting" { text(&r["state"]) } else { "record".to_owned() };
            println!("  {:<7} {:<8} {}", text(&r["health"]), state, text(&r["name"]));
            if let Some(e) = r["lastError"].as_str() {
                println!("          {e}");
            }
        }
    }
    println!("{rules} rules");
    well
}
