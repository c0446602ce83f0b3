//! Files through a trait, so that disks can fill, tear and fail in tests.

mod mem;
mod real;

pub use mem::{Fault, MemFs};
pub use real::RealFs;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file system. Paths are absolute or relative to the process; a simulated one has its own root.
pub trait Fs: Send + Sync {
    /// Opens an existing file for reading.
    ///
    /// # Errors
    /// As the operating system says.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn FsFile>>;

    /// Creates a file for writing (and reading), truncating an existing one.
    ///
    /// # Errors
    /// As the operating system says.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn FsFile>>;

    /// Opens an existing file for reading and writing, without truncating.
    ///
    /// # Errors
    /// As the operating system says.
    fn open_rw(&self, path: &Path) -> io::Result<Arc<dyn FsFile>>;

    /// Names (not paths) of the entries of a directory, ascending.
    ///
    /// # Errors
    /// As the operating system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Creates a directory and its parents; existing ones are fine.
    ///
    /// # Errors
    /// As the operating system says.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Renames a file or directory, replacing a file of that name.
    ///
    /// # Errors
    /// As the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory with all it holds.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove_dir_all(&self, dir: &Path) -> io::Result<()>;

    /// Makes the entries of a directory durable (new, renamed and removed names).
    ///
    /// # Errors
    /// As the operating system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Whether `path` exists and is a directory (`Some(true)`), a file (`Some(false)`) or nothing (`None`).
    fn kind(&self, path: &Path) -> Option<bool>;

    /// Takes an exclusive lock on `path` (created if absent) until the returned guard is dropped.
    ///
    /// # Errors
    /// `WouldBlock` when another process holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>>;

    /// Free bytes for this process on the file system that holds `path`.
    ///
    /// # Errors
    /// As the operating system says.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;

    /// Reads a whole file.
    ///
    /// # Errors
    /// As the operating system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let f = self.open(path)?;
        let mut buf = vec![0; usize::try_from(f.len()?).map_err(io::Error::other)?];
        f.read_exact_at(&mut buf, 0)?;
        Ok(buf)
    }

    /// Writes a file so that a crash leaves either the old or the new content: temporary file, sync, rename, sync.
    ///
    /// # Errors
    /// As the operating system says.
    fn write_atomic(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.write_atomic_in_pieces(path, &mut |file| file.append(data))
    }

    /// As [`Fs::write_atomic`], for what is better not held in memory whole: `write` appends the content.
    ///
    /// # Errors
    /// As `write` and the operating system say.
    fn write_atomic_in_pieces(
        &self,
        path: &Path,
        write: &mut dyn FnMut(&dyn FsFile) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut tmp = path.as_os_str().to_owned();
        tmp.push(".tmp");
        let tmp = PathBuf::from(tmp);
        let f = self.create(&tmp)?;
        write(&*f)?;
        f.sync()?;
        self.rename(&tmp, path)?;
        match path.parent() {
            // A bare name lies in the working directory.
            Some(dir) if dir.as_os_str().is_empty() => self.sync_dir(Path::new(".")),
            Some(dir) => self.sync_dir(dir),
            None => Ok(()),
        }
    }
}

/// An open file. Reads take an offset; writes go to the end.
pub trait FsFile: Send + Sync {
    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file is shorter; else as the operating system says.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `data` at the end. On error a part may have been written: see [`FsFile::len`].
    ///
    /// # Errors
    /// As the operating system says.
    fn append(&self, data: &[u8]) -> io::Result<()>;

    /// Writes all of `data` at `offset` (for headers that are filled in last).
    ///
    /// # Errors
    /// As the operating system says.
    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts or zero-extends the file to `len` bytes.
    ///
    /// # Errors
    /// As the operating system says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes content and length durable (`fdatasync`).
    ///
    /// # Errors
    /// As the operating system says.
    fn sync(&self) -> io::Result<()>;

    /// Length in bytes.
    ///
    /// # Errors
    /// As the operating system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no byte.
    ///
    /// # Errors
    /// As [`FsFile::len`].
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}
