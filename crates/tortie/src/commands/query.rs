//! `tortie query`: an expression, asked of a Prometheus or a tortie by its address.

use super::doctor::kube_flags::Credentials;
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tortie_calico::collect::one::{page, query_path, range_path};
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
    /// Whom to ask
    #[arg(long, value_name = "URL", env = "TORTIE_PROM_URL", default_value = "http://localhost:9090")]
    url: String,
    /// User of basic authentication; the password is read from --password-file or TORTIE_PROM_PASSWORD
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// File with the password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// File with a bearer token
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    token_file: Option<PathBuf>,
    /// File with certificate authorities to trust besides the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Takes any certificate
    #[arg(long)]
    insecure: bool,
    /// Form: human or json (the answer as it came)
    #[arg(short = 'o', long, value_name = "FORM", default_value = "human", value_parser = ["human", "json"])]
    output: String,
}

impl Query {
    #[allow(clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        match self.run() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(e) => {
                eprintln!("tortie query: {e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn run(self) -> Result<bool, String> {
        let path = match &self.range {
            None => query_path(&self.expr),
            Some(text) => {
                let ms = tortie_model::duration::parse(text).map_err(|e| format!("--range {text}: {e}"))?;
                range_path(&self.expr, SystemClock::new().now_ms() / 1000, ms / 1000)
            }
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let credentials = Credentials {
            user: self.user.as_deref(),
            password_file: self.password_file.as_deref(),
            token_file: self.token_file.as_deref(),
            ca_file: self.ca_file.as_deref(),
            insecure: self.insecure,
        };
        let address = credentials.address(&self.url)?;
        let answer = match runtime.block_on(page(&address, &path, Duration::from_secs(60))) {
            Ok(answer) => answer,
            Err(e) => {
                eprintln!("tortie query: no answer: {e} (hint: --url)");
                return Ok(false);
            }
        };
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
            let hint = if matches!(answer.status, 401 | 403) { "--user, --token-file" } else { "--url" };
            eprintln!(
                "tortie query: status {} with a body that is no answer of Prometheus (hint: {hint})",
                answer.status
            );
            return Ok(false);
        };
        if self.output == "json" {
            println!("{body}");
        }
        if body["status"] != "success" {
            eprintln!("tortie query: {}", body["error"].as_str().unwrap_or("an error without words"));
            return Ok(false);
        }
        let lines = lines(&body["data"]);
        if self.output != "json" {
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
