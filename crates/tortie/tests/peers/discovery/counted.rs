//! Listeners in a bed that count who connects, by the process that owns the other end of each connection.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tortie_testbed::Bed;

/// The process that is watched for; 0 is none.
pub(super) type Suspect = Arc<AtomicU32>;

/// What a listener does with a connection.
#[derive(Clone)]
enum Serves {
    /// Passes all bytes on to an address, and the answers back.
    PassOn(SocketAddr),
    /// Says 200 to every request and keeps the bodies.
    Take(Arc<Mutex<Vec<String>>>),
}

/// A listener that counts.
pub(super) struct Counted {
    /// Connections of the suspect, and of everybody else.
    counts: Arc<Mutex<(usize, usize)>>,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Counted {
    /// In front of another server.
    pub(super) fn before(bed: &Bed, at: &str, server: SocketAddr, suspect: &Suspect) -> Counted {
        Counted::start(bed, at, suspect, Serves::PassOn(server))
    }

    /// Takes whatever comes.
    pub(super) fn taking(bed: &Bed, at: &str, suspect: &Suspect) -> Counted {
        Counted::start(bed, at, suspect, Serves::Take(Arc::default()))
    }

    fn start(bed: &Bed, at: &str, suspect: &Suspect, serves: Serves) -> Counted {
        let listener = bed.namespace().listen(at.parse().unwrap()).unwrap();
        let counts = Arc::<Mutex<(usize, usize)>>::default();
        let bodies = match &serves {
            Serves::Take(bodies) => Arc::clone(bodies),
            Serves::PassOn(_) => Arc::default(),
        };
        let (namespace, counted, suspect) =
            (Arc::clone(bed.namespace()), Arc::clone(&counts), Arc::clone(suspect));
        std::thread::spawn(move || {
            namespace.enter_for_good().unwrap();
            accept(&listener, &counted, &suspect, &serves);
        });
        Counted { counts, bodies }
    }

    /// Connections that the suspect made, and that all others made.
    pub(super) fn counts(&self) -> (usize, usize) {
        *self.counts.lock().unwrap()
    }

    /// Bodies of the requests that were taken.
    pub(super) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

fn accept(listener: &TcpListener, counts: &Arc<Mutex<(usize, usize)>>, suspect: &Suspect, serves: &Serves) {
    for stream in listener.incoming().flatten() {
        // Nothing was answered yet: whoever asks still holds its end.
        let own = is_of(suspect.load(Ordering::SeqCst), stream.peer_addr().unwrap());
        let mut count = counts.lock().unwrap();
        if own {
            count.0 += 1;
        } else {
            count.1 += 1;
        }
        drop(count);
        match serves.clone() {
            Serves::PassOn(server) => pass_on(stream, server),
            Serves::Take(bodies) => {
                std::thread::spawn(move || while take(&stream, &bodies).is_some() {});
            }
        }
    }
}

/// Whether the socket at `end` is one of the process.
fn is_of(process: u32, end: SocketAddr) -> bool {
    if process == 0 {
        return false;
    }
    let SocketAddr::V4(end) = end else { return true };
    let wanted = format!("{:08X}:{:04X}", u32::from(*end.ip()).swap_bytes(), end.port());
    let table = std::fs::read_to_string("/proc/thread-self/net/tcp").unwrap();
    let inodes: BTreeSet<String> = table
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>())
        .filter(|f| f.get(1) == Some(&wanted.as_str()))
        .filter_map(|f| f.get(9).map(|i| format!("socket:[{i}]")))
        .collect();
    let Ok(files) = std::fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    files
        .flatten()
        .any(|f| std::fs::read_link(f.path()).is_ok_and(|l| inodes.contains(&*l.to_string_lossy())))
}

fn pass_on(client: TcpStream, server: SocketAddr) {
    let Ok(server) = TcpStream::connect_timeout(&server, Duration::from_secs(5)) else { return };
    let pairs = [(&client, &server), (&server, &client)];
    for (from, to) in pairs {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            // The other end may be gone already.
            let _ = to.shutdown(std::net::Shutdown::Write);
        });
    }
}

/// Reads one request and answers it; nothing at the end of the connection.
fn take(mut stream: &TcpStream, bodies: &Mutex<Vec<String>>) -> Option<()> {
    let mut bytes = Vec::new();
    let mut part = [0; 65536];
    let mut more = |bytes: &mut Vec<u8>| {
        let n = stream.read(&mut part).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&part[..n]);
        Some(())
    };
    let (start, length) = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok());
            break (end + 4, length.unwrap_or(0));
        }
        more(&mut bytes)?;
    };
    while bytes.len() < start + length {
        more(&mut bytes)?;
    }
    bodies.lock().unwrap().push(String::from_utf8_lossy(&bytes[start..]).into_owned());
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok()
}
