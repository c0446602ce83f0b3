//! Recorded scrapes served again: body k is the answer to the k-th scrape of a port.
//!
//! The folder holds files `NAME.KK.prom`; each NAME becomes a target (or `copies` of them), which answers exactly the
//! recorded bytes, or the same with an explicit timestamp on each sample, so that two servers that scrape it store the
//! same samples whenever they come.

mod recording;
mod stamp;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tortie_host::Fs;

use crate::address::{Bind, address};
use crate::error::SimError;
use crate::http::{Answer, Listener, Reply, Request};
use recording::Recording;

/// How recorded scrapes are served.
#[derive(Debug, Clone)]
pub struct ReplayOptions {
    /// Write an explicit timestamp behind each sample: `start_ms` plus k times `interval_ms`.
    pub timestamps: bool,
    /// Time of the first body in milliseconds since the Unix epoch; only with `timestamps`.
    pub start_ms: i64,
    /// Distance of two bodies in milliseconds; only with `timestamps`.
    pub interval_ms: i64,
    /// Targets for each NAME, all with the same bodies and each with its own count.
    pub copies: usize,
    /// After the last body go on with the first. Without it the last body stays, with the header `X-Replay-Done: 1`.
    /// Going on means that all counters go back, as when a process starts anew.
    pub cycle: bool,
    /// Only the recording of this NAME.
    pub only: Option<String>,
    /// Where the targets listen.
    pub bind: Bind,
}

impl Default for ReplayOptions {
    fn default() -> ReplayOptions {
        ReplayOptions {
            timestamps: false,
            start_ms: 0,
            interval_ms: 5000,
            copies: 1,
            cycle: false,
            only: None,
            bind: Bind::AnyPort,
        }
    }
}

/// A replayed target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayTarget {
    /// NAME of its files.
    pub name: String,
    /// Which of the copies, from 0.
    pub copy: usize,
    /// Where it answers `GET /metrics`.
    pub address: SocketAddr,
}

/// A running replay. Dropping it closes all its ports.
pub struct Replay {
    served: Arc<Served>,
    targets: Vec<ReplayTarget>,
    listeners: Vec<Listener>,
}

/// First second octet of replayed addresses, apart from those of the fleet.
const NET: u8 = 40;

impl Replay {
    /// Reads `dir` and listens. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the folder cannot be read or holds no scrapes, or no address can be had.
    pub async fn start(fs: &dyn Fs, dir: &Path, options: ReplayOptions) -> Result<Replay, SimError> {
        let mut recordings = Recording::read_all(fs, dir)?;
        if let Some(only) = &options.only {
            recordings.retain(|r| r.name == *only);
            if recordings.is_empty() {
                return Err(SimError::Options(format!("{}: holds no scrapes of {only}", dir.display())));
            }
        }
        let copies = options.copies.max(1);
        let bind = options.bind;
        let count = recordings.len() * copies;
        let served = Arc::new(Served {
            recordings,
            copies,
            options,
            scrapes: (0..count).map(|_| AtomicU64::new(0)).collect(),
        });
        let answer: Arc<dyn Answer> = served.clone();
        let (mut targets, mut listeners) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for i in 0..count {
            let Some(recording) = served.recordings.get(i / copies) else { continue };
            let wanted = SocketAddr::from((address(NET, i), usual_port(&recording.name)));
            let listener = bind
                .open(wanted, i, &answer)
                .map_err(|source| SimError::Listen { target: recording.name.clone(), source })?;
            targets.push(ReplayTarget {
                name: recording.name.clone(),
                copy: i % copies,
                address: listener.addr(),
            });
            listeners.push(listener);
        }
        Ok(Replay { served, targets, listeners })
    }

    /// All targets, by name, then copy.
    pub fn targets(&self) -> &[ReplayTarget] {
        &self.targets
    }

    /// How many scrapes target `i` of [`Replay::targets`] has answered.
    pub fn scrapes(&self, i: usize) -> u64 {
        self.served.scrapes.get(i).map_or(0, |n| n.load(Ordering::Relaxed))
    }

    /// Whether each target has given its last body at least once; never with `cycle`.
    pub fn done(&self) -> bool {
        !self.served.options.cycle
            && (0..self.targets.len())
                .all(|i| self.served.recording(i).is_none_or(|r| self.scrapes(i) >= r.len() as u64))
    }

    /// The targets as a file for Prometheus' `file_sd_configs`, one group each with the labels `job` (NAME) and `copy`.
    pub fn file_sd(&self) -> String {
        let groups = self.targets.iter().map(|t| {
            let labels = [("copy", t.copy.to_string()), ("job", t.name.clone())];
            crate::file_sd::group(&t.address.to_string(), labels.iter().map(|(k, v)| (*k, v.as_str())))
        });
        crate::file_sd::document(groups)
    }

    /// Closes all ports.
    pub fn stop(mut self) {
        self.listeners.clear();
    }
}

fn usual_port(name: &str) -> u16 {
    match name {
        "felix" => 9091,
        "typha" => 9093,
        "kube-controllers" => 9094,
        _ => 9100,
    }
}

struct Served {
    recordings: Vec<Recording>,
    copies: usize,
    options: ReplayOptions,
    scrapes: Vec<AtomicU64>,
}

impl Served {
    fn recording(&self, target: usize) -> Option<&Recording> {
        self.recordings.get(target / self.copies)
    }
}

impl Answer for Served {
    fn metrics(&self, target: usize, request: &Request) -> Reply {
        let (Some(recording), Some(count)) = (self.recording(target), self.scrapes.get(target)) else {
            return Reply::not_found();
        };
        let k = count.fetch_add(1, Ordering::Relaxed);
        let last = (recording.len() as u64).saturating_sub(1);
        let over = !self.options.cycle && k > last;
        let k = if over { last } else { k };
        let body = if self.options.timestamps {
            let ms = self.options.interval_ms.saturating_mul(i64::try_from(k).unwrap_or(i64::MAX));
            recording.stamped(k, self.options.start_ms.saturating_add(ms))
        } else {
            recording.plain(k)
        };
        let mut reply = Reply::body(body.for_client(request.gzip), request.gzip);
        if over {
            reply.headers = "X-Replay-Done: 1\r\n";
        }
        reply
    }
}

/// Serves `dir` until `stop` resolves; `ready` is called once with the running replay. Prints nothing.
///
/// # Errors
/// As [`Replay::start`], and what `ready` returns.
pub async fn serve(
    fs: &dyn Fs,
    dir: &Path,
    options: ReplayOptions,
    ready: impl FnOnce(&Replay) -> io::Result<()>,
    stop: impl Future<Output = ()>,
) -> Result<(), SimError> {
    let replay = Replay::start(fs, dir, options).await?;
    ready(&replay).map_err(|source| SimError::Read { path: dir.to_path_buf(), source })?;
    stop.await;
    replay.stop();
    Ok(())
}
