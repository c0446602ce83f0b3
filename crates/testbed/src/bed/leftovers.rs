//! Folders of beds whose test was killed: their processes went with it, their files did not.

use std::path::Path;
use std::time::Duration;

/// How the name of a bed's folder begins.
pub(super) const PREFIX: &str = "testbed-";
/// File with the process id of the folder's owner.
const OWNER: &str = "owner";
/// A folder without that file is being made, unless it is this old.
const OLD: Duration = Duration::from_secs(3600);

/// Says in `folder` whose it is.
pub(super) fn own(folder: &Path) -> std::io::Result<()> {
    std::fs::write(folder.join(OWNER), std::process::id().to_string())
}

/// Removes the folders in `parent` whose owner is gone. One that cannot be removed is left to the next.
pub(super) fn remove(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_left(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn is_left(folder: &Path) -> bool {
    match std::fs::read_to_string(folder.join(OWNER)) {
        Ok(id) => !Path::new("/proc").join(id.trim()).exists(),
        Err(_) => {
            let made = folder.metadata().and_then(|m| m.modified());
            made.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_owns_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = |name: &str, owner: Option<&str>| {
            let path = parent.path().join(name);
            std::fs::create_dir(&path).unwrap();
            if let Some(owner) = owner {
                std::fs::write(path.join(OWNER), owner).unwrap();
            }
            path
        };
        let dead = folder("testbed-dead", Some("4194999"));
        let new = folder("testbed-new", None);
        let foreign = folder("other-dead", Some("4194999"));
        let live = folder("testbed-live", None);
        own(&live).unwrap();
        remove(parent.path());
        assert!(!dead.exists() && new.exists() && foreign.exists() && live.exists());
    }
}
