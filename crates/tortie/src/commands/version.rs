//! `tortie version`: what runs here.

use clap::Args;
use serde_json::json;
use std::process::ExitCode;

/// Prints the version, the formats of its files and what it was built for
#[derive(Debug, Args)]
pub(crate) struct Version {
    /// Form: human or json
    #[arg(short = 'o', long, value_name = "FORM", default_value = "human", value_parser = ["human", "json"])]
    output: String,
}

impl Version {
    #[allow(clippy::print_stdout)]
    pub(crate) fn execute(&self) -> ExitCode {
        let (version, os, arch) = (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        if self.output == "json" {
            let formats = json!({"report": "tortie.doctor/v1", "bundle": tortie_calico::bundle::VERSION});
            println!("{}", json!({"version": version, "os": os, "arch": arch, "formats": formats}));
        } else {
            println!("tortie {version} ({os}/{arch})");
        }
        ExitCode::SUCCESS
    }
}
