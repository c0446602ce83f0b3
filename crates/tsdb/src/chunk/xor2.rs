//! Reading the XOR2 encoding of float samples (Prometheus' feature `xor2-encoding`): one control prefix for timestamp
//! and value, stale markers in a few bits, optional start timestamps. It is read always and never written so far.

use super::ChunkError;
use super::bits::Reader;
use tortie_model::Columns;
use tortie_model::stale::STALE_NAN_BITS;

const END: &str = "unexpected end";

struct State {
    t: i64,
    delta: i64,
    /// Bits of the last value that is not a stale marker: what the next one is compared with.
    base: u64,
    leading: u32,
    trailing: u32,
    st: i64,
    st_diff: i64,
}

/// Appends the samples in `[mint, maxt]` to `out`. See [`super::decode`].
///
/// # Errors
/// When the bytes end too early or a number is impossible.
pub fn decode(data: &[u8], mint: i64, maxt: i64, out: &mut Columns) -> Result<(), ChunkError> {
    let num = super::num_samples(data);
    let fail = |sample: u16| {
        move |what: &'static str| ChunkError::Corrupt { encoding: "XOR2", what, sample, promised: num }
    };
    let (Some(&header), Some(body)) = (data.get(2), data.get(3..)) else { return Err(fail(0)(END)) };
    let (first_st, st_change) = (header & 0x80 != 0, u16::from(header & 0x7f));
    let with_st = first_st || st_change > 0;
    let mut r = Reader::new(body);
    let mut s = State { t: 0, delta: 0, base: 0, leading: 0, trailing: 0, st: 0, st_diff: 0 };
    for k in 0..num {
        let before = s.t;
        let v = match k {
            0 => s.first(&mut r, first_st),
            1 => s.second(&mut r),
            _ => s.joint(&mut r),
        }
        .map_err(fail(k))?;
        if st_change > 0 && k >= st_change {
            let d = varbit(&mut r).ok_or(END).map_err(fail(k))?;
            s.st_diff = if k == st_change { d } else { s.st_diff.wrapping_add(d) };
            s.st = before.wrapping_sub(s.st_diff);
        }
        if s.t > maxt {
            return Ok(());
        }
        if s.t >= mint {
            if with_st {
                // Samples of chunks without start timestamps that were decoded before this one have none.
                out.st.resize(out.t.len(), 0);
                out.st.push(s.st);
            } else if !out.st.is_empty() {
                out.st.push(0);
            }
            out.push(s.t, f64::from_bits(v));
        }
    }
    Ok(())
}

impl State {
    fn first(&mut self, r: &mut Reader<'_>, with_st: bool) -> Result<u64, &'static str> {
        self.t = r.varint().ok_or(END)?;
        let v = r.take_wide(64).ok_or(END)?;
        if v != STALE_NAN_BITS {
            self.base = v;
        }
        if with_st {
            self.st = self.t.wrapping_sub(r.varint().ok_or(END)?);
        }
        Ok(v)
    }

    fn second(&mut self, r: &mut Reader<'_>) -> Result<u64, &'static str> {
        self.delta = r.uvarint().ok_or(END)? as i64;
        self.t = self.t.wrapping_add(self.delta);
        self.value(r)
    }

    fn joint(&mut self, r: &mut Reader<'_>) -> Result<u64, &'static str> {
        let mut ones = 0;
        while ones < 5 && r.take(1).ok_or(END)? == 1 {
            ones += 1;
        }
        let dod = match ones {
            2 => signed(r.take(13).ok_or(END)?, 13),
            3 => signed(r.take(20).ok_or(END)?, 20),
            4 => r.take_wide(64).ok_or(END)? as i64,
            _ => 0,
        };
        self.delta = self.delta.wrapping_add(dod);
        self.t = self.t.wrapping_add(self.delta);
        match ones {
            0 => Ok(self.base),
            1 if r.take(1).ok_or(END)? == 0 => self.in_window(r),
            1 => self.new_window(r),
            5 => Ok(STALE_NAN_BITS),
            _ => self.value(r),
        }
    }

    fn value(&mut self, r: &mut Reader<'_>) -> Result<u64, &'static str> {
        if r.take(1).ok_or(END)? == 0 {
            return Ok(self.base);
        }
        if r.take(1).ok_or(END)? == 0 {
            return self.in_window(r);
        }
        if r.take(1).ok_or(END)? == 0 {
            return self.new_window(r);
        }
        Ok(STALE_NAN_BITS)
    }

    fn new_window(&mut self, r: &mut Reader<'_>) -> Result<u64, &'static str> {
        let head = r.take(11).ok_or(END)? as u32;
        let leading = head >> 6;
        let significant = match head & 63 {
            0 => 64,
            n => n,
        };
        if leading + significant > 64 {
            return Err("impossible window of bits");
        }
        self.leading = leading;
        self.trailing = 64 - leading - significant;
        self.in_window(r)
    }

    fn in_window(&mut self, r: &mut Reader<'_>) -> Result<u64, &'static str> {
        let bits = r.take_wide(64 - self.leading - self.trailing).ok_or(END)?;
        self.base ^= bits << self.trailing;
        Ok(self.base)
    }
}

/// `bits` as a two's complement number of `n` bits.
fn signed(bits: u64, n: u32) -> i64 {
    ((bits << (64 - n)) as i64) >> (64 - n)
}

/// Prometheus' variable length number: a prefix of ones names the length.
fn varbit(r: &mut Reader<'_>) -> Option<i64> {
    let mut ones = 0;
    while ones < 8 && r.take(1)? == 1 {
        ones += 1;
    }
    let n = match ones {
        0 => return Some(0),
        1 => 3,
        2 => 6,
        3 => 9,
        4 => 12,
        5 => 18,
        6 => 25,
        7 => 56,
        _ => return r.take_wide(64).map(|b| b as i64),
    };
    let b = r.take_wide(n)? as i64;
    // Lopsided as in the XOR encoding: half the range itself is positive.
    Some(if b > 1 << (n - 1) { b - (1 << n) } else { b })
}

#[cfg(test)]
mod tests;
