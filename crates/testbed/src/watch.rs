//! Being told that something in the cluster changed, without asking again and again.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::namespace::Namespace;

/// Pause before a watch that ended is begun anew: its kind may not be served yet.
const AGAIN: Duration = Duration::from_millis(300);

/// Watches over some lists of the API. It tells that something changed, not what.
#[derive(Debug)]
pub(crate) struct Watch {
    shared: Arc<Shared>,
    changed: Receiver<()>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    namespace: Arc<Namespace>,
    proxy: SocketAddr,
    stop: AtomicBool,
    open: Mutex<Vec<(usize, TcpStream)>>,
}

/// Ends the watch from elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<Shared>);

impl Stop {
    /// Ends it: [`Watch::next`] answers `false` from now on.
    pub(crate) fn stop(&self) {
        self.0.stop.store(true, Ordering::Release);
        for (_, stream) in self.0.open().iter() {
            // A stream that is closed already needs no closing.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether it was ended.
    pub(crate) fn stopped(&self) -> bool {
        self.0.stop.load(Ordering::Acquire)
    }
}

impl Watch {
    /// Watches the lists at `paths`, which may have parameters.
    pub(crate) fn start(namespace: Arc<Namespace>, proxy: SocketAddr, paths: &[String]) -> Watch {
        let shared =
            Arc::new(Shared { namespace, proxy, stop: AtomicBool::new(false), open: Mutex::new(Vec::new()) });
        let (send, changed) = sync_channel(1);
        let threads = paths
            .iter()
            .enumerate()
            .map(|(id, path)| {
                let (shared, send, path) = (shared.clone(), send.clone(), path.clone());
                std::thread::spawn(move || shared.follow(id, &path, &send))
            })
            .collect();
        Watch { shared, changed, threads }
    }

    /// What ends it.
    pub(crate) fn stopper(&self) -> Stop {
        Stop(self.shared.clone())
    }

    /// Waits for a change, or for `at_most`; `false` when the watch was ended.
    pub(crate) fn next(&self, at_most: Duration) -> bool {
        match self.changed.recv_timeout(at_most) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => !self.stopper().stopped(),
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopper().stop();
        for thread in self.threads.drain(..) {
            // A thread of ours that panicked has said so on standard error.
            let _ = thread.join();
        }
    }
}

/// A thread that works after every change, and after a while if nobody told of one.
#[derive(Debug)]
pub(crate) struct Follower {
    thread: Option<JoinHandle<()>>,
    stop: Stop,
}

impl Follower {
    /// Begins. Work that fails is tried again by the next change or the next look.
    pub(crate) fn start(
        watch: Watch,
        at_least_every: Duration,
        mut work: impl FnMut() + Send + 'static,
    ) -> Follower {
        let stop = watch.stopper();
        let thread = std::thread::spawn(move || {
            while watch.next(at_least_every) {
                work();
            }
        });
        Follower { thread: Some(thread), stop }
    }

    /// Ends it, and waits for what it is doing.
    pub(crate) fn end(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has said so on standard error.
            let _ = thread.join();
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn open(&self) -> std::sync::MutexGuard<'_, Vec<(usize, TcpStream)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, id: usize, path: &str, changed: &SyncSender<()>) {
        while !self.stop.load(Ordering::Acquire) {
            // An end for whatever reason is followed by a new watch, which begins with all that is there.
            let _ = self.once(id, path, changed);
            self.open().retain(|(i, _)| *i != id);
            if !self.stop.load(Ordering::Acquire) {
                std::thread::sleep(AGAIN);
            }
        }
    }

    fn once(&self, id: usize, path: &str, changed: &SyncSender<()>) -> anyhow::Result<()> {
        let mut stream = self.namespace.connect(self.proxy)?;
        self.open().push((id, stream.try_clone()?));
        if self.stop.load(Ordering::Acquire) {
            return Ok(());
        }
        let mark = if path.contains('?') { '&' } else { '?' };
        let request = format!(
            "GET {path}{mark}watch=true HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.proxy
        );
        stream.write_all(request.as_bytes())?;
        let mut buffer = vec![0; 65536];
        let mut head = true;
        loop {
            let n = stream.read(&mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            if std::mem::take(&mut head) && !buffer.starts_with(b"HTTP/1.1 200") {
                return Ok(());
            }
            // One unread notice is enough.
            let _ = changed.try_send(());
        }
    }
}
