//! Breaking lines: prose between words, commands between arguments with a backslash so that they can be pasted.

/// Prose in lines of at most `width` columns; a longer word stands alone.
pub fn prose(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The part of a line around a column (from 1) that fits into `width`, and where the column is in it (from 1). A dump
/// may be one line of megabytes, with things in it that are nobody's business.
pub(crate) fn around(line: &str, column: usize, width: usize) -> (String, usize) {
    let chars: Vec<char> = line.trim_end().chars().collect();
    let width = width.max(20);
    if chars.len() <= width {
        return (chars.into_iter().collect(), column.max(1));
    }
    let at = column.saturating_sub(1).min(chars.len());
    let from = at.saturating_sub(width / 3).min(chars.len() - width);
    let shown: String = chars.iter().skip(from).take(width).collect();
    (shown, at - from + 1)
}

/// A command in lines that a shell reads as one: broken before an argument, never inside quotes. What follows the first
/// line break of the command itself (a here-document) stays as it is.
pub(crate) fn command(text: &str, width: usize) -> Vec<String> {
    let (head, tail) = text.split_once('\n').map_or((text, None), |(h, t)| (h, Some(t)));
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words(head) {
        if !line.is_empty() && columns(&line) + 1 + columns(word) + 2 > width {
            lines.push(format!("{line} \\"));
            line = "  ".to_owned();
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.extend(tail.into_iter().flat_map(str::lines).map(str::to_owned));
    lines
}

/// Splits at blanks that stand outside single quotes. A backslash outside them takes the meaning from the character behind
/// it (`'\''` is how a quote stands in a quoted text).
fn words(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (i, c) in text.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match c {
            '\\' if !quoted => escaped = true,
            '\'' => quoted = !quoted,
            ' ' if !quoted => {
                if start < i {
                    out.push(&text[start..i]);
                }
                start = i + 1;
            }
            _ => {}
        }
    }
    if start < text.len() {
        out.push(&text[start..]);
    }
    out
}

/// Columns on a terminal: one a character, for what the reports hold.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_lines_are_cut_around_the_place() {
        #[track_caller]
        fn check(line: &str, column: usize, expect: (&str, usize)) {
            let (shown, at) = super::around(line, column, 20);
            assert_eq!((shown.as_str(), at), expect);
        }
        check("  port: x", 3, ("  port: x", 3));
        let long = "0123456789".repeat(5);
        check(&long, 1, ("01234567890123456789", 1));
        check(&long, 26, ("90123456789012345678", 7));
        check(&long, 50, ("01234567890123456789", 20));
    }

    use super::{command, prose};

    #[test]
    fn commands_break_between_arguments() {
        #[track_caller]
        fn check(text: &str, width: usize, expect: &[&str]) {
            assert_eq!(command(text, width), expect);
        }
        check("kubectl get pods", 80, &["kubectl get pods"]);
        check(
            "kubectl -n monitoring patch m x -p '[{\"a\": \"b c\"}]'",
            30,
            &["kubectl -n monitoring patch \\", "  m x -p '[{\"a\": \"b c\"}]'"],
        );
        check(
            r#"kubectl patch x -p '{"a":"Calico'\''s Felix and more"}' --now"#,
            20,
            &["kubectl patch x -p \\", r#"  '{"a":"Calico'\''s Felix and more"}' \"#, "  --now"],
        );
        check("kubectl apply -f - <<'EOF'\na: 1\nEOF", 80, &["kubectl apply -f - <<'EOF'", "a: 1", "EOF"]);
    }

    #[test]
    fn prose_breaks_between_words() {
        assert_eq!(prose("one two  three", 7), ["one two", "three"]);
        assert_eq!(prose("", 7), [""; 0]);
    }
}
