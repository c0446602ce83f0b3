//! The bodies of one recorded target.

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use tortie_host::Fs;

use super::stamp::stamp;
use crate::error::SimError;
use crate::gzip;

/// A body with its compressed form, which is made when it is first asked for.
#[derive(Debug)]
pub(crate) struct Body {
    plain: Bytes,
    gzip: OnceLock<Bytes>,
}

impl Body {
    fn new(plain: Vec<u8>) -> Arc<Body> {
        Arc::new(Body { plain: Bytes::from(plain), gzip: OnceLock::new() })
    }

    /// The bytes to send.
    pub(crate) fn for_client(&self, gzip: bool) -> Bytes {
        if gzip { self.gzip.get_or_init(|| gzip::whole(&self.plain)).clone() } else { self.plain.clone() }
    }
}

/// All bodies of one NAME, and the last stamped ones.
pub(crate) struct Recording {
    /// NAME of the files.
    pub name: String,
    bodies: Vec<Arc<Body>>,
    /// Bodies with timestamps by k. Copies ask for the same k at about the same time, so a few suffice.
    stamped: Mutex<Vec<(u64, Arc<Body>)>>,
}

/// Stamped bodies kept for each recording.
const STAMPED: usize = 64;

impl Recording {
    /// Reads all recordings of a folder, by name.
    pub(crate) fn read_all(fs: &dyn Fs, dir: &Path) -> Result<Vec<Recording>, SimError> {
        let names = fs.list(dir).map_err(|source| SimError::Read { path: dir.to_path_buf(), source })?;
        let mut files: Vec<(String, u32, String)> = names
            .into_iter()
            .filter_map(|file| {
                let (name, k) = file.strip_suffix(".prom")?.rsplit_once('.')?;
                Some((name.to_owned(), k.parse().ok()?, file.clone()))
            })
            .collect();
        if files.is_empty() {
            return Err(SimError::NoScrapes { path: dir.to_path_buf() });
        }
        files.sort();
        let mut out: Vec<Recording> = Vec::new();
        for (name, _, file) in files {
            let path = dir.join(file);
            let body = Body::new(fs.read(&path).map_err(|source| SimError::Read { path, source })?);
            match out.last_mut() {
                Some(last) if last.name == name => last.bodies.push(body),
                _ => out.push(Recording { name, bodies: vec![body], stamped: Mutex::new(Vec::new()) }),
            }
        }
        Ok(out)
    }

    /// Number of bodies, at least 1.
    pub(crate) fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Body `k`, counted on from the first one after the last.
    pub(crate) fn plain(&self, k: u64) -> Arc<Body> {
        let i = (k % self.bodies.len().max(1) as u64) as usize;
        self.bodies.get(i).cloned().unwrap_or_else(|| Body::new(Vec::new()))
    }

    /// Body `k` with the timestamp `ms` on each sample.
    pub(crate) fn stamped(&self, k: u64, ms: i64) -> Arc<Body> {
        // A panic while the lock is held leaves the list whole: entries are pushed complete.
        let mut kept = self.stamped.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, body)) = kept.iter().find(|(at, _)| *at == k) {
            return body.clone();
        }
        let body = Body::new(stamp(&self.plain(k).plain, ms));
        if kept.len() >= STAMPED {
            kept.remove(0);
        }
        kept.push((k, body.clone()));
        body
    }
}
