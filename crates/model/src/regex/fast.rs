//! Ways to match without an engine: most patterns of Prometheus' world are lists of words, or words with `.*` around.

use regex_syntax::hir::literal::{ExtractKind, Extractor, Seq};
use regex_syntax::hir::{Class, Hir, HirKind};
use std::collections::HashSet;

/// Longest list of words that a pattern is turned into.
const MAX_SET: usize = 256;
/// From here on a hash set is quicker than comparing one by one.
const HASHED_FROM: usize = 16;

/// A matcher of whole texts.
#[derive(Debug)]
pub(super) enum Fast {
    /// Exactly one of these words.
    Words(Vec<String>),
    /// One of many words.
    Hashed(Vec<String>, HashSet<String, foldhash::fast::RandomState>),
    /// Words with any text between: starts with, contains in this order, ends with.
    Gaps {
        /// What the text starts with.
        prefix: String,
        /// What follows, in order.
        middle: Vec<memchr::memmem::Finder<'static>>,
        /// What the text ends with.
        suffix: String,
        /// Fewest bytes that the gaps hold together (`.+` holds one); 0 or 1, 1 only without middle words.
        least: usize,
    },
}

impl Fast {
    /// The quick way for `hir`, which matches whole texts, if there is one.
    pub(super) fn of(hir: &Hir) -> Option<Fast> {
        if let Some(words) = words(hir) {
            if words.len() < HASHED_FROM {
                return Some(Fast::Words(words));
            }
            let set = words.iter().cloned().collect();
            return Some(Fast::Hashed(words, set));
        }
        gaps(hir)
    }

    /// Whether the whole of `s` matches.
    pub(super) fn is_match(&self, s: &str) -> bool {
        match self {
            Fast::Words(words) => words.iter().any(|w| w == s),
            Fast::Hashed(_, set) => set.contains(s),
            Fast::Gaps { prefix, middle, suffix, least } => {
                if s.len() < prefix.len() + suffix.len() + least
                    || !s.starts_with(prefix.as_str())
                    || !s.ends_with(suffix.as_str())
                {
                    return false;
                }
                let mut rest = s.as_bytes().get(prefix.len()..s.len() - suffix.len()).unwrap_or(&[]);
                for word in middle {
                    let Some(at) = word.find(rest) else { return false };
                    rest = rest.get(at + word.needle().len()..).unwrap_or(&[]);
                }
                true
            }
        }
    }

    /// All texts that match, when they are few.
    pub(super) fn words(&self) -> Option<&[String]> {
        match self {
            Fast::Words(words) | Fast::Hashed(words, _) => Some(words),
            Fast::Gaps { .. } => None,
        }
    }
}

fn extract(hir: &Hir, kind: ExtractKind) -> Seq {
    let mut e = Extractor::new();
    e.kind(kind).limit_class(MAX_SET).limit_total(MAX_SET).limit_repeat(MAX_SET).limit_literal_len(4096);
    e.extract(hir)
}

/// All texts that `hir` matches, when they are few. Look-arounds are beyond the extractor.
fn words(hir: &Hir) -> Option<Vec<String>> {
    if !hir.properties().look_set().is_empty() {
        return None;
    }
    let seq = extract(hir, ExtractKind::Prefix);
    if !seq.is_exact() {
        return None;
    }
    let literals = seq.literals()?;
    let mut out = Vec::with_capacity(literals.len());
    let mut seen = HashSet::new();
    for literal in literals {
        let word = std::str::from_utf8(literal.as_bytes()).ok()?;
        if seen.insert(word) {
            out.push(word.to_owned());
        }
    }
    Some(out)
}

/// The text that everything `hir` matches starts with.
pub(super) fn prefix(hir: &Hir) -> Option<String> {
    let seq = extract(hir, ExtractKind::Prefix);
    let common = seq.longest_common_prefix()?;
    let valid = match std::str::from_utf8(common) {
        Ok(s) => s,
        Err(e) => std::str::from_utf8(common.get(..e.valid_up_to())?).ok()?,
    };
    (!valid.is_empty()).then(|| valid.to_owned())
}

enum Piece<'a> {
    Word(&'a str),
    Any(usize),
}

fn gaps(hir: &Hir) -> Option<Fast> {
    let mut pieces = Vec::new();
    flatten(hir, &mut pieces)?;
    let (mut prefix, mut middle, mut suffix) = (String::new(), Vec::new(), String::new());
    let (mut least, mut any) = (0, false);
    for piece in pieces {
        match piece {
            Piece::Any(min) => {
                if !suffix.is_empty() {
                    middle.push(memchr::memmem::Finder::new(suffix.as_bytes()).into_owned());
                    suffix.clear();
                }
                least += min;
                any = true;
            }
            Piece::Word(w) if any => suffix.push_str(w),
            Piece::Word(w) => prefix.push_str(w),
        }
    }
    // `.+` beside a middle word would need to know on which side of it the character is.
    (any && (least == 0 || (least == 1 && middle.is_empty()))).then_some(Fast::Gaps {
        prefix,
        middle,
        suffix,
        least,
    })
}

fn flatten<'a>(hir: &'a Hir, out: &mut Vec<Piece<'a>>) -> Option<()> {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(l) => out.push(Piece::Word(std::str::from_utf8(&l.0).ok()?)),
        HirKind::Capture(c) => flatten(&c.sub, out)?,
        HirKind::Repetition(r) if r.max.is_none() && r.min <= 1 && is_any_char(&r.sub) => {
            out.push(Piece::Any(r.min as usize))
        }
        HirKind::Concat(parts) => {
            for part in parts {
                flatten(part, out)?;
            }
        }
        _ => return None,
    }
    Some(())
}

fn is_any_char(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Capture(c) => is_any_char(&c.sub),
        HirKind::Class(Class::Unicode(c)) => {
            // Surrogates are left out of classes, so "any" may be two ranges.
            let mut next = '\0';
            for r in c.ranges() {
                if r.start() != next {
                    return false;
                }
                next = match r.end() {
                    char::MAX => return true,
                    '\u{d7ff}' => '\u{e000}',
                    end => char::from_u32(u32::from(end) + 1).unwrap_or(char::MAX),
                };
            }
            false
        }
        _ => false,
    }
}
