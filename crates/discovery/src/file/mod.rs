//! Discovery by files: which files match, what they hold, when they change.

mod content;

use crate::group::TargetGroup;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tortie_host::Fs;
use twox_hash::XxHash64;

/// A file that could not be used; its last good content is still in use, if there was any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// The file.
    pub path: String,
    /// What is wrong with it, with line and column where they are known.
    pub error: String,
    /// Whether targets of an earlier content of the file are in use.
    pub keeps_old: bool,
}

/// The files of one entry of `file_sd_configs`, with what was read last.
pub(crate) struct Files {
    fs: Arc<dyn Fs>,
    patterns: Vec<String>,
    known: BTreeMap<String, Known>,
}

/// What is known of a file.
#[derive(Default)]
struct Known {
    /// Hash and length of the content that was looked at last, good or bad.
    seen: Option<(u64, usize)>,
    /// Groups of the last good content.
    groups: Option<Vec<TargetGroup>>,
    /// Why the content that was looked at last is no good.
    error: Option<String>,
}

impl Files {
    pub(crate) fn new(fs: Arc<dyn Fs>, patterns: Vec<String>) -> Files {
        Files { fs, patterns, known: BTreeMap::new() }
    }

    /// Looks at all files. Files that went are forgotten with their groups; a file that is no good keeps its groups.
    pub(crate) fn refresh(&mut self) {
        let mut now = BTreeMap::new();
        for pattern in &self.patterns {
            for path in tortie_host::glob::expand(&*self.fs, pattern) {
                let mut known = self.known.remove(&path).or_else(|| now.remove(&path)).unwrap_or_default();
                look(&*self.fs, &path, &mut known);
                now.insert(path, known);
            }
        }
        self.known = now;
    }

    /// Groups of all files, by path.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &TargetGroup> {
        self.known.values().filter_map(|k| k.groups.as_ref()).flatten()
    }

    /// Files that are no good.
    pub(crate) fn problems(&self) -> impl Iterator<Item = FileProblem> {
        self.known.iter().filter_map(|(path, k)| {
            let error = k.error.clone()?;
            Some(FileProblem { path: path.clone(), error, keeps_old: k.groups.is_some() })
        })
    }
}

fn look(fs: &dyn Fs, path: &str, known: &mut Known) {
    let parsed = match fs.read(Path::new(path)) {
        Ok(bytes) => {
            // The content itself is compared: it is small, and times of files are coarse and may stand still.
            let seen = Some((XxHash64::oneshot(0, &bytes), bytes.len()));
            if known.seen == seen {
                return;
            }
            known.seen = seen;
            content::parse(path, &bytes)
        }
        Err(e) => {
            known.seen = None;
            Err(e.to_string())
        }
    };
    match parsed {
        Ok(groups) => {
            known.groups = Some(groups);
            known.error = None;
        }
        Err(error) => {
            if known.error.as_deref() != Some(error.as_str()) {
                tracing::error!(component = "discovery", discovery = "file", path, err = %error, "Error reading file");
            }
            known.error = Some(error);
        }
    }
}
