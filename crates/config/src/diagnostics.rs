//! Errors of a configuration with their place: file, line, column, the line itself with a mark, cause and hint.

use std::fmt;

/// A place in a text, both counted from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// One error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where.
    pub at: Position,
    /// What is wrong, in Prometheus' words where it has words.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error without a hint.
    pub fn new(at: Position, message: impl Into<String>) -> Diagnostic {
        Diagnostic { at, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }
}

/// All errors of a file, in its order; never empty. `Display` renders them for a terminal.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    /// Name of the file as it was given.
    pub file: String,
    /// The errors.
    pub items: Vec<Diagnostic>,
    lines: Vec<String>,
}

impl Diagnostics {
    /// Errors of `file`, whose content is `text` (only the lines that errors point at are kept).
    pub fn new(file: &str, text: &str, mut items: Vec<Diagnostic>) -> Diagnostics {
        items.sort_by_key(|d| d.at);
        items.dedup();
        let all: Vec<&str> = text.lines().collect();
        let lines = items.iter().map(|d| shown(&all, d.at.line.saturating_sub(1))).collect();
        Diagnostics { file: file.to_owned(), items, lines }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (d, line)) in self.items.iter().zip(&self.lines).enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{}:{}: {}", self.file, d.at.line, d.at.column, d.message)?;
            snippet(f, d.at, line)?;
            if let Some(hint) = &d.hint {
                write!(f, "\nhint: {hint}")?;
            }
        }
        Ok(())
    }
}

/// Keys whose values are secrets, or hold some.
const SECRET: [&str; 13] = [
    "password",
    "credentials",
    "bearer_token",
    "client_secret",
    "client_certificate_key",
    "secret_key",
    "key",
    "secret",
    "secrets",
    "token",
    "proxy_url",
    "proxy_connect_header",
    "basic_auth_users",
];

/// A line without what may be a secret in it: also not when it lies below the key of one.
fn shown(all: &[&str], number: usize) -> String {
    let line = all.get(number).copied().unwrap_or("");
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut inner = depth(line);
    let mut in_list = line.trim_start().starts_with('-');
    for above in all.iter().take(number).rev().filter(|l| !l.trim().is_empty()) {
        let outer = depth(above);
        let is_item = above.trim_start().starts_with('-');
        if outer < inner || (in_list && outer == inner && !is_item) {
            let key = above.trim_start().trim_start_matches(['-', ' ']).split(':').next().unwrap_or("");
            if SECRET.contains(&key.trim_matches(['"', '\'', ' '])) {
                return "<secret>".to_owned();
            }
            (inner, in_list) = (outer, is_item);
        }
    }
    masked(line)
}

/// The line without the values of keys in it that are secret.
fn masked(line: &str) -> String {
    for (i, _) in line.match_indices(':') {
        let (before, _) = line.split_at(i);
        let name =
            before.rsplit([' ', '{', ',', '\t', '"', '\'']).find(|part| !part.is_empty()).unwrap_or("");
        if SECRET.contains(&name) {
            return format!("{before}: <secret>");
        }
    }
    line.to_owned()
}

fn snippet(f: &mut fmt::Formatter<'_>, at: Position, line: &str) -> fmt::Result {
    /// Longer lines are cut around the mark.
    const WIDTH: usize = 120;
    let column = at.column.saturating_sub(1);
    let skip = column.saturating_sub(WIDTH / 2);
    // A tab is one character wide here, so that the mark stands under its place.
    let shown: String =
        line.chars().skip(skip).take(WIDTH).map(|c| if c == '\t' { ' ' } else { c }).collect();
    if shown.trim().is_empty() {
        return Ok(());
    }
    let number = at.line.to_string();
    let margin = " ".repeat(number.len());
    let left = if skip > 0 { "..." } else { "" };
    write!(f, "\n{number} | {left}{shown}\n{margin} | {}^", " ".repeat(column - skip + left.len()))
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_place_line_mark_and_hint() {
        let d = Diagnostic::new(Position { line: 2, column: 3 }, "no such key").hint("remove it");
        let all = Diagnostics::new("p.yml", "global:\n  foo: 1\n", vec![d]);
        assert_eq!(all.to_string(), "p.yml:2:3: no such key\n2 |   foo: 1\n  |   ^\nhint: remove it");
    }

    #[test]
    fn secrets_stay_out_of_snippets() {
        assert_eq!(masked("  password: hunter2"), "  password: <secret>");
        assert_eq!(
            masked("basic_auth: {username: u, \"password\": p}"),
            "basic_auth: {username: u, \"password\": <secret>"
        );
        assert_eq!(masked("  password_file: x"), "  password_file: x");
        let below = |text: &str| shown(&text.lines().collect::<Vec<_>>(), text.lines().count() - 1);
        assert_eq!(below("basic_auth_users:\n  alice: hunter2"), "<secret>");
        assert_eq!(below("http_headers:\n  X:\n    secrets:\n    - a\n\n    - hunter2"), "<secret>");
        assert_eq!(below("proxy_connect_header:\n  X:\n  - hunter2"), "<secret>");
        assert_eq!(below("- password:\n    hunter2"), "<secret>");
        assert_eq!(below("basic_auth:\n  password: x\n  user: u"), "  user: u");
        assert_eq!(below("secrets:\n- a\nvalues:\n- b"), "- b");
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let line = format!("{}X{}", "a".repeat(200), "b".repeat(200));
        let d = Diagnostic::new(Position { line: 1, column: 201 }, "here");
        let text = Diagnostics::new("f", &line, vec![d]).to_string();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[1].find('X'), rows[2].find('^'));
        assert!(rows[1].len() < 140);
    }
}
