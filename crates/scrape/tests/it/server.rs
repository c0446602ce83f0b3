//! A scripted HTTP server: says byte for byte what a test wants.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a request is answered with.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes; the connection stays open.
    Keep(Vec<u8>),
    /// These bytes, then the connection is closed.
    Close(Vec<u8>),
    /// These bytes, then silence.
    Stall(Vec<u8>),
    /// These bytes again and again.
    Forever(Vec<u8>),
}

#[derive(Default)]
struct State {
    reply: Option<Reply>,
    by_path: Vec<(String, Reply)>,
    requests: Vec<String>,
    connections: usize,
}

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::at("127.0.0.1:0").await
    }

    pub(crate) async fn at(addr: &str) -> Server {
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let theirs = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                theirs.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, Arc::clone(&theirs)));
            }
        });
        Server { addr, state }
    }

    /// Answers every request with `reply` from now on.
    pub(crate) fn reply(&self, reply: Reply) {
        self.state.lock().unwrap().reply = Some(reply);
    }

    /// Answers requests for `path` with `reply`.
    pub(crate) fn reply_at(&self, path: &str, reply: Reply) {
        self.state.lock().unwrap().by_path.push((path.to_owned(), reply));
    }

    /// Answers with a body of the text format.
    pub(crate) fn body(&self, body: &str) {
        self.reply(Reply::Keep(ok(body.as_bytes(), "")));
    }

    /// Heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }
}

/// A 200 answer with a counted body and further header lines.
pub(crate) fn ok(body: &[u8], headers: &str) -> Vec<u8> {
    let mut out = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    out.extend_from_slice(body);
    out
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut head = Vec::new();
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(b) => head.push(b),
                Err(_) => return,
            }
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let path = text.split(' ').nth(1).unwrap_or("").to_owned();
        let reply = {
            let mut s = state.lock().unwrap();
            s.requests.push(text);
            let special = s.by_path.iter().find(|(p, _)| *p == path).map(|(_, r)| r.clone());
            special.or_else(|| s.reply.clone()).expect("the test set no reply")
        };
        match reply {
            Reply::Keep(bytes) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Reply::Close(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Reply::Stall(bytes) => {
                let _ = stream.write_all(&bytes).await;
                std::future::pending::<()>().await;
            }
            Reply::Forever(bytes) => while stream.write_all(&bytes).await.is_ok() {},
        }
    }
}
