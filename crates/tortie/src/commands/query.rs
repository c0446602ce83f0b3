//! `tortie query`: an expression, asked of a Prometheus or a tortie by its address.

use super::asked::{Asked, why};
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;
use tortie_calico::collect::one::{query_path, range_path};
use tortie_host::{Clock, SystemClock};

/// Asks a Prometheus or a tortie for an expression
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie query 'sum(felix_active_local_endpoints)'\n  tortie query up --range 1h --url http://prom:9090\n\n\
Exit: 0 an answer with data, 1 an error or no data, 2 usage"
)]
pub(crate) struct Query {
    /// The expression
    expr: String,
    /// Over so much of the past instead of now
    #[arg(long, value_name = "TIME")]
    range: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

impl Query {
    #[allow(clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        match self.run() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err((e, code)) => {
                eprintln!("tortie query: {e}");
                ExitCode::from(code)
            }
        }
    }

    /// Whether there is data; the error comes with its exit code.
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn run(self) -> Result<bool, (String, u8)> {
        let path = match &self.range {
            None => query_path(&self.expr),
            Some(text) => {
                let ms = tortie_model::duration::parse(text)
                    .map_err(|e| (format!("--range {text}: {e}"), super::EXIT_USAGE))?;
                range_path(&self.expr, SystemClock::new().now_ms() / 1000, ms / 1000)
            }
        };
        let body = self.asked.body(&path)?;
        if self.asked.as_json() {
            println!("{body}");
        }
        if body["status"] != "success" {
            return Err((why(&body).to_owned(), 1));
        }
        let lines = lines(&body["data"]);
        if !self.asked.as_json() {
            for line in &lines {
                println!("{line}");
            }
        }
        if lines.is_empty() {
            eprintln!("no data (hint: tortie why NAME-OF-THE-METRIC)");
        }
        Ok(!lines.is_empty())
    }
}

/// A line a sample.
fn lines(data: &Value) -> Vec<String> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    match data["resultType"].as_str() {
        Some("scalar" | "string") => vec![text(&data["result"][1])],
        Some("vector") => {
            let all = data["result"].as_array().into_iter().flatten();
            all.map(|s| format!("{} {}", series(&s["metric"]), value(s))).collect()
        }
        Some("matrix") => {
            let mut out = Vec::new();
            for s in data["result"].as_array().into_iter().flatten() {
                out.push(series(&s["metric"]));
                for pair in s["values"].as_array().into_iter().flatten() {
                    out.push(format!("  {} {}", pair[0], text(&pair[1])));
                }
                for pair in s["histograms"].as_array().into_iter().flatten() {
                    out.push(format!("  {} {}", pair[0], pair[1]));
                }
            }
            out
        }
        _ => Vec::new(),
    }
}

fn value(sample: &Value) -> String {
    match sample["value"][1].as_str() {
        Some(text) => text.to_owned(),
        None => sample["histogram"][1].to_string(),
    }
}

fn series(metric: &Value) -> String {
    let name = metric["__name__"].as_str().unwrap_or_default();
    let labels: Vec<String> = metric
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(k, _)| *k != "__name__")
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    format!("{name}{{{}}}", labels.join(", "))
}
