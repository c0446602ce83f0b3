//! A file system in memory that can be told to fail.

use super::{Fs, FsFile};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a simulated disk does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Writes fail with `ENOSPC` once this many bytes in all were written; the part that fits is written.
    FullAfter(u64),
    /// Syncs fail with `EIO`.
    SyncFails,
    /// Reads fail with `EIO`.
    ReadFails,
}

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Arc<Mutex<Content>>>,
    dirs: BTreeSet<PathBuf>,
    locks: BTreeSet<PathBuf>,
    fault: Option<Fault>,
    written: u64,
}

#[derive(Default)]
struct Content {
    data: Vec<u8>,
    synced: usize,
}

/// Files in memory; clones share them.
#[derive(Clone, Default)]
pub struct MemFs {
    state: Arc<Mutex<State>>,
}

struct MemFile {
    content: Arc<Mutex<Content>>,
    state: Arc<Mutex<State>>,
}

struct LockGuard {
    state: Arc<Mutex<State>>,
    path: PathBuf,
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        locked(&self.state).locks.remove(&self.path);
    }
}

fn locked<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no such file: {}", path.display()))
}

impl MemFs {
    /// An empty file system.
    pub fn new() -> MemFs {
        MemFs::default()
    }

    /// From now on the disk behaves as `fault` says; `None` mends it.
    pub fn set_fault(&self, fault: Option<Fault>) {
        locked(&self.state).fault = fault;
    }

    /// Bytes written so far, for [`Fault::FullAfter`].
    pub fn written(&self) -> u64 {
        locked(&self.state).written
    }

    /// What a power failure leaves: every file cut back to what was synced.
    pub fn lose_unsynced(&self) {
        for c in locked(&self.state).files.values() {
            let mut c = locked(c);
            let n = c.synced;
            c.data.truncate(n);
        }
    }

    fn file(&self, content: &Arc<Mutex<Content>>) -> Arc<dyn FsFile> {
        Arc::new(MemFile { content: Arc::clone(content), state: Arc::clone(&self.state) })
    }
}

impl Fs for MemFs {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn FsFile>> {
        let s = locked(&self.state);
        s.files.get(path).map(|c| self.file(c)).ok_or_else(|| not_found(path))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn FsFile>> {
        let mut s = locked(&self.state);
        let c = Arc::new(Mutex::new(Content::default()));
        s.files.insert(path.to_owned(), Arc::clone(&c));
        Ok(self.file(&c))
    }

