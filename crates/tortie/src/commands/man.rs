//! `tortie man`: manual pages, made from the command tree.

use crate::cli::Cli;
use clap::{Args, CommandFactory};
use std::path::PathBuf;
use std::process::ExitCode;
use tortie_host::{Fs, RealFs};

/// Prints the manual page, or writes one a command into a folder
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tortie man | man -l -\n  tortie man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// The folder
    dir: Option<PathBuf>,
}

impl Man {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(crate) fn execute(&self) -> ExitCode {
        match self.write() {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("tortie man: {e}");
                ExitCode::from(1)
            }
        }
    }

    #[allow(clippy::print_stdout)]
    fn write(&self) -> Result<(), String> {
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let Some(dir) = &self.dir else {
            print!("{}", String::from_utf8_lossy(&page(command)?));
            return Ok(());
        };
        RealFs.create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let mut open = vec![(String::from("tortie"), command)];
        while let Some((name, command)) = open.pop() {
            for sub in command.get_subcommands().filter(|c| !c.is_hide_set()) {
                open.push((format!("{name}-{}", sub.get_name()), sub.clone()));
            }
            let path = dir.join(format!("{name}.1"));
            RealFs.write_atomic(&path, &page(command)?).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(())
    }
}

fn page(command: clap::Command) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    clap_mangen::Man::new(command).render(&mut out).map_err(|e| e.to_string())?;
    Ok(out)
}
