//! A way to the API server on which things go wrong as a test says: answers that refuse, come late or not at all, watches
//! whose lines are lost, doubled or cut in the middle.
//!
//! It speaks plain HTTP to whoever asks, one request a connection, and asks the API server through the bed's `kubectl
//! proxy`, which passes the asker's own token on: the audit log shows who asked.

mod request;
mod stream;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::bed::Bed;
use crate::namespace::Namespace;
use request::Request;

/// One request that came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path with its parameters.
    pub path: String,
    /// When.
    pub at: Instant,
    /// How many came before it.
    pub number: usize,
}

impl Asked {
    /// Whether it is a watch.
    pub fn is_watch(&self) -> bool {
        self.path.contains("watch=true")
    }

    /// Whether it is a page of a list other than the first.
    pub fn is_next_page(&self) -> bool {
        self.path.contains("continue=")
    }

    /// The last word of its path: plural name of the kind for a list and a watch.
    pub fn resource(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }
}

/// What becomes of a request.
#[derive(Clone)]
pub enum Act {
    /// The API server answers.
    Pass,
    /// The API server answers to another path.
    Instead(String),
    /// It is refused.
    Refuse {
        /// HTTP status.
        status: u16,
        /// `Retry-After` in seconds.
        retry_after: Option<u32>,
        /// What the Status object says.
        message: String,
    },
    /// It is answered with 200 and this text, and the connection is closed.
    Say(String),
    /// The connection is closed.
    HangUp,
    /// Nothing until the rule changes; then the API server answers.
    Held,
    /// The API server answers after this time.
    Late(Duration),
    /// The API server answers, and its `Date` is this.
    Dated(String),
    /// The API server answers, and each line is treated.
    Lines(Treat),
}

/// What becomes of a line.
#[derive(Debug, Clone)]
pub enum Piece {
    /// This line, without its end.
    Line(String),
    /// This text, and then the connection is closed.
    Last(String),
}

/// Says what becomes of a line of a watch.
pub type Treat = Arc<dyn Fn(&str) -> Vec<Piece> + Send + Sync>;

/// Says what becomes of a request.
pub type Rule = Arc<dyn Fn(&Asked) -> Act + Send + Sync>;

/// The way. It ends with the process of the test.
#[derive(Clone)]
pub struct FaultyProxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

pub(crate) struct Shared {
    namespace: Arc<Namespace>,
    upstream: SocketAddr,
    rule: Mutex<(u64, Option<Rule>)>,
    changed: Condvar,
    /// Both ends of the connections that may still be open.
    open: Mutex<Vec<(u64, TcpStream)>>,
    /// Connections before this number say nothing any more.
    frozen: AtomicU64,
    asked: Mutex<Vec<Asked>>,
    next: AtomicU64,
}

impl FaultyProxy {
    /// Listens at an address inside the bed's namespace; all is well until a rule is set.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn open(bed: &Bed, at: &str) -> anyhow::Result<FaultyProxy> {
        let address: SocketAddr = at.parse()?;
        let listener = bed.namespace().listen(address).context("a way to the API server")?;
        let shared = Arc::new(Shared {
            namespace: bed.namespace().clone(),
            upstream: bed.api().proxy(),
            rule: Mutex::new((0, None)),
            changed: Condvar::new(),
            open: Mutex::default(),
            frozen: AtomicU64::new(0),
            asked: Mutex::default(),
            next: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept(&accepting, &listener));
        Ok(FaultyProxy { shared, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets what becomes of requests from now on; none lets all pass. Those that were held go on.
    pub fn set(&self, rule: Option<Rule>) {
        let mut kept = lock(&self.shared.rule);
        *kept = (kept.0 + 1, rule);
        drop(kept);
        self.shared.changed.notify_all();
    }

    /// Closes all connections that there are.
    pub fn cut(&self) {
        for (_, stream) in lock(&self.shared.open).drain(..) {
            // One that is closed already needs no closing.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Says nothing any more on the connections that there are, without closing them.
    pub fn freeze(&self) {
        self.shared.frozen.store(self.shared.next.load(Ordering::Acquire), Ordering::Release);
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.asked).clone()
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    while let Ok((stream, _)) = listener.accept() {
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            let id = shared.next.fetch_add(1, Ordering::AcqRel);
            // Whatever ends a connection ends it for both sides.
            let _ = shared.serve(id, stream);
            shared.forget(id);
        });
    }
}

impl Shared {
    fn serve(&self, id: u64, mut client: TcpStream) -> anyhow::Result<()> {
        client.set_nodelay(true)?;
        self.remember(id, &client)?;
        let Some(request) = Request::read(&mut client)? else { return Ok(()) };
        let asked = {
            let mut all = lock(&self.asked);
            let asked = Asked { path: request.path.clone(), at: Instant::now(), number: all.len() };
            all.push(asked.clone());
            asked
        };
        let (turn, rule) = lock(&self.rule).clone();
        match rule.map_or(Act::Pass, |rule| rule(&asked)) {
            Act::Pass => self.pass(id, client, &request, None, None),
            Act::Instead(path) => self.pass(id, client, &Request { path, ..request }, None, None),
            Act::Dated(date) => self.pass(id, client, &request, Some(&date), None),
            Act::Lines(treat) => self.pass(id, client, &request, None, Some(&*treat)),
            Act::Late(pause) => {
                std::thread::sleep(pause);
                self.pass(id, client, &request, None, None)
            }
            Act::Held => {
                let held = lock(&self.rule);
                drop(self.changed.wait_while(held, |now| now.0 == turn));
                self.pass(id, client, &request, None, None)
            }
            Act::HangUp => Ok(()),
            Act::Say(text) => request::say(&mut client, &text),
            Act::Refuse { status, retry_after, message } => {
                request::refuse(&mut client, status, retry_after, &message)
            }
        }
    }

    pub(crate) fn remember(&self, id: u64, stream: &TcpStream) -> anyhow::Result<()> {
        lock(&self.open).push((id, stream.try_clone()?));
        Ok(())
    }

    fn forget(&self, id: u64) {
        lock(&self.open).retain(|(other, stream)| {
            if *other == id {
                let _ = stream.shutdown(Shutdown::Both);
            }
            *other != id
        });
    }

    pub(crate) fn is_frozen(&self, id: u64) -> bool {
        id < self.frozen.load(Ordering::Acquire)
    }

    pub(crate) fn connect(&self) -> anyhow::Result<TcpStream> {
        self.namespace.connect(self.upstream)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
