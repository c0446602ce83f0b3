//! House keeping of the workspace: `cargo run -p xtask -- COMMAND`.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr)] // a tool of the build, not of the product

mod bench;
mod edges;
mod files;
mod licences;
mod process;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// The workspace's root folder.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// `cargo metadata` of the workspace, dependencies included.
fn metadata() -> anyhow::Result<serde_json::Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            "--filter-platform=x86_64-unknown-linux-gnu",
        ])
        .current_dir(root())
        .output()?;
    anyhow::ensure!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    Ok(serde_json::from_slice(&out.stdout)?)
}

/// Everything that `tidy` checks; one line a complaint.
fn tidy() -> anyhow::Result<Vec<String>> {
    let meta = metadata()?;
    let mut complaints = edges::check(&meta);
    complaints.extend(licences::check(&meta));
    complaints.extend(files::check(&root())?);
    Ok(complaints)
}

const USAGE: &str = "usage: cargo run -p xtask -- tidy
       cargo run -p xtask -- bench scrape [--quick]
environment of bench: TORTIE_BIN (a release build), TORTIE_PEERS_BIN, TORTIE_FIXTURES";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["tidy"] => tidy().and_then(|c| {
            anyhow::ensure!(c.is_empty(), "{}", c.join("\n"));
            Ok(())
        }),
        ["bench", "scrape"] => bench::scrape(&bench::Scrape {
            targets: 500,
            warm: Duration::from_secs(20),
            counted: Duration::from_secs(40),
            pairs: 3,
        }),
        ["bench", "scrape", "--quick"] => bench::scrape(&bench::Scrape {
            targets: 500,
            warm: Duration::from_secs(20),
            counted: Duration::from_secs(30),
            pairs: 1,
        }),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn tidy() {
        let complaints = super::tidy().unwrap();
        assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    }
}
