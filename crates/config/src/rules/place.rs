//! Where in a file something inside a value stands: a byte of an expression, a key of a rule.

use crate::diagnostics::Position;

/// The place of byte `offset` of `value`, a scalar that begins at `at` in `text`. Lines of the value are looked up among
/// the lines of the file from there on; where folding or escapes changed them, the place is that of the value.
pub(super) fn in_scalar(text: &str, at: Position, value: &str, offset: usize) -> Position {
    let before = value.get(..offset.min(value.len())).unwrap_or(value);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let column = before.get(line_start..).map_or(0, |s| s.chars().count());
    let line = value.get(line_start..).and_then(|s| s.lines().next()).unwrap_or("");
    let number = before.matches('\n').count();
    if line.trim().is_empty() {
        return at;
    }
    // A block begins in the line after its mark; other scalars where they are.
    let source = text.lines().enumerate().skip(at.line.saturating_sub(1) + number);
    for (i, candidate) in source.take(3) {
        let from = if i + 1 == at.line { at.column.saturating_sub(1) } else { 0 };
        let skipped: usize = candidate.chars().take(from).map(char::len_utf8).sum();
        let Some(rest) = candidate.get(skipped..) else { continue };
        if let Some(found) = rest.find(line) {
            let indent = rest.get(..found).map_or(0, |s| s.chars().count());
            return Position { line: i + 1, column: from + indent + column + 1 };
        }
    }
    folded(text, at, value, offset).unwrap_or(at)
}

/// The place in a folded block: its words stand in the file as they are, only what is between them differs.
fn folded(text: &str, at: Position, value: &str, offset: usize) -> Option<Position> {
    let before = value.get(..offset)?;
    let into_word = before.chars().rev().take_while(|c| !c.is_whitespace()).count();
    let wanted = before.split_whitespace().count() - usize::from(into_word > 0);
    let mut words = value.split_whitespace().enumerate();
    for (i, line) in text.lines().enumerate().skip(at.line.saturating_sub(1)) {
        let skip = if i + 1 == at.line { at.column.saturating_sub(1) } else { 0 };
        let mut column = skip + 1;
        let shown: String = line.chars().skip(skip).collect();
        for piece in shown.split_inclusive(char::is_whitespace) {
            let word = piece.trim_end();
            if !(word.is_empty() || i + 1 == at.line && word.starts_with('>')) {
                let (number, expected) = words.next()?;
                if word != expected {
                    return None;
                }
                if number == wanted {
                    return Some(Position { line: i + 1, column: column + into_word });
                }
            }
            column += piece.chars().count();
        }
    }
    None
}

/// The place of the key `name` in the lines after `at`, or `at` itself.
pub(super) fn of_text(text: &str, at: Position, name: &str) -> Position {
    let lines = text.lines().enumerate().skip(at.line.saturating_sub(1)).take(200);
    for (i, line) in lines {
        let trimmed = line.trim_start().trim_start_matches("- ").trim_start();
        let key = trimmed.trim_start_matches(['"', '\'']);
        if key
            .strip_prefix(name)
            .is_some_and(|r| r.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
        {
            let column = line.chars().count() - trimmed.chars().count() + 1;
            return Position { line: i + 1, column };
        }
    }
    at
}
