//! A scrape target: a tiny HTTP server on a loopback address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What a target answers.
#[derive(Clone)]
pub(crate) enum Reply {
    /// A body in text format.
    Text(String),
    /// Nothing, and the connection stays open.
    Nothing,
}

/// A running target; it is gone when it is dropped.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    reply: Arc<Mutex<Reply>>,
    asked: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Target {
    /// Listens on a free port of 127.0.0.1.
    pub(crate) fn start(body: &str) -> Target {
        Target::start_at("127.0.0.1:0", Reply::Text(body.to_owned()))
    }

    pub(crate) fn start_at(address: &str, reply: Reply) -> Target {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let reply = Arc::new(Mutex::new(reply));
        let asked = Arc::new(AtomicUsize::new(0));
        let ended = Arc::new(AtomicBool::new(false));
        let (r, a, e) = (Arc::clone(&reply), Arc::clone(&asked), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            // Connections that get no answer stay open until the target goes.
            let mut open = Vec::new();
            for s in listener.incoming().flatten() {
                if e.load(Ordering::SeqCst) {
                    return;
                }
                open.extend(answer(s, &r, &a));
            }
        });
        Target { address, reply, asked, ended, thread: Some(thread) }
    }

    /// Answers with `body` from now on.
    pub(crate) fn set(&self, body: &str) {
        *self.reply.lock().unwrap() = Reply::Text(body.to_owned());
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(mut s: TcpStream, reply: &Mutex<Reply>, asked: &AtomicUsize) -> Option<TcpStream> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if s.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let reply = reply.lock().unwrap().clone();
    if let Reply::Text(body) = &reply {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        // A client that went away is counted all the same.
        let _ = s.write_all(format!("{head}{body}").as_bytes());
    }
    asked.fetch_add(1, Ordering::SeqCst);
    matches!(reply, Reply::Nothing).then_some(s)
}

impl Drop for Target {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // Wakes the loop.
        let _ = TcpStream::connect(self.address);
        if let Some(t) = self.thread.take() {
            let _ = t.join();
        }
    }
}

/// A configuration that scrapes `targets` every 200 ms as job `name`.
pub(crate) fn job(name: &str, targets: &[SocketAddr]) -> String {
    let list: Vec<String> = targets.iter().map(|a| format!("\"{a}\"")).collect();
    format!(
        "- job_name: {name}\n  scrape_interval: 200ms\n  scrape_timeout: 200ms\n  static_configs: [{{targets: [{}]}}]\n",
        list.join(", ")
    )
}

/// A configuration of these jobs.
pub(crate) fn jobs(jobs: &[String]) -> String {
    format!("scrape_configs:\n{}", jobs.concat())
}
