//! Bits most significant first: a small writer for one sample and a reader that refills eight bytes at a time.

/// The bits of one encoded sample, to be laid over a buffer at any bit position.
pub(crate) struct Scratch {
    words: [u64; 4],
    len: u32,
}

impl Scratch {
    /// A scratch whose first bit goes to bit `pos` of a buffer; only `pos` modulo 8 matters here.
    #[inline]
    pub(crate) fn at(pos: u32) -> Scratch {
        Scratch { words: [0; 4], len: pos & 7 }
    }

    /// Appends the low `n` bits of `value`, `1 <= n <= 64`.
    #[inline]
    pub(crate) fn push(&mut self, value: u64, n: u32) {
        let value = value & (u64::MAX >> (64 - n));
        let (word, off) = ((self.len >> 6) as usize & 3, self.len & 63);
        let room = 64 - off;
        if n <= room {
            self.words[word] |= value << (room - n);
        } else {
            self.words[word] |= value >> (n - room);
            self.words[(word + 1) & 3] |= value << (64 - (n - room));
        }
        self.len += n;
    }

    /// Bits written, without those before the start position.
    #[inline]
    pub(crate) fn bits(&self, pos: u32) -> u32 {
        self.len - (pos & 7)
    }

    /// Lays the bits over `buf` at bit `pos`; bytes from there on must be zero, and long enough.
    #[inline]
    pub(crate) fn lay_over(&self, buf: &mut [u8], pos: u32) {
        let start = (pos >> 3) as usize;
        let n = self.len.div_ceil(8) as usize;
        let mut bytes = [0u8; 32];
        for (chunk, w) in bytes.chunks_exact_mut(8).zip(self.words) {
            chunk.copy_from_slice(&w.to_be_bytes());
        }
        let (Some(dst), Some(src)) = (buf.get_mut(start..start + n), bytes.get(..n)) else {
            debug_assert!(false, "buffer too short");
            return;
        };
        if let (Some(d), Some(s)) = (dst.first_mut(), src.first()) {
            *d |= s;
        }
        if n > 1 {
            dst[1..].copy_from_slice(&src[1..]);
        }
    }

    /// A scratch that goes on after the first `off` bits of `word` (left-aligned, `off` below 64).
    #[inline]
    pub(crate) fn after(word: u64, off: u32) -> Scratch {
        Scratch { words: [word, 0, 0, 0], len: off }
    }

    /// Bits in all, those that it began after included.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// The whole words of 64 bits, and the bits after them, left-aligned.
    #[inline]
    pub(crate) fn words(&self) -> (&[u64], u64) {
        let whole = (self.len >> 6) as usize & 3;
        (&self.words[..whole], self.words[whole])
    }
}

/// Reads bits from a byte slice.
pub(crate) struct Reader<'a> {
    data: &'a [u8],
    next: usize,
    /// Unread bits, left-aligned. Below `valid` bits it may hold copies of bits that a refill reads again.
    buf: u64,
    valid: u32,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Reader<'a> {
        Reader { data, next: 0, buf: 0, valid: 0 }
    }

    /// Makes at least 56 bits valid, or all that are left.
    #[inline]
    pub(crate) fn refill(&mut self) {
        if let Some(b) = self.data.get(self.next..).and_then(|d| d.first_chunk::<8>()) {
            self.buf |= u64::from_be_bytes(*b) >> self.valid;
            self.next += ((63 - self.valid) >> 3) as usize;
            self.valid |= 56;
            return;
        }
        while self.valid <= 56 {
            let Some(&b) = self.data.get(self.next) else { return };
            self.buf |= u64::from(b) << (56 - self.valid);
            self.valid += 8;
            self.next += 1;
        }
    }

    /// Number of leading zero bits among those that are valid now.
    #[inline]
    pub(crate) fn zeros(&self) -> u32 {
        self.buf.leading_zeros().min(self.valid)
    }

    /// Takes `n` valid bits away.
    #[inline]
    pub(crate) fn skip(&mut self, n: u32) {
        debug_assert!(n <= self.valid && n < 64);
        self.buf <<= n;
        self.valid -= n;
    }

    /// The next `n` bits, `1 <= n <= 56`; `None` when fewer are left.
    #[inline]
    pub(crate) fn take(&mut self, n: u32) -> Option<u64> {
        if self.valid < n {
            self.refill();
            if self.valid < n {
                return None;
            }
        }
        let v = self.buf >> (64 - n);
        self.buf <<= n;
        self.valid -= n;
        Some(v)
    }

    /// The next `n` bits, `1 <= n <= 64`.
    #[inline]
    pub(crate) fn take_wide(&mut self, n: u32) -> Option<u64> {
        if n <= 32 {
            return self.take(n);
        }
        let high = self.take(n - 32)?;
        Some(high << 32 | self.take(32)?)
    }

    /// An unsigned LEB128 number as Go's `binary.ReadUvarint`.
    pub(crate) fn uvarint(&mut self) -> Option<u64> {
        let mut x = 0u64;
        for shift in (0..70).step_by(7) {
            let b = self.take(8)?;
            if shift == 63 && b > 1 {
                return None;
            }
            x |= (b & 0x7f) << shift;
            if b < 0x80 {
                return Some(x);
            }
        }
        None
    }

    /// A zigzag number as Go's `binary.ReadVarint`.
    pub(crate) fn varint(&mut self) -> Option<i64> {
        let u = self.uvarint()?;
        Some((u >> 1) as i64 ^ -((u & 1) as i64))
    }
}
