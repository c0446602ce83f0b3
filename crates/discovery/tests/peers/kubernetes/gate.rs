//! A way to the API server that can be closed and cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use tortie_testbed::Namespace;

/// The API server.
const SERVER: &str = "10.99.0.1:6443";

/// A listener that leads to the API server while it is open.
#[derive(Clone)]
pub(super) struct Gate {
    closed: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    /// Connections so far.
    pub(super) connections: Arc<AtomicUsize>,
}

impl Gate {
    /// Listens at an address inside.
    pub(super) fn open_at(namespace: &Arc<Namespace>, at: &str) -> Gate {
        let gate = Gate { closed: Arc::default(), streams: Arc::default(), connections: Arc::default() };
        let (this, namespace) = (gate.clone(), Arc::clone(namespace));
        let listener = namespace.listen(at.parse().unwrap()).unwrap();
        // It ends with the process of the test.
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if this.closed.load(Ordering::SeqCst) {
                    continue; // dropped, which closes it
                }
                this.connections.fetch_add(1, Ordering::SeqCst);
                let server: SocketAddr = SERVER.parse().unwrap();
                let Ok(other) = namespace.connect(server) else { continue };
                let ways = [(stream.try_clone(), other.try_clone()), (other.try_clone(), stream.try_clone())];
                this.streams.lock().unwrap().extend([stream, other]);
                for (from, to) in ways {
                    let (Ok(from), Ok(to)) = (from, to) else { continue };
                    thread::spawn(move || copy(from, to));
                }
            }
        });
        gate
    }

    /// Cuts all connections that there are.
    pub(super) fn cut(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            // One that is closed already needs no closing.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets nobody through, and cuts those that are.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Lets everybody through again.
    pub(super) fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(n) if n > 0 && to.write_all(&buffer[..n]).is_ok() => {}
            _ => break,
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
