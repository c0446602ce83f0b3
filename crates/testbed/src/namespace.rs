//! A network namespace: its own loopback device, on which all of 10.99.0.0/16 answers.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::process::hold;

/// Sets a new namespace up and keeps it until standard input is closed.
const HOLDER: &str = "ip link set lo up && ip route add local 10.99.0.0/16 dev lo && echo ready && exec cat";

/// A network namespace. It goes when this value and all processes in it are gone, also after a kill: it has no name
/// and leaves nothing behind.
#[derive(Debug)]
pub struct Namespace {
    holder: Child,
    file: File,
}

impl Namespace {
    /// Makes a namespace.
    ///
    /// # Errors
    /// Without root, or without `unshare` and `ip`.
    pub fn make() -> anyhow::Result<Namespace> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", HOLDER]);
        let mut holder = hold(command).context(
            "cannot make a network namespace (hint: run as root; packages util-linux and iproute2)",
        )?;
        let mut line = String::new();
        let out = holder.stdout.take().context("the namespace's holder has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        if line.trim() != "ready" {
            let mut why = String::new();
            if let Some(mut err) = holder.stderr.take() {
                err.read_to_string(&mut why)?;
            }
            holder.wait()?;
            bail!("cannot make a network namespace: {} (hint: run as root; package iproute2)", why.trim());
        }
        let file = File::open(format!("/proc/{}/ns/net", holder.id()))?;
        Ok(Namespace { holder, file })
    }

    /// The file that stands for it, as `nsenter --net=` takes it.
    pub fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    /// A command that runs `program` inside, and that the kernel ends together with the thread that starts it.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path()));
        command.args(["--", "setpriv", "--pdeathsig", "KILL", "--"]).arg(program);
        command
    }

    /// Runs `f` on a thread inside. Sockets that it opens stay inside wherever they are used later.
    ///
    /// # Errors
    /// When the namespace cannot be entered, and what `f` answers.
    pub fn enter<T: Send>(&self, f: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))
                    .context("cannot enter the network namespace")?;
                f()
            });
            inside.join().unwrap_or_else(|p| std::panic::resume_unwind(p))
        })
    }

    /// Moves the calling thread inside, for good: for a runtime's `on_thread_start`.
    ///
    /// # Errors
    /// As the kernel says.
    pub fn enter_for_good(&self) -> anyhow::Result<()> {
        move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))
            .context("cannot enter the network namespace")
    }

    /// Connects to an address inside.
    ///
    /// # Errors
    /// As the kernel says.
    pub fn connect(&self, to: SocketAddr) -> anyhow::Result<TcpStream> {
        self.enter(|| {
            TcpStream::connect_timeout(&to, Duration::from_secs(5)).with_context(|| format!("{to}"))
        })
    }

    /// Listens on an address inside.
    ///
    /// # Errors
    /// As the kernel says.
    pub fn listen(&self, at: SocketAddr) -> anyhow::Result<TcpListener> {
        self.enter(|| TcpListener::bind(at).with_context(|| format!("{at}")))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // It holds nothing but the namespace.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
