//! Inflating a gzip body, never beyond its limit.

use super::{Buffers, Limit, Place};
use crate::failure::Failure;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, Read};

/// Inflates the body of `buffers`.
pub(super) fn gzip(buffers: &mut Buffers, limit: &Limit) -> Result<(), Failure> {
    let mut inflated = std::mem::take(&mut buffers.inflated);
    inflated.clear();
    let result = MultiGzDecoder::new(buffers.body()).take(limit.bytes).read_to_end(&mut inflated);
    buffers.inflated = inflated;
    result.map_err(|e| Failure::new(reason(&e)))?;
    buffers.place = Place::Inflated;
    Ok(())
}

/// Go's words for what the library says.
fn reason(e: &io::Error) -> String {
    let text = e.to_string();
    match e.kind() {
        io::ErrorKind::UnexpectedEof => "unexpected EOF".into(),
        _ if text.contains("checksum") => "gzip: invalid checksum".into(),
        _ if text.contains("gzip header") => "gzip: invalid header".into(),
        _ if text.contains("deflate") => "flate: corrupt input".into(),
        _ => format!("gzip: {text}"),
    }
}
