//! The body of an answer: counted, in chunks, or until the connection ends.

use super::connect::Connection;
use super::head::Head;
use super::read::{Filled, fill};
use super::{Buffers, Limit, Place, io_reason};
use crate::failure::Failure;

/// Longest line that gives the size of a chunk.
const MAX_CHUNK_LINE: usize = 4096;
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

async fn chunks(
    connection: &mut Connection,
    from: usize,
    limit: &Limit,
    buffers: &mut Buffers,
) -> Result<bool, Failure> {
    let Buffers { raw, joined, .. } = buffers;
    let mut at = from;
    loop {
        let (size, used) = chunk_size(connection, raw, at).await?;
        at += used;
        if size == 0 {
            break;
        }
        let Ok(size) = usize::try_from(size) else { return Err(Failure::new("http chunk length too large")) };
        limit.check(joined.len().saturating_add(size))?;
        at = copy(connection, raw, at, size, joined).await?;
        at = line_end(connection, raw, at).await?;
    }
    // Trailers, of which nothing is needed, up to the empty line.
    while line(connection, raw, at).await? > 2 {
        at += line(connection, raw, at).await?;
    }
    at += line(connection, raw, at).await?;
    let exact = at == raw.len();
    buffers.place = Place::Joined;
    Ok(exact)
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

/// Copies `size` bytes from `at` on; afterwards `raw` holds only what follows, and its start is returned.
async fn copy(
    connection: &mut Connection,
    raw: &mut Vec<u8>,
    at: usize,
    size: usize,
    out: &mut Vec<u8>,
) -> Result<usize, Failure> {
    let mut at = at;
    let mut left = size;
    loop {
        let ready = raw.get(at..).unwrap_or(&[]);
        let n = ready.len().min(left);
        out.extend_from_slice(ready.get(..n).unwrap_or(ready));
        at += n;
        left -= n;
        if left == 0 {
            return Ok(at);
        }
        raw.clear();
        at = 0;
        more(connection, raw).await?;
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
