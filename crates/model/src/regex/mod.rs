//! Regular expressions in Go's syntax, matched by `regex-automata`.
//!
//! Prometheus' patterns are anchored at both ends. Most never reach the engine: lists of words and words with `.*`
//! around them are compared directly.

mod class;
mod expand;
mod fast;
mod node;
mod parse;

use fast::Fast;
use regex_automata::meta;
use regex_syntax::hir::{Hir, Look};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Memory that the compiled form of one pattern may take, bytes. Go's limit counts instructions instead.
const MAX_COMPILED: usize = 64 << 20;

/// Why a pattern was refused, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {message}")]
pub struct RegexError {
    /// Go's message after `error parsing regexp: `.
    pub message: String,
}

/// A compiled pattern that matches whole texts. Clones share it.
#[derive(Clone)]
pub struct Regex {
    inner: Arc<Inner>,
}

struct Inner {
    pattern: String,
    groups: Vec<Option<String>>,
    hir: Hir,
    fast: Option<Fast>,
    prefix: Option<String>,
    /// The whole pattern is one group around `.*`: relabelling's default, whose groups are known at once.
    whole_group: bool,
    engine: OnceLock<Option<meta::Regex>>,
}

impl Regex {
    /// Compiles the text `^(?s:PATTERN)$`, as Prometheus does for relabelling and `label_replace`. Errors quote that
    /// text where Prometheus' do.
    ///
    /// # Errors
    /// When the pattern is not of Go's syntax or too large.
    pub fn anchored(pattern: &str) -> Result<Regex, RegexError> {
        let parsed = parse::parse(&format!("^(?s:{pattern})$"), false)?;
        // Without a look-around within, the two at the ends say no more than "the whole text".
        let plain = parse::parse(pattern, true).ok().filter(|p| p.groups == parsed.groups);
        Regex::build(pattern, parsed, plain.as_ref().map(|p| &p.node.hir))
    }

    /// Compiles a pattern of a label matcher: as [`Regex::anchored`], but the pattern must stand on its own, and errors
    /// quote it alone.
    ///
    /// # Errors
    /// When the pattern is not of Go's syntax or too large.
    pub fn matcher(pattern: &str) -> Result<Regex, RegexError> {
        let mut parsed = parse::parse(pattern, true)?;
        let plain = parsed.node.hir.clone();
        parsed.node.hir = Hir::concat(vec![Hir::look(Look::Start), parsed.node.hir, Hir::look(Look::End)]);
        Regex::build(pattern, parsed, Some(&plain))
    }

    /// Compiles a pattern that may match anywhere in a text, as Go's `regexp.Compile`: for [`Regex::is_match`] and
    /// [`Regex::captures_from`].
    ///
    /// # Errors
    /// When the pattern is not of Go's syntax or too large.
    pub fn search(pattern: &str) -> Result<Regex, RegexError> {
        Regex::build(pattern, parse::parse(pattern, false)?, None)
    }

    fn build(pattern: &str, parsed: parse::Parsed, plain: Option<&Hir>) -> Result<Regex, RegexError> {
        let fast = plain.and_then(Fast::of);
        let prefix = plain.and_then(fast::prefix);
        let inner = Inner {
            pattern: pattern.to_owned(),
            groups: parsed.groups,
            hir: parsed.node.hir,
            fast,
            prefix,
            whole_group: plain.is_some() && pattern == "(.*)",
            engine: OnceLock::new(),
        };
        // Patterns with a quick way compile when somebody asks for groups; they are small.
        if inner.fast.is_none() && inner.engine().is_none() {
            return Err(RegexError { message: format!("expression too large: `{pattern}`") });
        }
        Ok(Regex { inner: Arc::new(inner) })
    }

    /// The pattern as it was given.
    pub fn as_str(&self) -> &str {
        &self.inner.pattern
    }

    /// Whether the whole of `s` matches.
    pub fn is_match(&self, s: &str) -> bool {
        match &self.inner.fast {
            Some(fast) => fast.is_match(s),
            None => self.inner.engine().is_some_and(|e| e.is_match(s)),
        }
    }

    /// The groups of a match of the whole of `s`, or nothing when it does not match.
    pub fn captures(&self, s: &str) -> Option<Captures<'_>> {
        let names = &self.inner.groups;
        if self.inner.whole_group {
            return Some(Captures { spans: vec![Some((0, s.len())); 2], names });
        }
        if !self.inner.fast.as_ref().is_none_or(|f| f.is_match(s)) {
            return None;
        }
        if names.len() == 1 && self.inner.fast.is_some() {
            return Some(Captures { spans: vec![Some((0, s.len()))], names });
        }
        let engine = self.inner.engine()?;
        let mut found = engine.create_captures();
        engine.captures(s, &mut found);
        if !found.is_match() {
            return None;
        }
        let spans = (0..names.len()).map(|i| found.get_group(i).map(|span| (span.start, span.end))).collect();
        Some(Captures { spans, names })
    }

    /// The groups of the first match of a [`Regex::search`] in `s` that begins at byte `from` or later.
    pub fn captures_from(&self, s: &str, from: usize) -> Option<Captures<'_>> {
        let names = &self.inner.groups;
        let engine = self.inner.engine()?;
        let mut found = engine.create_captures();
        let input = regex_automata::Input::new(s).range(from.min(s.len())..);
        engine.search_captures(&input, &mut found);
        if !found.is_match() {
            return None;
        }
        let spans = (0..names.len()).map(|i| found.get_group(i).map(|span| (span.start, span.end))).collect();
        Some(Captures { spans, names })
    }

    /// Appends `template` with `$1`, `${1}`, `$name`, `${name}` replaced by groups of `captures` of `s`, as Go's
    /// `Regexp.ExpandString`; `$$` is a dollar sign.
    pub fn expand(&self, template: &str, s: &str, captures: &Captures<'_>, out: &mut String) {
        expand::expand(template, s, captures, out);
    }

    /// Names of the groups; the first, the whole match, has none.
    pub fn group_names(&self) -> &[Option<String>] {
        &self.inner.groups
    }

    /// All texts that match, when they are at most 256 and known without matching: look these up instead.
    pub fn set_matches(&self) -> Option<&[String]> {
        self.inner.fast.as_ref().and_then(Fast::words)
    }

    /// The text that every match starts with, if there is one: sorted values outside it need no look.
    pub fn prefix(&self) -> Option<&str> {
        self.inner.prefix.as_deref()
    }
}

impl Inner {
    fn engine(&self) -> Option<&meta::Regex> {
        self.engine
            .get_or_init(|| {
                let config = meta::Config::new().nfa_size_limit(Some(MAX_COMPILED));
                meta::Builder::new().configure(config).build_from_hir(&self.hir).ok()
            })
            .as_ref()
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regex({:?})", self.inner.pattern)
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.inner.pattern == other.inner.pattern
    }
}
impl Eq for Regex {}

/// Where the groups of a match are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captures<'r> {
    spans: Vec<Option<(usize, usize)>>,
    names: &'r [Option<String>],
}

impl Captures<'_> {
    /// Start and end (bytes) of a group; 0 is the whole match.
    pub fn span(&self, index: usize) -> Option<(usize, usize)> {
        self.spans.get(index).copied().flatten()
    }

    /// Start and end (bytes) of the first group of that name that matched.
    pub fn named(&self, name: &str) -> Option<(usize, usize)> {
        let named = self.names.iter().zip(&self.spans);
        named.filter(|(n, _)| n.as_deref() == Some(name)).find_map(|(_, span)| *span)
    }
}

#[cfg(test)]
mod tests;
