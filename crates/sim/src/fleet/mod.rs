//! A running fleet: simulated processes behind real sockets.
//!
//! Up to [`OWN_STATE`] nodes each Felix has a state of its own. Larger fleets share the bodies of a few
//! representative Felixes for each dataplane: each node answers as its representative did some seconds ago, so that
//! nodes differ, counters only grow, and a scrape costs no rendering.

mod engine;
mod options;
mod shared;
mod target;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::address::Bind;
use crate::clock::SimClock;
use crate::error::SimError;
use crate::fault::Fault;
use crate::http::{Answer, Listener, Reply, Request};
use crate::inventory::Component;
use engine::Engine;

pub use options::FleetOptions;
pub use target::SimTarget;

/// Most nodes of a fleet in which each has a state of its own.
pub const OWN_STATE: usize = 50;

/// A slow target answers after this many milliseconds.
const SLOW_MS: u64 = 30_000;

/// A running fleet. Dropping it closes all its sockets.
pub struct Fleet {
    shared: Arc<Shared>,
    targets: Vec<SimTarget>,
    bind: Bind,
    /// One for each target; `None` while a fault keeps it closed.
    listeners: Mutex<Vec<Option<Listener>>>,
    stop: CancellationToken,
}

/// What all listeners look at.
struct Shared {
    clock: SimClock,
    engine: Engine,
    faults: std::sync::RwLock<Vec<Fault>>,
    /// Targets that do not listen, by their number.
    silent: std::sync::RwLock<BTreeSet<usize>>,
    components: Vec<Component>,
    /// Target of the Felix that faults pick, of the first Typha, and of the Felix beside it.
    picked: Picked,
}

#[derive(Debug, Clone, Copy)]
struct Picked {
    felix: Option<usize>,
    typha: Option<usize>,
    beside_typha: Option<usize>,
}

impl Fleet {
    /// Starts all targets. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the options make no fleet, or a target gets no address.
    pub async fn start(options: FleetOptions) -> Result<Fleet, SimError> {
        options.check()?;
        let mut targets = target::all(&options);
        let components: Vec<Component> = targets.iter().map(|t| t.component).collect();
        let clock = SimClock::new(options.clock.clone());
        let engine = Engine::new(&options, &targets);
        let find = |component, node: Option<&str>| {
            targets.iter().position(|t| t.component == component && node.is_none_or(|n| n == t.node))
        };
        let typha = find(Component::Typha, None);
        let beside = typha.and_then(|i| targets.get(i)).map(|t| t.node.clone());
        let picked = Picked {
            felix: (options.nodes > 0).then_some(options.nodes / 2),
            typha,
            beside_typha: beside.and_then(|node| find(Component::Felix, Some(&node))),
        };
        let faults = std::sync::RwLock::new(Vec::new());
        let silent = std::sync::RwLock::default();
        let shared = Arc::new(Shared { clock, engine, faults, silent, components, picked });
        let answer: Arc<dyn Answer> = shared.clone();
        let mut listeners = Vec::with_capacity(targets.len());
        for (i, target) in targets.iter_mut().enumerate() {
            let listener = options
                .bind
                .open(target.address, i, &answer)
                .map_err(|source| SimError::Listen { target: target.pod.clone(), source })?;
            target.address = listener.addr();
            listeners.push(Some(listener));
        }
        let stop = CancellationToken::new();
        if options.nodes > OWN_STATE {
            tokio::spawn(render_ahead(shared.clone(), stop.clone()));
        }
        Ok(Fleet { shared, targets, bind: options.bind, listeners: Mutex::new(listeners), stop })
    }

    /// All targets: Felixes by node, then Typhas, then kube-controllers.
    pub fn targets(&self) -> &[SimTarget] {
        &self.targets
    }

    /// The fleet's clock.
    pub fn clock(&self) -> &SimClock {
        &self.shared.clock
    }

    /// Stops the fleet's clock at `ms` since the Unix epoch, for history faster than time. The fleet only goes
    /// forward: an earlier time than was seen shows the latest state.
    pub fn set_time(&self, ms: i64) {
        self.shared.clock.set(ms);
        self.shared.engine.advance(ms.div_euclid(1000));
    }

    /// Lets the fleet follow the clock of its options again.
    pub fn follow_clock(&self) {
        self.shared.clock.follow();
    }

