//! Chunks: up to a few hundred samples of one series, bit-packed as Prometheus packs them.

pub(crate) mod bits;
pub mod xor;
pub mod xor2;

use tortie_model::Columns;

/// Encoding number of a float chunk packed by XOR (the ordinary one).
pub const ENC_XOR: u8 = 1;
/// Encoding number of a float chunk packed by XOR2 (may carry start timestamps).
pub const ENC_XOR2: u8 = 4;

/// A finished chunk as it goes into blocks and head chunk files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawChunk {
    /// Timestamp of its first sample, milliseconds.
    pub mint: i64,
    /// Timestamp of its last sample, milliseconds.
    pub maxt: i64,
    /// Encoding number: 1 is XOR.
    pub encoding: u8,
    /// What Prometheus keeps between length and checksum: for XOR a big-endian u16 count and the bits.
    pub data: Vec<u8>,
}

impl RawChunk {
    /// Number of samples as the chunk's header says, 0 when it has none.
    pub fn num_samples(&self) -> u16 {
        num_samples(&self.data)
    }
}

/// Number of samples that the first two bytes of a chunk's data promise, 0 when there are none.
pub fn num_samples(data: &[u8]) -> u16 {
    data.first_chunk::<2>().map_or(0, |b| u16::from_be_bytes(*b))
}

/// Why a chunk could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// The bytes end before the promised number of samples, or a field is out of range.
    #[error("{encoding} chunk: {what} at sample {sample} of {promised}")]
    Corrupt {
        /// Name of the encoding.
        encoding: &'static str,
        /// What was wrong.
        what: &'static str,
        /// Index of the sample that could not be read.
        sample: u16,
        /// Samples the header promises.
        promised: u16,
    },
    /// An encoding that is known but not read so far.
    #[error("chunk encoding {0} is not supported so far")]
    Unsupported(&'static str),
    /// An encoding number that Prometheus 3.16 does not have.
    #[error("unknown chunk encoding {0}")]
    Unknown(u8),
}

/// Name of an encoding as Prometheus prints it.
pub fn encoding_name(encoding: u8) -> &'static str {
    match encoding {
        0 => "none",
        1 => "XOR",
        2 => "histogram",
        3 => "floathistogram",
        4 => "XOR2",
        5 => "histogramST",
        6 => "floathistogramST",
        _ => "<unknown>",
    }
}

/// Appends the samples of a chunk that lie in `[mint, maxt]` (milliseconds, both inclusive) to `out`.
///
/// Samples are taken in stored order; `out` stays ascending when the chunk's samples come after those it holds.
///
/// # Errors
/// [`ChunkError`] when the bytes do not fit the encoding or it is not read; `out` may then hold a part.
pub fn decode(encoding: u8, data: &[u8], mint: i64, maxt: i64, out: &mut Columns) -> Result<(), ChunkError> {
    match encoding {
        ENC_XOR => xor::decode(data, mint, maxt, out),
        ENC_XOR2 => xor2::decode(data, mint, maxt, out),
        0 | 2..=6 => Err(ChunkError::Unsupported(encoding_name(encoding))),
        n => Err(ChunkError::Unknown(n)),
    }
}
