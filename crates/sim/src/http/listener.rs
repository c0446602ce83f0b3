//! One listening address and its connections.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::request::{MAX_HEAD, head_len};
use super::{Answer, Reply, Request};

/// A listening address. Dropping it refuses new connections and ends the open ones.
#[derive(Debug)]
pub(crate) struct Listener {
    addr: SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// Listens on `addr` and lets `answer` speak as target `target`. Port 0 takes any free one.
    ///
    /// # Errors
    /// As the operating system says, mostly that the address is in use.
    pub(crate) fn open(addr: SocketAddr, target: usize, answer: Arc<dyn Answer>) -> io::Result<Listener> {
        let socket = std::net::TcpListener::bind(addr)?;
        socket.set_nonblocking(true)?;
        let addr = socket.local_addr()?;
        let socket = TcpListener::from_std(socket)?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(accept(socket, target, answer, stop.clone()));
        Ok(Listener { addr, stop, task })
    }

    /// Closes the address and waits until it is closed, so that it can be bound again.
    pub(crate) async fn close(mut self) {
        self.stop.cancel();
        // The task ends by the token; it cannot fail but by a panic, after which the socket is closed as well.
        let _ = (&mut self.task).await;
    }

    /// The address that was bound.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(socket: TcpListener, target: usize, answer: Arc<dyn Answer>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (answer, stop) = (answer.clone(), stop.clone());
                tokio::spawn(async move {
                    // A client that goes away is none of our business.
                    tokio::select! {
                        () = stop.cancelled() => {}
                        _ = serve(stream, target, &*answer) => {}
                    }
                });
            }
            Err(e) => {
                // Mostly no file descriptor left: the client tries again at its next scrape.
                tracing::warn!("simulated target cannot accept a connection: {e}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

/// Answers requests until the client ends it.
async fn serve(mut stream: TcpStream, target: usize, answer: &dyn Answer) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut held = Vec::new();
    while let Some(request) = read(&mut stream, &mut held).await? {
        let reply = match (&*request.path, request.get) {
            ("/metrics", true) => answer.metrics(target, &request),
            ("/metrics", false) => Reply::wrong_method(),
            _ => Reply::not_found(),
        };
        if reply.hang_up {
            return Ok(());
        }
        send(&mut stream, &request, &reply).await?;
        if reply.cut_after.is_some() || !request.keep_alive {
            return Ok(());
        }
    }
    Ok(())
}

async fn send(stream: &mut TcpStream, request: &Request, reply: &Reply) -> io::Result<()> {
    if reply.delay_ms > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(reply.delay_ms)).await;
    }
    let (head, tail) = reply.frame(request);
    let mut slices = reply.slices(&head, tail);
    let mut left = &mut slices[..];
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match poll_fn(|cx| Pin::new(&mut *stream).poll_write_vectored(cx, left)).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => IoSlice::advance_slices(&mut left, n),
        }
    }
    Ok(())
}

/// The next request, `None` at the end of the connection. `held` keeps bytes that came early and is empty, without
/// memory of its own, while a client is idle.
async fn read(stream: &mut TcpStream, held: &mut Vec<u8>) -> io::Result<Option<Request>> {
    loop {
        if let Some(n) = head_len(held) {
            let request = Request::parse(held.get(..n).unwrap_or_default());
            if n == held.len() {
                *held = Vec::new();
            } else {
                held.drain(..n);
            }
            return Ok(request);
        }
        if held.len() > MAX_HEAD || poll_fn(|cx| take(stream, held, cx)).await? == 0 {
            return Ok(None);
        }
    }
}

/// Reads what is there. The buffer is on this thread's stack, not in the future.
fn take(stream: &mut TcpStream, held: &mut Vec<u8>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    let mut buf = [MaybeUninit::uninit(); 4096];
    let mut buf = ReadBuf::uninit(&mut buf);
    match Pin::new(stream).poll_read(cx, &mut buf) {
        Poll::Ready(Ok(())) => {
            held.extend_from_slice(buf.filled());
            Poll::Ready(Ok(buf.filled().len()))
        }
        Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
        Poll::Pending => Poll::Pending,
    }
}
