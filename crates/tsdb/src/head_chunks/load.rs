//! Reading all head chunk files at a start. Damage ends the reading: that file is cut at its last good chunk and later
//! files are set aside, since the WAL holds what they had.

use super::{ChunkFiles, FILE_HEADER, Header, MAGIC, OUT_OF_ORDER, crc_fits, file_path, parse};
use crate::wal::read::Damage;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tortie_host::{Fs, FsFile};

/// Bytes of a file in memory at a time.
const WINDOW: usize = 1 << 20;

/// A chunk found at a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loaded {
    /// Series reference.
    pub ref_id: u64,
    /// Time of the first sample.
    pub mint: i64,
    /// Time of the last sample.
    pub maxt: i64,
    /// Encoding number, without the out-of-order mark.
    pub encoding: u8,
    /// Whether it is an out-of-order chunk.
    pub out_of_order: bool,
    /// Where it is.
    pub chunk_ref: u64,
}

/// Opens the files of `dir` (created if absent) and hands out every chunk in order. `set_aside` is the directory to
/// which damaged and later files go.
///
/// # Errors
/// When the directory or a file cannot be read; damage is not an error.
pub fn load(
    fs: &Arc<dyn Fs>,
    dir: &Path,
    set_aside: &Path,
    each: &mut dyn FnMut(Loaded) -> bool,
) -> io::Result<(ChunkFiles, Vec<Damage>)> {
    fs.create_dir_all(dir)?;
    let mut seqs: Vec<u32> = fs
        .list(dir)?
        .iter()
        .filter(|n| n.bytes().all(|b| b.is_ascii_digit()))
        .filter_map(|n| n.parse().ok())
        .collect();
    seqs.sort_unstable();
    let mut files: BTreeMap<u32, Arc<dyn FsFile>> = BTreeMap::new();
    let mut damage: Vec<Damage> = Vec::new();
    for (k, &seq) in seqs.iter().enumerate() {
        let path = file_path(dir, seq);
        let file = fs.open_rw(&path)?;
        let gap = k > 0 && seqs.get(k - 1).is_some_and(|before| before + 1 != seq);
        let bad =
            if gap { Some((0, "a file before it is missing")) } else { walk(file.as_ref(), seq, each)? };
        let Some((offset, what)) = bad else {
            files.insert(seq, file);
            continue;
        };
        let last = k + 1 == seqs.len();
        damage.push(Damage { file: path.display().to_string(), offset, what, torn: last });
        let keep = offset > FILE_HEADER && !gap;
        if keep {
            copy(fs, file.as_ref(), &set_aside.join(format!("chunks_head-{seq:06}")), set_aside)?;
            file.set_len(offset)?;
            files.insert(seq, file);
        }
        for &later in seqs.get(k + usize::from(keep)..).unwrap_or(&[]) {
            fs.create_dir_all(set_aside)?;
            fs.rename(&file_path(dir, later), &set_aside.join(format!("chunks_head-{later:06}")))?;
        }
        break;
    }
    Ok((ChunkFiles::new(Arc::clone(fs), dir.to_owned(), files), damage))
}

fn copy(fs: &Arc<dyn Fs>, from: &dyn FsFile, to: &Path, dir: &Path) -> io::Result<()> {
    fs.create_dir_all(dir)?;
    let mut bytes = vec![0; usize::try_from(from.len()?).map_err(io::Error::other)?];
    from.read_exact_at(&mut bytes, 0)?;
    fs.create(to)?.append(&bytes)
}

/// Goes through a file; returns where and why it stopped when that is before the end.
fn walk(
    file: &dyn FsFile,
    seq: u32,
    each: &mut dyn FnMut(Loaded) -> bool,
) -> io::Result<Option<(u64, &'static str)>> {
    let len = file.len()?;
    if len < FILE_HEADER {
        return Ok(Some((0, "file ends within its header")));
    }
    let mut head = [0u8; FILE_HEADER as usize];
    file.read_exact_at(&mut head, 0)?;
    if head[..4] != MAGIC.to_be_bytes() || head[4] != 1 {
        return Ok(Some((0, "magic number or version does not fit")));
    }
    let mut at = FILE_HEADER;
    let mut buf: Vec<u8> = Vec::new();
    let mut start = at; // offset of `buf` in the file
    while at < len {
        let mut bytes = buf.get((at - start) as usize..).unwrap_or(&[]);
        let mut header = parse(bytes);
        if header.as_ref().is_none_or(|h| crc_end(h) > bytes.len()) {
            // A longer window: the chunk crosses its end, or it is the first one.
            let want = header.as_ref().map_or(0, crc_end).max(WINDOW) as u64;
            let n = want.min(len - at);
            if n as usize > bytes.len() {
                buf.resize(n as usize, 0);
                file.read_exact_at(&mut buf, at)?;
                start = at;
                bytes = &buf;
                header = parse(bytes);
            }
        }
        let Some(h) = header else {
            let zero = bytes.iter().all(|b| *b == 0);
            return Ok((!zero).then_some((at, "chunk header does not fit")));
        };
        if h.ref_id == 0 && h.mint == 0 && h.maxt == 0 {
            // Files of other systems are allocated ahead: zeros end them.
            return Ok(None);
        }
        if crc_end(&h) > bytes.len() || !crc_fits(bytes, &h) {
            return Ok(Some((at, "chunk is cut or its checksum does not fit")));
        }
        let fine = each(Loaded {
            ref_id: h.ref_id,
            mint: h.mint,
            maxt: h.maxt,
            encoding: h.encoding & !OUT_OF_ORDER,
            out_of_order: h.encoding & OUT_OF_ORDER != 0,
            chunk_ref: u64::from(seq) << 32 | at,
        });
        if !fine {
            return Ok(Some((at, "chunk is out of sequence")));
        }
        at += crc_end(&h) as u64;
    }
    Ok(None)
}

fn crc_end(h: &Header) -> usize {
    h.data_start.saturating_add(h.data_len).saturating_add(4)
}
