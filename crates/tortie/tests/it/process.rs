//! Starting the program in a folder of its own and ending it by its id.

use crate::http;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(40);

/// Asks until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(t) = ask() {
            return t;
        }
        assert!(start.elapsed() < SOON, "not within {SOON:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// As [`until`], for a condition.
pub(crate) fn until_true(what: &str, mut ask: impl FnMut() -> bool) {
    until(what, || ask().then_some(()));
}

/// A folder that is removed when it is dropped.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A process; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    dir: PathBuf,
    /// Addresses that it listens on.
    pub(crate) addresses: Vec<SocketAddr>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl Running {
    /// Starts `tortie ARGS` in `dir`.
    pub(crate) fn start(dir: &Path, args: &[&str]) -> Running {
        // A write beyond the limit on file sizes is an error then, and not the end of the process.
        let child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_tortie")])
            .args(args)
            .current_dir(dir)
            .env("TMPDIR", dir)
            .stdin(Stdio::null())
            .stdout(File::create(dir.join("out.log")).unwrap())
            .stderr(File::create(dir.join("err.log")).unwrap())
            .spawn()
            .unwrap();
        Running { child, dir: dir.to_owned(), addresses: Vec::new() }
    }

    /// Waits until it listens on `listeners` addresses and is ready below `prefix`.
    pub(crate) fn ready(mut self, listeners: usize, prefix: &str) -> Running {
        until("listening", || {
            let exited = self.child.try_wait().unwrap();
            assert!(exited.is_none(), "ended: {}", self.err());
            self.addresses = listening(&self.err());
            (self.addresses.len() == listeners).then_some(())
        });
        until_true("ready", || {
            http::send(self.address(), "GET", &format!("{prefix}/-/ready"), &[], b"")
                .is_some_and(|a| a.status == 200)
        });
        self
    }

    /// The first address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// What it has written on standard error, its log.
    pub(crate) fn err(&self) -> String {
        std::fs::read_to_string(self.dir.join("err.log")).unwrap()
    }

    /// What it has written on standard output.
    pub(crate) fn out(&self) -> String {
        std::fs::read_to_string(self.dir.join("out.log")).unwrap()
    }

    /// Sends a signal by its name (`TERM`).
    pub(crate) fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> Ended {
        let start = Instant::now();
        let status = until("the end of the process", || self.child.try_wait().unwrap());
        Ended { code: status.code(), out: self.out(), err: self.err(), took: start.elapsed() }
    }

    /// Ends it with a signal and waits.
    pub(crate) fn end(self, signal: &str) -> Ended {
        self.signal(signal);
        self.ended()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `tortie ARGS` in `dir` to its end.
pub(crate) fn tortie(dir: &Path, args: &[&str]) -> Ended {
    Running::start(dir, args).ended()
}

/// Starts `tortie run` on a free port with this configuration and waits until it is ready.
pub(crate) fn serve(dir: &Path, config: &str, more: &[&str]) -> Running {
    serve_at(dir, config, &["127.0.0.1:0"], "", more)
}

/// Starts `tortie run` on these addresses; its routes are below `prefix`.
pub(crate) fn serve_at(dir: &Path, config: &str, listen: &[&str], prefix: &str, more: &[&str]) -> Running {
    std::fs::write(dir.join("prometheus.yml"), config).unwrap();
    let listen: Vec<String> = listen.iter().map(|a| format!("--web.listen-address={a}")).collect();
    let mut args = vec!["run", "--storage.tsdb.path=data"];
    args.extend(listen.iter().map(String::as_str));
    args.extend(more);
    Running::start(dir, &args).ready(listen.len(), prefix)
}

/// The addresses in the lines `msg="Listening on" ... address=HOST:PORT`.
fn listening(log: &str) -> Vec<SocketAddr> {
    let lines = log.lines().filter(|l| l.contains("Listening on"));
    lines
        .filter_map(|l| l.split("address=").nth(1)?.split_whitespace().next()?.trim_matches('"').parse().ok())
        .collect()
}
