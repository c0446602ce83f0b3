//! The body of an answer: counted, in chunks, or until the connection ends.

use super::connect::Connection;
use super::head::Head;
use super::read::{Filled, fill};
use super::{Buffers, Limit, Place, io_reason};
use crate::failure::Failure;
use std::ops::Range;

/// Longest line that gives the size of a chunk.
const MAX_CHUNK_LINE: usize = 4096;
/// Most bytes of chunk sizes that stay between the body and what was not read yet.
const MAX_GAP: usize = 64 * 1024;
/// Room reserved ahead for a body that announced its length; what is announced is not yet there.
const MAX_RESERVE: usize = 1 << 20;

/// Reads the whole body. Returns whether the connection stands exactly behind it and can be kept.
pub(super) async fn read(
    connection: &mut Connection,
    head: &Head,
    limit: &Limit,
    buffers: &mut Buffers,
) -> Result<bool, Failure> {
    if head.chunked {
        return chunks(connection, head.len, limit, buffers).await;
    }
    match head.content_length {
        Some(len) => counted(connection, head.len, len, limit, buffers).await,
        None => until_end(connection, head.len, limit, buffers).await,
    }
}

async fn counted(
    connection: &mut Connection,
    from: usize,
    len: u64,
    limit: &Limit,
    buffers: &mut Buffers,
) -> Result<bool, Failure> {
    // The announced length is refused before a byte of it is read.
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    limit.check(len)?;
    let raw = &mut buffers.raw;
    let end = from.saturating_add(len);
    raw.reserve(end.saturating_sub(raw.len()).min(MAX_RESERVE));
    while raw.len() < end {
        more(connection, raw).await?;
    }
    let exact = raw.len() == end;
    buffers.place = Place::Raw(from..end);
    Ok(exact)
}

async fn until_end(
    connection: &mut Connection,
    from: usize,
    limit: &Limit,
    buffers: &mut Buffers,
) -> Result<bool, Failure> {
    let raw = &mut buffers.raw;
    loop {
        limit.check(raw.len() - from)?;
        match fill(connection, raw).await {
            Ok(Filled::More) => {}
            Ok(Filled::End) => break,
            Err(e) => return Err(Failure::new(connection.error("read", &e))),
        }
    }
    buffers.place = Place::Raw(from..buffers.raw.len());
    Ok(false)
}

/// Reads chunks and moves each to the end of those before it: the first one stays where it came to lie, and with it
/// the whole body when the server sends it in one piece.
async fn chunks(
    connection: &mut Connection,
    from: usize,
    limit: &Limit,
    buffers: &mut Buffers,
) -> Result<bool, Failure> {
    let raw = &mut buffers.raw;
    let mut at = from;
    let mut body: Option<Range<usize>> = None;
    loop {
        let (size, used) = chunk_size(connection, raw, at).await?;
        at += used;
        if size == 0 {
            break;
        }
        let body = body.get_or_insert(at..at);
        let Ok(size) = usize::try_from(size) else { return Err(Failure::new("http chunk length too large")) };
        limit.check(body.len().saturating_add(size))?;
        at = join(connection, raw, at, size, body).await?;
        at = line_end(connection, raw, at).await?;
        if at - body.end > MAX_GAP {
            raw.drain(body.end..at);
            at = body.end;
        }
    }
    // Trailers, of which nothing is needed, up to the empty line.
    while line(connection, raw, at).await? > 2 {
        at += line(connection, raw, at).await?;
    }
    at += line(connection, raw, at).await?;
    let exact = at == raw.len();
    buffers.place = Place::Raw(body.unwrap_or(0..0));
    Ok(exact)
}

/// Moves the `size` bytes from `at` on to the end of `body`; returns where what follows them begins.
async fn join(
    connection: &mut Connection,
    raw: &mut Vec<u8>,
    mut at: usize,
    size: usize,
    body: &mut Range<usize>,
) -> Result<usize, Failure> {
    let mut left = size;
    loop {
        let n = left.min(raw.len().saturating_sub(at));
        if at != body.end {
            raw.copy_within(at..at + n, body.end);
        }
        body.end += n;
        at += n;
        left -= n;
        if left == 0 {
            return Ok(at);
        }
        // All that came is moved: the rest of the chunk is read to its place.
        raw.truncate(body.end);
        at = body.end;
        more(connection, raw).await?;
    }
}

async fn chunk_size(
    connection: &mut Connection,
    raw: &mut Vec<u8>,
    at: usize,
) -> Result<(u64, usize), Failure> {
    loop {
        match httparse::parse_chunk_size(raw.get(at..).unwrap_or(&[])) {
            Ok(httparse::Status::Complete((used, size))) => return Ok((size, used)),
            Ok(httparse::Status::Partial) if raw.len() - at < MAX_CHUNK_LINE => more(connection, raw).await?,
            _ => return Err(Failure::new("invalid byte in chunk length")),
        }
    }
}

