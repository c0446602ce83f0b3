//! Reading from a connection into a growing buffer.

use super::connect::Connection;
use std::io;
use tokio::io::AsyncReadExt;

/// Room made before each read: a Felix's body comes in one. Buffers are borrowed while a scrape runs, so few exist.
const STEP: usize = 64 * 1024;

/// What a read brought.
pub(super) enum Filled {
    /// Bytes were appended.
    More,
    /// The other side closed.
    End,
}

/// Appends what is there, waiting for at least one byte.
pub(super) async fn fill(connection: &mut Connection, buffer: &mut Vec<u8>) -> io::Result<Filled> {
    if buffer.capacity() - buffer.len() < STEP / 4 {
        buffer.reserve(STEP.max(buffer.len()));
    }
    match connection.stream.read_buf(buffer).await? {
        0 => Ok(Filled::End),
        _ => Ok(Filled::More),
    }
}
