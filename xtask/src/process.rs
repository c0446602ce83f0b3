//! Processes of a bench: pinned to a core, measured through `/proc`, ended by their id.

use anyhow::{Context, Result, ensure};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A child that is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts `program` on core `core`, its output going to `dir/NAME.log`.
    pub(crate) fn start(
        dir: &Path,
        name: &str,
        core: &str,
        program: &Path,
        args: &[String],
        env: &[(String, String)],
    ) -> Result<Process> {
        let log = File::create(dir.join(format!("{name}.log")))?;
        let child = Command::new("taskset")
            .args(["-c", core])
            .arg(program)
            .args(args)
            .envs(env.iter().map(|(k, v)| (k, v)))
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Process { child })
    }

    /// Its process id (`taskset` replaces itself by the program).
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it and waits.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system CPU seconds of a process so far.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let rest = stat.rsplit_once(')').context("unexpected /proc/PID/stat")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: f64 =
        fields.get(11).context("utime")?.parse::<f64>()? + fields.get(12).context("stime")?.parse::<f64>()?;
    // The kernel reports in hundredths of a second on every Linux that Go or Rust runs on.
    Ok(ticks / 100.0)
}

/// Anonymous resident bytes of a process.
pub(crate) fn memory(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).context("no RssAnon")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The body of a GET on loopback.
pub(crate) fn get(port: u16, path: &str) -> Result<String> {
    let mut s = TcpStream::connect(("127.0.0.1", port))?;
    s.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(s, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut text = String::new();
    s.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").context("no end of the headers")?;
    ensure!(head.contains(" 200 "), "{head}\n{body}");
    Ok(body.to_owned())
}