    fn open_rw(&self, path: &Path) -> io::Result<Arc<dyn FsFile>> {
        self.open(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let s = locked(&self.state);
        let mut names = BTreeSet::new();
        for p in s.files.keys().chain(s.dirs.iter()) {
            if let Ok(rest) = p.strip_prefix(dir)
                && let Some(first) = rest.components().next()
            {
                names.insert(first.as_os_str().to_string_lossy().into_owned());
            }
        }
        if names.is_empty() && !s.dirs.contains(dir) {
            return Err(not_found(dir));
        }
        Ok(names.into_iter().collect())
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut s = locked(&self.state);
        for d in dir.ancestors() {
            s.dirs.insert(d.to_owned());
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut s = locked(&self.state);
        if let Some(c) = s.files.remove(from) {
            s.files.insert(to.to_owned(), c);
            return Ok(());
        }
        if !s.dirs.contains(from) {
            return Err(not_found(from));
        }
        let moved = |p: &PathBuf| {
            p.strip_prefix(from)
                .ok()
                .map(|r| if r.as_os_str().is_empty() { to.to_owned() } else { to.join(r) })
        };
        let files: Vec<_> = s.files.keys().filter_map(|p| moved(p).map(|n| (p.clone(), n))).collect();
        for (old, new) in files {
            if let Some(c) = s.files.remove(&old) {
                s.files.insert(new, c);
            }
        }
        let dirs: Vec<_> = s.dirs.iter().filter_map(|p| moved(p).map(|n| (p.clone(), n))).collect();
        for (old, new) in dirs {
            s.dirs.remove(&old);
            s.dirs.insert(new);
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        locked(&self.state).files.remove(path).map(|_| ()).ok_or_else(|| not_found(path))
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut s = locked(&self.state);
        s.files.retain(|p, _| !p.starts_with(dir));
        s.dirs.retain(|p| !p.starts_with(dir));
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn kind(&self, path: &Path) -> Option<bool> {
        let s = locked(&self.state);
        if s.files.contains_key(path) {
            return Some(false);
        }
        s.dirs.contains(path).then_some(true)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        if !locked(&self.state).locks.insert(path.to_owned()) {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "locked"));
        }
        Ok(Box::new(LockGuard { state: Arc::clone(&self.state), path: path.to_owned() }))
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        let s = locked(&self.state);
        Ok(match s.fault {
            Some(Fault::FullAfter(n)) => n.saturating_sub(s.written),
            _ => u64::MAX,
        })
    }
}

impl MemFile {
    /// How many of `n` bytes may be written now.
    fn room(&self, n: usize) -> usize {
        let mut s = locked(&self.state);
        let fits = match s.fault {
            Some(Fault::FullAfter(max)) => {
                usize::try_from(max.saturating_sub(s.written)).map_or(n, |r| r.min(n))
            }
            _ => n,
        };
        s.written += fits as u64;
        fits
    }
}

impl FsFile for MemFile {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if locked(&self.state).fault == Some(Fault::ReadFails) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let c = locked(&self.content);
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let end = start.checked_add(buf.len()).filter(|&e| e <= c.data.len());
        match end {
            Some(end) => {
                buf.copy_from_slice(&c.data[start..end]);
                Ok(())
            }
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn append(&self, data: &[u8]) -> io::Result<()> {
        let fits = self.room(data.len());
        locked(&self.content).data.extend_from_slice(&data[..fits]);
        if fits < data.len() { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        let fits = self.room(data.len());
        let mut c = locked(&self.content);
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        if c.data.len() < start + fits {
            c.data.resize(start + fits, 0);
        }
        c.data[start..start + fits].copy_from_slice(&data[..fits]);
        if fits < data.len() { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut c = locked(&self.content);
        c.data.resize(usize::try_from(len).map_err(io::Error::other)?, 0);
        c.synced = c.synced.min(c.data.len());
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        if locked(&self.state).fault == Some(Fault::SyncFails) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let mut c = locked(&self.content);
        c.synced = c.data.len();
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(locked(&self.content).data.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_takes_what_fits_and_says_so() {
        let fs = MemFs::new();
        fs.set_fault(Some(Fault::FullAfter(3)));
        let f = fs.create(Path::new("/a")).unwrap();
        assert_eq!(f.append(b"hello").unwrap_err().raw_os_error(), Some(28));
        assert_eq!(f.len().unwrap(), 3);
        fs.set_fault(None);
        f.append(b"lo").unwrap();
        assert_eq!(fs.read(Path::new("/a")).unwrap(), b"hello");
    }

    #[test]
    fn directories_list_and_move_with_their_files() {
        let fs = MemFs::new();
        fs.create_dir_all(Path::new("/d/x")).unwrap();
        fs.create(Path::new("/d/x/f")).unwrap().append(b"1").unwrap();
        fs.rename(Path::new("/d/x"), Path::new("/d/y")).unwrap();
        assert_eq!(fs.list(Path::new("/d")).unwrap(), ["y"]);
        assert_eq!(fs.read(Path::new("/d/y/f")).unwrap(), b"1");
        assert!(fs.list(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn power_failure_keeps_what_was_synced() {
        let fs = MemFs::new();
        let f = fs.create(Path::new("/a")).unwrap();
        f.append(b"ab").unwrap();
        f.sync().unwrap();
        f.append(b"cd").unwrap();
        fs.lose_unsynced();
        assert_eq!(fs.read(Path::new("/a")).unwrap(), b"ab");
    }
}
