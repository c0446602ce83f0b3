//! The XOR encoding of float samples: timestamps by delta of delta, values by exclusive or with the one before.
//!
//! Bit for bit what Prometheus writes. The same state machine fills finished chunks ([`Encoder`]) and the open chunks
//! of the head, which keep [`State`] in columns of their own.

use super::bits::{Reader, Scratch};
use super::{ChunkError, RawChunk};
use tortie_model::Columns;

/// `leading` of a chunk that has no window of significant bits so far.
pub(crate) const NO_WINDOW: u8 = 0xff;

/// What the encoder must know of the samples before: all that is not in the bits themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// Last timestamp.
    pub(crate) t: i64,
    /// Bits of the last value.
    pub(crate) v: u64,
    /// Difference of the last two timestamps (meaningful from the second sample on).
    pub(crate) delta: i64,
    /// Leading zeros of the current window of significant bits, [`NO_WINDOW`] when there is none.
    pub(crate) leading: u8,
    /// Trailing zeros of the current window.
    pub(crate) trailing: u8,
    /// Samples in the chunk.
    pub(crate) num: u16,
}

impl State {
    /// The state of an empty chunk.
    pub(crate) const EMPTY: State = State { t: 0, v: 0, delta: 0, leading: NO_WINDOW, trailing: 0, num: 0 };

    /// Writes one sample and moves on. `num` must be below `u16::MAX`.
    #[inline]
    pub(crate) fn encode(&mut self, t: i64, v: u64, w: &mut Scratch) {
        let delta = t.wrapping_sub(self.t);
        match self.num {
            0 => {
                push_uvarint(w, ((t << 1) ^ (t >> 63)) as u64);
                w.push(v, 64);
                self.delta = 0;
            }
            1 => {
                push_uvarint(w, delta as u64);
                self.value(v, w);
                self.delta = delta;
            }
            _ => {
                let dod = delta.wrapping_sub(self.delta);
                // The ranges are lopsided as Prometheus' are: -(2^(n-1) - 1) to 2^(n-1).
                match dod {
                    0 => w.push(0, 1),
                    -8191..=8192 => w.push(0b10 << 14 | (dod as u64 & 0x3fff), 16),
                    -65535..=65536 => w.push(0b110 << 17 | (dod as u64 & 0x1_ffff), 20),
                    -524_287..=524_288 => w.push(0b1110 << 20 | (dod as u64 & 0xf_ffff), 24),
                    _ => {
                        w.push(0b1111, 4);
                        w.push(dod as u64, 64);
                    }
                }
                self.value(v, w);
                self.delta = delta;
            }
        }
        self.t = t;
        self.v = v;
        self.num += 1;
    }

    #[inline]
    fn value(&mut self, v: u64, w: &mut Scratch) {
        let x = v ^ self.v;
        if x == 0 {
            w.push(0, 1);
            return;
        }
        // Five bits hold the leading zeros, so more than 31 are not used.
        let leading = x.leading_zeros().min(31) as u8;
        let trailing = x.trailing_zeros() as u8;
        if self.leading != NO_WINDOW && leading >= self.leading && trailing >= self.trailing {
            w.push(0b10, 2);
            w.push(x >> self.trailing, 64 - u32::from(self.leading) - u32::from(self.trailing));
            return;
        }
        self.leading = leading;
        self.trailing = trailing;
        let significant = 64 - u32::from(leading) - u32::from(trailing);
        // 64 significant bits do not fit six bits and are written as 0.
        w.push(0b11 << 11 | u64::from(leading) << 6 | u64::from(significant & 63), 13);
        w.push(x >> trailing, significant);
    }
}

fn push_uvarint(w: &mut Scratch, mut x: u64) {
    while x >= 0x80 {
        w.push(x & 0x7f | 0x80, 8);
        x >>= 7;
    }
    w.push(x, 8);
}

/// Fills one XOR chunk.
#[derive(Debug, Clone)]
pub struct Encoder {
    state: State,
    mint: i64,
    data: Vec<u8>,
    bits: u32,
}

impl Default for Encoder {
    fn default() -> Self {
        Encoder::new()
    }
}

impl Encoder {
    /// An empty chunk.
    pub fn new() -> Encoder {
        Encoder { state: State::EMPTY, mint: 0, data: vec![0, 0], bits: 16 }
    }

    /// Appends a sample; `t` should be above the last one. Returns `false`, and does nothing, when the chunk already
    /// holds the 65,535 samples that its header can count.
    pub fn append(&mut self, t: i64, v: f64) -> bool {
        if self.state.num == u16::MAX {
            return false;
        }
        if self.state.num == 0 {
            self.mint = t;
        }
        let mut w = Scratch::at(self.bits);
        self.state.encode(t, v.to_bits(), &mut w);
        let bits = self.bits + w.bits(self.bits);
        self.data.resize(bits.div_ceil(8) as usize, 0);
        w.lay_over(&mut self.data, self.bits);
        self.bits = bits;
        true
    }

    /// Samples so far.
    pub fn num_samples(&self) -> u16 {
        self.state.num
    }