    /// The faults that are in force.
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.faults().clone()
    }

    /// Puts a fault in. One that is already there changes nothing.
    ///
    /// # Errors
    /// When an address that should be open again cannot be had.
    pub async fn inject(&self, fault: Fault) -> Result<(), SimError> {
        if !self.shared.faults().contains(&fault) {
            self.shared.faults_mut().push(fault);
        }
        self.settle().await
    }

    /// Takes a fault away. A process that was gone starts anew, with all its counters at zero.
    ///
    /// # Errors
    /// When an address that should be open again cannot be had.
    pub async fn heal(&self, fault: Fault) -> Result<(), SimError> {
        self.shared.faults_mut().retain(|f| *f != fault);
        self.settle().await
    }

    /// Lets exactly these targets (by their number in [`Fleet::targets`]) stop listening, as processes whose metrics are
    /// switched off. One that listens again starts anew, with all its counters at zero.
    ///
    /// # Errors
    /// When an address that should be open again cannot be had.
    pub async fn silence(&self, targets: BTreeSet<usize>) -> Result<(), SimError> {
        *self.shared.silent.write().unwrap_or_else(std::sync::PoisonError::into_inner) = targets;
        self.settle().await
    }

    /// Opens and closes listeners as the faults want them.
    async fn settle(&self) -> Result<(), SimError> {
        let mut listeners = self.listeners.lock().await;
        let answer: Arc<dyn Answer> = self.shared.clone();
        for (i, (slot, target)) in listeners.iter_mut().zip(&self.targets).enumerate() {
            let closed = self.shared.closed(i);
            match slot.take() {
                Some(listener) if closed => listener.close().await,
                Some(listener) => *slot = Some(listener),
                None if closed => {}
                None => {
                    let listener = Listener::open(target.address, i, answer.clone())
                        .map_err(|source| SimError::Listen { target: target.pod.clone(), source })?;
                    self.shared.engine.restart(i);
                    *slot = Some(listener);
                }
            }
        }
        Ok(())
    }

    /// The targets as a file for Prometheus' `file_sd_configs`, with the labels of [`SimTarget::labels`].
    pub fn file_sd(&self) -> String {
        crate::file_sd::document(self.targets.iter().map(|t| {
            crate::file_sd::group(
                &t.address.to_string(),
                t.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())),
            )
        }))
    }

    /// How the targets got their addresses.
    pub fn bind(&self) -> Bind {
        self.bind
    }

    /// Bytes held for bodies, as far as the fleet shares them.
    pub fn body_bytes(&self) -> usize {
        self.shared.engine.body_bytes()
    }

    /// Closes all sockets and waits until they are closed.
    pub async fn stop(self) {
        self.stop.cancel();
        for listener in self.listeners.lock().await.iter_mut().filter_map(Option::take) {
            listener.close().await;
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Keeps the shared bodies of the present second ready, so that no scrape waits for them.
async fn render_ahead(shared: Arc<Shared>, stop: CancellationToken) {
    let mut every = tokio::time::interval(std::time::Duration::from_millis(100));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        if shared.clock.follows() {
            shared.engine.advance(shared.now_s());
        }
    }
}

impl Shared {
    fn now_s(&self) -> i64 {
        use tortie_host::Clock;
        self.clock.now_ms().div_euclid(1000)
    }

    fn faults(&self) -> std::sync::RwLockReadGuard<'_, Vec<Fault>> {
        self.faults.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn faults_mut(&self) -> std::sync::RwLockWriteGuard<'_, Vec<Fault>> {
        self.faults.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether a fault keeps target `i` from listening.
    fn closed(&self, i: usize) -> bool {
        let silent = self.silent.read().unwrap_or_else(std::sync::PoisonError::into_inner).contains(&i);
        let typha = self.components.get(i) == Some(&Component::Typha);
        silent
            || self.faults().iter().any(|fault| match fault {
                Fault::FelixDown => self.picked.felix == Some(i),
                Fault::TyphaMetricsOff => typha,
                Fault::TyphaOnFelixPort => self.picked.typha == Some(i),
                _ => false,
            })
    }

    /// The reply of target `i` as if nothing were wrong.
    fn healthy(&self, i: usize, gzip: bool) -> Reply {
        match self.engine.body(i, self.now_s(), gzip) {
            Some(parts) => Reply { parts, gzip, ..Reply::default() },
            // The process is being replaced: the connection ends without an answer.
            None => Reply { hang_up: true, ..Reply::default() },
        }
    }

    fn felix_with(&self, faults: &[Fault], i: usize, gzip: bool) -> Reply {
        if faults.contains(&Fault::FelixHalfBody) {
            let mut reply = self.healthy(i, gzip);
            reply.cut_after = Some(reply.len() / 2);
            return reply;
        }
        if faults.contains(&Fault::FelixGarbage) {
            let body = self.healthy(i, false).parts.concat();
            return Reply::body(Bytes::from(garbage(&body)), false);
        }
        self.healthy(i, gzip)
    }
}

impl Answer for Shared {
    fn metrics(&self, target: usize, request: &Request) -> Reply {
        let faults = self.faults().clone();
        if faults.is_empty() {
            return self.healthy(target, request.gzip);
        }
        if faults.contains(&Fault::TyphaOnFelixPort)
            && self.picked.beside_typha == Some(target)
            && let Some(typha) = self.picked.typha
        {
            return self.healthy(typha, request.gzip);
        }
        if self.picked.felix == Some(target) {
            return self.felix_with(&faults, target, request.gzip);
        }
        let mut reply = self.healthy(target, request.gzip);
        let slow = self.components.get(target) == Some(&Component::KubeControllers);
        if slow && faults.contains(&Fault::KubeControllersSlow) {
            reply.delay_ms = SLOW_MS;
        }
        reply
    }
}

/// `body` with one line in its middle that is no sample.
fn garbage(body: &[u8]) -> Vec<u8> {
    let middle =
        body.iter().skip(body.len() / 2).position(|b| *b == b'\n').map_or(0, |i| body.len() / 2 + i + 1);
    let (front, back) = body.split_at(middle.min(body.len()));
    [front, b"felix_active_local_endpoints{ thirteen\n", back].concat()
}

/// Runs a fleet until `stop` resolves; `ready` is called once with it. Prints nothing.
///
/// # Errors
/// As [`Fleet::start`], and what `ready` returns.
pub async fn serve(
    options: FleetOptions,
    ready: impl FnOnce(&Fleet) -> io::Result<()>,
    stop: impl Future<Output = ()>,
) -> Result<(), SimError> {
    let fleet = Fleet::start(options).await?;
    ready(&fleet).map_err(|e| SimError::Options(format!("not started: {e}")))?;
    stop.await;
    fleet.stop().await;
    Ok(())
}

/// An address of port 0 on 127.0.0.1 means any free port.
pub(crate) fn wanted(ip: std::net::Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::from((ip, port))
}