async fn line_end(connection: &mut Connection, raw: &mut Vec<u8>, at: usize) -> Result<usize, Failure> {
    match line(connection, raw, at).await? {
        n @ 1..=2 => Ok(at + n),
        _ => Err(Failure::new("malformed chunked encoding")),
    }
}

/// Length of the line at `at`, its newline included.
async fn line(connection: &mut Connection, raw: &mut Vec<u8>, at: usize) -> Result<usize, Failure> {
    loop {
        let rest = raw.get(at..).unwrap_or(&[]);
        if let Some(i) = memchr::memchr(b'\n', rest) {
            return Ok(i + 1);
        }
        if rest.len() > MAX_CHUNK_LINE {
            return Err(Failure::new("malformed chunked encoding"));
        }
        more(connection, raw).await?;
    }
}

async fn more(connection: &mut Connection, raw: &mut Vec<u8>) -> Result<(), Failure> {
    match fill(connection, raw).await {
        Ok(Filled::More) => Ok(()),
        Ok(Filled::End) => Err(Failure::new("unexpected EOF")),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(Failure::new(io_reason(&e))),
        Err(e) => Err(Failure::new(connection.error("read", &e))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::head;
    use crate::target::TargetUrl;
    use std::sync::Arc;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tortie_client::Transport;
    use tortie_config::HttpClientConfig;
    use tortie_host::{MemFs, Rng, SystemClock};
    use tortie_model::Labels;

    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// What is read of an answer that comes in pieces of the given lengths: whether the connection can be kept, and
    /// the body.
    async fn receive(answer: &[u8], pieces: impl Iterator<Item = usize>) -> (bool, Vec<u8>, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let labels = [("__scheme__", "http"), ("__address__", &address), ("__metrics_path__", "/")];
        let url = TargetUrl::new(&Labels::from_pairs(labels), &[]);
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut rest = answer;
            for n in pieces {
                let (piece, after) = rest.split_at(n.min(rest.len()));
                stream.write_all(piece).await.unwrap();
                rest = after;
                tokio::task::yield_now().await;
            }
            stream.write_all(rest).await.unwrap();
            stream
        };
        let client = async {
            let transport = Transport::new(
                &HttpClientConfig::default(),
                Arc::new(MemFs::new()),
                Arc::new(SystemClock::new()),
            )
            .unwrap();
            let mut connection = Connection::open(&transport, &url, true).await.unwrap();
            let mut buffers = Buffers::default();
            let head = head::read(&mut connection, &mut buffers.raw).await.unwrap();
            let kept = read(&mut connection, &head, &Limit::of(0), &mut buffers).await.unwrap();
            (kept, buffers.body().to_vec(), buffers.raw.len())
        };
        let ((kept, body, raw), _stream) = tokio::join!(client, server);
        (kept, body, raw)
    }

    #[tokio::test]
    async fn chunks_of_all_sizes_in_pieces_of_all_sizes() {
        let mut rng = Rng::new(7);
        for round in 0..40 {
            let mut body = Vec::new();
            let mut answer = HEAD.to_vec();
            for _ in 0..rng.next_u64() % 6 {
                let n = 1 + rng.next_u64() as usize % [3, 500, 100_000][round % 3];
                let chunk: Vec<u8> = (0..n).map(|_| rng.next_u64() as u8).collect();
                answer.extend_from_slice(format!("{n:x}\r\n").as_bytes());
                answer.extend_from_slice(&chunk);
                answer.extend_from_slice(b"\r\n");
                body.extend_from_slice(&chunk);
            }
            answer.extend_from_slice(b"0\r\n\r\n");
            let longest = [4, 300, 70_000][round / 3 % 3];
            let pieces = std::iter::repeat_with(|| 1 + rng.next_u64() as usize % longest).take(2000);
            let (kept, got, _) = receive(&answer, pieces).await;
            assert!(kept && got == body, "round {round}: {} bytes of {}", got.len(), body.len());
        }
    }

    #[tokio::test]
    async fn tiny_chunks_do_not_fill_the_memory() {
        let mut answer = HEAD.to_vec();
        for _ in 0..200_000 {
            answer.extend_from_slice(b"1\r\nx\r\n");
        }
        answer.extend_from_slice(b"0\r\n\r\n");
        let (kept, got, raw) = receive(&answer, std::iter::empty()).await;
        assert!(kept && got == vec![b'x'; 200_000]);
        assert!(raw < 200_000 + 2 * MAX_GAP + 64 * 1024, "{raw} bytes of memory for 200,000");
    }
}