    /// Bytes so far, the header's two included.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.state.num == 0
    }

    /// The chunk as it stands, leaving an empty encoder behind; `None` when it holds no sample.
    pub fn finish(&mut self) -> Option<RawChunk> {
        let done = std::mem::take(self);
        if done.is_empty() {
            return None;
        }
        let mut data = done.data;
        if let Some(head) = data.first_chunk_mut::<2>() {
            *head = done.state.num.to_be_bytes();
        }
        Some(RawChunk { mint: done.mint, maxt: done.state.t, encoding: super::ENC_XOR, data })
    }
}

/// Appends the samples in `[mint, maxt]` to `out`. See [`super::decode`].
///
/// # Errors
/// When the bytes end too early or a window of bits is impossible.
pub fn decode(data: &[u8], mint: i64, maxt: i64, out: &mut Columns) -> Result<(), ChunkError> {
    let mut sink = |t: i64, v: u64| {
        if t > maxt {
            return false;
        }
        if t >= mint {
            out.push(t, f64::from_bits(v));
            if !out.st.is_empty() {
                out.st.push(0);
            }
        }
        true
    };
    walk(data, &mut sink).map(|_| ())
}

/// Goes through all samples and returns the encoder's state after the last, with the bits used after the header:
/// what is needed to append to a chunk that was read.
///
/// # Errors
/// As [`decode`].
#[cfg(test)]
pub(crate) fn resume(data: &[u8]) -> Result<State, ChunkError> {
    walk(data, &mut |_, _| true)
}

#[inline]
fn walk<F: FnMut(i64, u64) -> bool>(data: &[u8], sink: &mut F) -> Result<State, ChunkError> {
    let num = super::num_samples(data);
    let mut s = State::EMPTY;
    let fail = |sample: u16, what: &'static str| ChunkError::Corrupt {
        encoding: "XOR",
        what,
        sample,
        promised: num,
    };
    let Some(body) = data.get(2..) else { return Err(fail(0, "unexpected end")) };
    let mut r = Reader::new(body);
    if num == 0 {
        return Ok(s);
    }
    (s.t, s.v) = first(&mut r).ok_or_else(|| fail(0, "unexpected end"))?;
    s.num = 1;
    if !sink(s.t, s.v) || num == 1 {
        return Ok(s);
    }
    s.delta = r.uvarint().ok_or_else(|| fail(1, "unexpected end"))? as i64;
    s.t = s.t.wrapping_add(s.delta);
    next_value(&mut r, &mut s).map_err(|what| fail(1, what))?;
    s.num = 2;
    if !sink(s.t, s.v) {
        return Ok(s);
    }
    while s.num < num {
        r.refill();
        // Two zero bits are "same step, same value": idle series are long runs of them.
        let mut same = (r.zeros() / 2).min(u32::from(num - s.num)).min(31);
        if same > 0 {
            r.skip(same * 2);
            while same > 0 {
                s.t = s.t.wrapping_add(s.delta);
                s.num += 1;
                same -= 1;
                if !sink(s.t, s.v) {
                    return Ok(s);
                }
            }
            continue;
        }
        let dod = next_dod(&mut r).ok_or_else(|| fail(s.num, "unexpected end"))?;
        s.delta = s.delta.wrapping_add(dod);
        s.t = s.t.wrapping_add(s.delta);
        next_value(&mut r, &mut s).map_err(|what| fail(s.num, what))?;
        s.num += 1;
        if !sink(s.t, s.v) {
            return Ok(s);
        }
    }
    Ok(s)
}

fn first(r: &mut Reader<'_>) -> Option<(i64, u64)> {
    Some((r.varint()?, r.take_wide(64)?))
}

#[inline]
fn next_dod(r: &mut Reader<'_>) -> Option<i64> {
    if r.take(1)? == 0 {
        return Some(0);
    }
    let n = if r.take(1)? == 0 {
        14
    } else if r.take(1)? == 0 {
        17
    } else if r.take(1)? == 0 {
        20
    } else {
        return r.take_wide(64).map(|b| b as i64);
    };
    let b = r.take(n)? as i64;
    Some(if b > 1 << (n - 1) { b - (1 << n) } else { b })
}

#[inline]
fn next_value(r: &mut Reader<'_>, s: &mut State) -> Result<(), &'static str> {
    const END: &str = "unexpected end";
    if r.take(1).ok_or(END)? == 0 {
        return Ok(());
    }
    if r.take(1).ok_or(END)? == 1 {
        let head = r.take(11).ok_or(END)?;
        let leading = (head >> 6) as u8;
        let significant = match head & 63 {
            0 => 64,
            n => n as u8,
        };
        if leading + significant > 64 {
            return Err("impossible window of bits");
        }
        s.leading = leading;
        s.trailing = 64 - leading - significant;
    } else if s.leading == NO_WINDOW {
        // Go's reader starts with a window of all 64 bits.
        (s.leading, s.trailing) = (0, 0);
    }
    let n = 64 - u32::from(s.leading) - u32::from(s.trailing);
    s.v ^= r.take_wide(n).ok_or(END)? << s.trailing;
    Ok(())
}

#[cfg(test)]
mod tests;
