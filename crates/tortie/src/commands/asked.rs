//! A server that is asked over its HTTP API, by its address.

use super::doctor::kube_flags::Credentials;
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tortie_calico::collect::one::page;

/// Whom to ask, and in which form to show the answer.
#[derive(Debug, Args)]
pub(crate) struct Asked {
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

impl Asked {
    /// Asks for `path` and shows the data of the answer by `print`, which says whether all is well.
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn show(&self, who: &str, path: &str, print: impl FnOnce(&Value) -> bool) -> ExitCode {
        let data = match self.ask(path) {
            Ok(d) => d,
            Err((e, code)) => {
                eprintln!("{who}: {e}");
                return ExitCode::from(code);
            }
        };
        if self.as_json() {
            println!("{data}");
            return ExitCode::SUCCESS;
        }
        if print(&data) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Whether the answer is wanted as it came.
    pub(crate) fn as_json(&self) -> bool {
        self.output == "json"
    }

    /// The data of the answer; the error comes with its exit code.
    fn ask(&self, path: &str) -> Result<Value, (String, u8)> {
        let body = self.body(path)?;
        if body["status"] != "success" {
            return Err((why(&body).to_owned(), 1));
        }
        Ok(body["data"].clone())
    }

    /// The whole answer; the error comes with its exit code.
    pub(crate) fn body(&self, path: &str) -> Result<Value, (String, u8)> {
        let usage = |e: String| (e, super::EXIT_USAGE);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| usage(e.to_string()))?;
        let credentials = Credentials {
            user: self.user.as_deref(),
            password_file: self.password_file.as_deref(),
            token_file: self.token_file.as_deref(),
            ca_file: self.ca_file.as_deref(),
            insecure: self.insecure,
        };
        let address = credentials.address(&self.url).map_err(usage)?;
        let answer = runtime
            .block_on(page(&address, path, Duration::from_secs(60)))
            .map_err(|e| (format!("no answer: {e} (hint: --url)"), 1))?;
        serde_json::from_slice(&answer.body).map_err(|_| {
            let hint = if matches!(answer.status, 401 | 403) { "--user, --token-file" } else { "--url" };
            let what = format!("status {} with a body that is no answer of Prometheus", answer.status);
            (format!("{what} (hint: {hint})"), 1)
        })
    }
}

/// What an answer that is no success says.
pub(crate) fn why(body: &Value) -> &str {
    body["error"].as_str().unwrap_or("an error without words")
}
