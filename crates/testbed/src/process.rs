//! Processes that end with their owner: by id on drop, and by the kernel when the test itself is killed.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::until;

/// The path of the peer's binary `name`, in the folder that `TORTIE_PEERS_BIN` names.
///
/// # Errors
/// When the variable or the file is missing.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    let folder = std::env::var_os("TORTIE_PEERS_BIN").context(
        "TORTIE_PEERS_BIN is not set: it names the folder of the peers' binaries (hint: make peers-test)",
    )?;
    let path = Path::new(&folder).join(name);
    if !path.is_file() {
        bail!("{}: the peer's binary is not there (hint: make peers)", path.display());
    }
    Ok(path)
}

/// A running process with its log.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; both its outputs go to `log`.
    ///
    /// The command should have been made by [`crate::Namespace::command`], which asks the kernel to end it together
    /// with the thread that starts it: that thread lives as long as this process.
    ///
    /// # Errors
    /// When the program or the log cannot be opened.
    pub fn start(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Process> {
        let out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("{name}: cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let child = spawn(command).with_context(|| format!("{name}: cannot be started"))?;
        Ok(Process { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    /// The last lines of its log.
    pub fn tail(&self, lines: usize) -> String {
        let log = self.log();
        let all: Vec<&str> = log.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }

    /// That it still runs.
    ///
    /// # Errors
    /// When it has ended: its status and the end of its log.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}:\n{}", self.name, self.tail(15)),
        }
    }

    /// Sends SIGHUP.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn hang_up(&self) -> anyhow::Result<()> {
        Ok(kill_process(pid(&self.child)?, Signal::HUP)?)
    }

    /// Stops it in the middle of what it does, or lets it go on.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn freeze(&self, frozen: bool) -> anyhow::Result<()> {
        Ok(kill_process(pid(&self.child)?, if frozen { Signal::STOP } else { Signal::CONT })?)
    }

    /// Ends it at once, as the kernel does when memory is short.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn kill(&self) -> anyhow::Result<()> {
        Ok(kill_process(pid(&self.child)?, Signal::KILL)?)
    }

    /// Asks it to end, and ends it if it does not within `bound`.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn stop(mut self, bound: Duration) -> anyhow::Result<()> {
        kill_process(pid(&self.child)?, Signal::TERM)?;
        let gone = until(&self.name.clone(), bound, || Ok(self.child.try_wait()?));
        if gone.is_err() {
            self.child.kill()?;
            self.child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended by itself has been waited for, or is waited for here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pid(child: &Child) -> anyhow::Result<Pid> {
    Pid::from_raw(i32::try_from(child.id())?).context("a process has id 0")
}

type Order = (Command, Sender<std::io::Result<Child>>);

/// Spawns on a thread that never ends: the kernel ends such a child when the *thread* that made it ends.
fn spawn(command: Command) -> anyhow::Result<Child> {
    static SPAWNER: OnceLock<std::sync::Mutex<Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (send, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        std::sync::Mutex::new(send)
    });
    let (send, answer) = channel();
    spawner
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .send((command, send))
        .context("the thread that starts processes is gone")?;
    Ok(answer.recv()??)
}

/// A child that lives while its standard input is open, started on the thread that never ends.
pub(crate) fn hold(mut command: Command) -> anyhow::Result<Child> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    spawn(command)
}
