//! Starting the two servers and the replay, each in a folder of its own, and ending them by their id.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for anything that should happen soon.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Longest wait for a server to read its data.
const READY: Duration = Duration::from_secs(300);

/// A child process; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    /// Port of its HTTP server, 0 for none.
    pub(crate) port: u16,
    log: PathBuf,
}

impl Running {
    /// Everything it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it with SIGTERM and waits.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        // SAFETY-free way to send a signal by id.
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "did not end within 10 s of SIGTERM:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that is removed when it is dropped.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn fixtures() -> PathBuf {
    PathBuf::from(
        std::env::var_os("TORTIE_FIXTURES")
            .expect("TORTIE_FIXTURES names the folder of recordings (make peers-test sets it)"),
    )
}

pub(crate) fn peer(name: &str) -> PathBuf {
    let dir = std::env::var_os("TORTIE_PEERS_BIN")
        .expect("TORTIE_PEERS_BIN names the folder of the real peers (make peers-test sets it)");
    let path = PathBuf::from(dir).join(name);
    assert!(path.exists(), "{} is not built (hint: make peers)", path.display());
    path
}

/// The program under test; a campaign measures another build of it.
pub(crate) fn tortie() -> PathBuf {
    PathBuf::from(std::env::var("TORTIE_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_tortie").to_owned()))
}

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Prometheus,
    Tortie,
}

/// Starts a server on a free port with its data in `dir/data`; waits until it is ready.
pub(crate) fn serve(server: Server, dir: &Path, config: &str, more: &[&str]) -> Running {
    serve_by(&[], server, dir, config, more)
}

/// [`serve`] with the program started by another one, which becomes it.
pub(crate) fn serve_by(by: &[&str], server: Server, dir: &Path, config: &str, more: &[&str]) -> Running {
    std::fs::write(dir.join("prometheus.yml"), config).unwrap();
    let (program, first): (PathBuf, &[&str]) = match server {
        Server::Prometheus => (peer("prometheus"), &[]),
        Server::Tortie => (tortie(), &["run"]),
    };
    let log = dir.join(format!("{server:?}.log"));
    let file = File::create(&log).unwrap();
    let mut words = by.iter().map(std::ffi::OsString::from).chain([program.into_os_string()]);
    let child = Command::new(words.next().unwrap())
        .args(words)
        .args(first)
        .args([
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--web.listen-address=127.0.0.1:0",
        ])
        .args(more)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let mut running = Running { child, port: 0, log };
    let start = Instant::now();
    while running.port == 0 {
        let exited = running.child.try_wait().unwrap();
        assert!(exited.is_none(), "{server:?} ended: {}", running.log());
        assert!(start.elapsed() < SOON, "{server:?} names no port:\n{}", running.log());
        running.port = port_of(&running.log()).unwrap_or(0);
        std::thread::sleep(Duration::from_millis(20));
    }
    while crate::ask::get(running.port, "/-/ready").is_none_or(|r| r.status != 200) {
        assert!(start.elapsed() < READY, "{server:?} is not ready:\n{}", running.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    running
}

/// The port in the line that both servers log: `msg="Listening on" ... address=127.0.0.1:PORT`.
fn port_of(log: &str) -> Option<u16> {
    let line = log.lines().find(|l| l.contains("Listening on"))?;
    let rest = line.split("address=").nth(1)?;
    rest.split_whitespace().next()?.rsplit(':').next()?.parse().ok()
}

/// Starts `tortie sim replay`; answers with the process and the addresses with their recording's name.
pub(crate) fn replay(dir: &Path, recording: &Path, more: &[&str]) -> (Running, Vec<(String, String)>) {
    let log = dir.join("replay.log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_tortie"))
        .args(["sim", "replay"])
        .arg(recording)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let names =
        3 * more.iter().find_map(|a| a.strip_prefix("--copies=")).map_or(1, |n| n.parse::<usize>().unwrap());
    let targets = BufReader::new(out)
        .lines()
        .take(names)
        .map(|l| {
            let l = l.unwrap();
            let (address, name) = l.split_once(' ').unwrap();
            (name.to_owned(), address.to_owned())
        })
        .collect();
    (Running { child, port: 0, log }, targets)
}
