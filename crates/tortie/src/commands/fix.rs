//! `tortie fix`: the ways to mend findings, printed; run only when that is asked for at a terminal.

use super::look::{Look, unreached};
use clap::Args;
use serde_json::Value;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use tortie_calico::doctor::checks::ALL;
use tortie_calico::doctor::engine::judge;
use tortie_calico::facts::Facts;
use tortie_calico::render::json::finding;
use tortie_calico::snapshot::Identity;
use tortie_host::{Fs, RealFs};

/// Prints how findings are mended; with -y runs the commands
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie fix T507\n  tortie fix --from report.json\n  tortie fix T507 -y\n\n\
Without ids, -y runs only what is safe and can be taken back.\n\
Exit: 0 printed or done, 1 a command failed, 2 usage or no such finding, 3 the API server could not be reached"
)]
pub(crate) struct Fix {
    /// Ids of findings; none for all
    ids: Vec<String>,
    /// Takes the findings of a report (tortie doctor -o json) instead of looking
    #[arg(long, value_name = "REPORT")]
    from: Option<PathBuf>,
    /// Runs the commands; asks for a terminal
    #[arg(short = 'y', long)]
    yes: bool,
    #[command(flatten)]
    look: Look,
}

impl Fix {
    #[allow(clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        match self.run() {
            Ok(code) => ExitCode::from(code),
            Err(e) => {
                eprintln!("tortie fix: {e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn run(self) -> Result<u8, String> {
        if self.yes && !std::io::stdin().is_terminal() {
            return Err(
                "-y runs commands only at a terminal (hint: without -y they are printed, to be read first)"
                    .to_owned(),
            );
        }
        if self.yes && !self.look.files.is_empty() {
            return Err("-y needs a cluster, and -f names files (hint: leave one out)".to_owned());
        }
        let mut to = Identity::default();
        let findings = match &self.from {
            Some(report) => {
                let (uid, findings) = report_of(report)?;
                if self.yes {
                    to = self.same_cluster(&uid)?;
                }
                findings
            }
            None => {
                let snap = self.look.snapshot()?;
                if let Some(reason) = unreached(&snap) {
                    eprintln!("tortie fix: {reason}");
                    return Ok(3);
                }
                to = snap.identity.clone();
                judge(ALL, &Facts::of(&snap)).findings.iter().map(finding).collect()
            }
        };
        let chosen = self.chosen(&findings)?;
        let run = chosen.iter().copied().filter(|f| self.yes && self.runs(f)).count();
        if self.yes {
            // All or nothing: none is run when another one may not be.
            chosen.iter().filter(|f| self.runs(f)).flat_map(|f| commands(f)).try_for_each(ours)?;
        }
        for f in &chosen {
            print(f);
            if self.yes && !self.apply(f, &to)? {
                eprintln!(
                    "stopped: the command failed (hint: look again, for the cluster may have moved on: tortie doctor)"
                );
                return Ok(1);
            }
        }
        if chosen.is_empty() {
            println!("nothing to mend was found");
        }
        if run > 0 {
            eprintln!("done (hint: whether it helped shows tortie doctor --wait)");
        }
        Ok(0)
    }

    /// Whether `-y` runs the commands of a finding: those that can be taken back, and those of a finding that is named.
    fn runs(&self, f: &Value) -> bool {
        match f["fix"]["auto"].as_str() {
            Some("yes") => true,
            Some("ask") => !self.ids.is_empty(),
            _ => false,
        }
    }

    fn chosen<'a>(&self, findings: &'a [Value]) -> Result<Vec<&'a Value>, String> {
        if self.ids.is_empty() {
            return Ok(findings.iter().filter(|f| f["level"] != "info").collect());
        }
        let mut out = Vec::new();
        for id in &self.ids {
            let named = |f: &&Value| {
                f["id"].as_str().is_some_and(|i| i.eq_ignore_ascii_case(id)) || f["slug"] == id.as_str()
            };
            let before = out.len();
            out.extend(findings.iter().filter(named));
            if out.len() == before {
                let found: Vec<&str> = findings.iter().filter_map(|f| f["id"].as_str()).collect();
                let hint = match found.is_empty() {
                    true => "nothing was found; what was looked at shows tortie doctor".to_owned(),
                    false => format!("found were: {}", found.join(", ")),
                };
                return Err(format!("there is no finding {id} (hint: {hint})"));
            }
        }
        Ok(out)
    }

    /// A report of another cluster must not be carried out here. The answer is where here is.
    fn same_cluster(&self, uid: &str) -> Result<Identity, String> {
        let identity = self.look.snapshot()?.identity;
        let here = &identity.uid;
        if uid.is_empty() || here.is_empty() || uid != here {
            let or = |u: &str| if u.is_empty() { "unknown".to_owned() } else { u.to_owned() };
            return Err(format!(
                "the report is of cluster {}, this is cluster {} (hint: --context)",
                or(uid),
                or(here)
            ));
        }
        Ok(identity)
    }

    /// Runs a finding's commands; false when one failed.
    #[allow(clippy::print_stderr)]
    fn apply(&self, f: &Value, to: &Identity) -> Result<bool, String> {
        let auto = f["fix"]["auto"].as_str().unwrap_or("no");
        if !self.runs(f) {
            let id = f["id"].as_str().unwrap_or_default();
            let why = if auto == "ask" {
                format!("to run it name it: tortie fix {id} -y")
            } else {
                "not run: to be done by hand".to_owned()
            };
            eprintln!("  {why}");
            return Ok(true);
        }
        for command in commands(f) {
            if !self.carry_out(command, to)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Runs one command where this program looked and as whom its flags say; false when it failed. A report may come from
    /// another machine, on which a context of the same name leads elsewhere.
    fn carry_out(&self, command: &Value, to: &Identity) -> Result<bool, String> {
        let argv = argv(command);
        let Some((program, mut args)) = argv.split_first() else { return Ok(true) };
        let stdin = command["stdin"].as_str();
        let input = if stdin.is_some() { Stdio::piped() } else { Stdio::inherit() };
        let kube = &self.look.kube;
        let mut process = Command::new(program);
        if let Some(file) = &kube.kubeconfig {
            process.env("KUBECONFIG", file);
        }
        if *program == "kubectl" {
            let verb = args.iter().position(|a| !a.starts_with("--")).unwrap_or(args.len());
            args = args.split_at(verb).1;
            process.args(to.flags());
            process.args(kube.impersonate.as_ref().map(|v| format!("--as={v}")));
            process.args(kube.groups.iter().map(|g| format!("--as-group={g}")));
        }
        process.args(args).stdin(input);
        let mut child = process.spawn().map_err(|e| format!("{program} cannot be started: {e}"))?;
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
            pipe.write_all(text.as_bytes()).map_err(|e| format!("{program}: {e}"))?;
        }
        Ok(child.wait().map_err(|e| format!("{program}: {e}"))?.success())
    }
}

