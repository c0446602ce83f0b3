//! Writes the sections of a configuration, leaving out what the version does not know.

use crate::crds::version::Version;
use tortie_config::emit::Doc;

/// A value of a configuration.
pub(super) trait Value {
    fn doc(self) -> Doc;
}

impl Value for Doc {
    fn doc(self) -> Doc {
        self
    }
}
impl Value for Map<'_> {
    fn doc(self) -> Doc {
        Doc::Map(self.entries)
    }
}
impl Value for bool {
    fn doc(self) -> Doc {
        Doc::Raw(self.to_string())
    }
}
impl Value for i64 {
    fn doc(self) -> Doc {
        Doc::Raw(self.to_string())
    }
}
impl Value for i32 {
    fn doc(self) -> Doc {
        Doc::Raw(self.to_string())
    }
}
impl Value for f64 {
    fn doc(self) -> Doc {
        Doc::Raw(tortie_model::gofloat::format_g(self))
    }
}
impl Value for &str {
    fn doc(self) -> Doc {
        Doc::Text(self.to_owned())
    }
}
impl Value for String {
    fn doc(self) -> Doc {
        Doc::Text(self)
    }
}
impl Value for &String {
    fn doc(self) -> Doc {
        Doc::Text(self.clone())
    }
}
impl Value for &[String] {
    fn doc(self) -> Doc {
        Doc::List(self.iter().map(|s| Doc::Text(s.clone())).collect())
    }
}
impl Value for &[&str] {
    fn doc(self) -> Doc {
        Doc::List(self.iter().map(|s| Doc::Text((*s).to_owned())).collect())
    }
}
impl Value for Vec<Doc> {
    fn doc(self) -> Doc {
        Doc::List(self)
    }
}

/// A mapping that is being written.
#[derive(Debug, Clone)]
pub(super) struct Map<'a> {
    version: &'a Version,
    entries: Vec<(String, Doc)>,
}

impl<'a> Map<'a> {
    pub(super) fn new(version: &'a Version) -> Map<'a> {
        Map { version, entries: Vec::new() }
    }

    pub(super) fn put(&mut self, key: &str, value: impl Value) {
        self.entries.push((key.to_owned(), value.doc()));
    }

    /// Puts what is there.
    pub(super) fn maybe(&mut self, key: &str, value: Option<impl Value>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    /// Puts a text that is not empty.
    pub(super) fn filled(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.put(key, value);
        }
    }

    /// Puts what is there when the version knows it.
    pub(super) fn since(&mut self, minimum: &str, key: &str, value: Option<impl Value>) {
        if let Some(value) = value
            && self.version.since(minimum)
        {
            self.put(key, value);
        }
    }

    pub(super) fn version(&self) -> &'a Version {
        self.version
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