fn commands(f: &Value) -> impl Iterator<Item = &Value> {
    f["fix"]["commands"].as_array().into_iter().flatten()
}

fn argv(command: &Value) -> Vec<&str> {
    command["argv"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A report is a file that anybody may have written: it may not start anything but these two.
fn ours(command: &Value) -> Result<(), String> {
    match argv(command).first() {
        None | Some(&"kubectl" | &"tortie") => Ok(()),
        Some(program) => Err(format!(
            "{program} is not run, only kubectl and tortie are (hint: read it and run it yourself)"
        )),
    }
}

/// Cluster uid and findings of a report.
fn report_of(path: &Path) -> Result<(String, Vec<Value>), String> {
    let hint = "(hint: write one with tortie doctor -o json)";
    let bytes = RealFs.read(path).map_err(|e| format!("{}: {e} {hint}", path.display()))?;
    let report: Value =
        serde_json::from_slice(&bytes).map_err(|e| format!("{}: {e} {hint}", path.display()))?;
    if report["schema"] != "tortie.doctor/v1" {
        return Err(format!("{}: not a report of schema tortie.doctor/v1 {hint}", path.display()));
    }
    let uid = report["cluster"]["uid"].as_str().unwrap_or_default().to_owned();
    Ok((uid, report["findings"].as_array().cloned().unwrap_or_default()))
}

#[allow(clippy::print_stdout)]
fn print(f: &Value) {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    println!("{} {}", text(&f["id"]), text(&f["title"]));
    let fix = &f["fix"];
    match fix["kind"].as_str() {
        Some("command") => {
            for c in fix["commands"].as_array().into_iter().flatten() {
                // At the margin: a here-document is pasted as it stands.
                println!("{}", text(&c["shell"]));
            }
        }
        Some("edit") => {
            println!("edit {} at {}: {}", text(&fix["object"]), text(&fix["path"]), fix["value"]);
            if !text(&fix["note"]).is_empty() {
                println!("{}", text(&fix["note"]));
            }
        }
        Some("outside") => println!("{}", text(&fix["text"])),
        _ => println!("no way to mend it is known"),
    }
    if !text(&f["warning"]).is_empty() {
        println!("note: {}", text(&f["warning"]));
    }
}
