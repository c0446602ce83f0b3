//! Writes YAML the way Prometheus' library does: lists not indented under their key, quotes only where they must be,
//! long texts folded at 80 columns. The effective configuration is compared by people and tools, byte for byte.

use tortie_model::gofloat;

/// From here on texts and flow lists go on in the next line.
const WIDTH: usize = 80;

/// A document to write.
#[derive(Debug, Clone, PartialEq)]
pub enum Doc {
    /// A text, quoted where it must be.
    Text(String),
    /// A number or boolean as it stands.
    Raw(String),
    /// A list.
    List(Vec<Doc>),
    /// A list of texts in one line.
    Flow(Vec<String>),
    /// A mapping.
    Map(Vec<(String, Doc)>),
}

/// The text of a document.
pub fn emit(doc: &Doc) -> String {
    let mut w = Writer { out: String::new(), column: 0 };
    match doc {
        Doc::Map(entries) if !entries.is_empty() => w.map(entries, 0),
        Doc::List(items) if !items.is_empty() => w.list(items, 0),
        other => w.inline(other, 0),
    }
    w.out
}

struct Writer {
    out: String,
    column: usize,
}

impl Writer {
    fn put(&mut self, s: &str) {
        self.out.push_str(s);
        self.column += s.chars().count();
    }

    fn line(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.push_str(&" ".repeat(indent));
        self.column = indent;
    }

    fn end(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Writes the entries; the first stands where the writer is.
    fn map(&mut self, entries: &[(String, Doc)], indent: usize) {
        for (i, (key, value)) in entries.iter().enumerate() {
            if i > 0 {
                self.put(&" ".repeat(indent));
            }
            self.text(key, indent, false, true);
            self.put(":");
            match value {
                Doc::Map(more) if !more.is_empty() => {
                    self.line(indent + 2);
                    self.map(more, indent + 2);
                }
                Doc::List(items) if !items.is_empty() => {
                    self.line(indent);
                    self.list(items, indent);
                }
                other => {
                    self.put(" ");
                    self.inline(other, indent + 2);
                }
            }
        }
    }

    fn list(&mut self, items: &[Doc], indent: usize) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(&" ".repeat(indent));
            }
            self.put("- ");
            match item {
                Doc::Map(entries) if !entries.is_empty() => self.map(entries, indent + 2),
                Doc::List(more) if !more.is_empty() => self.list(more, indent + 2),
                other => self.inline(other, indent + 2),
            }
        }
    }

    /// A value that stands behind its key, and the end of its line.
    fn inline(&mut self, doc: &Doc, indent: usize) {
        match doc {
            Doc::Text(s) => self.text(s, indent, false, false),
            Doc::Raw(s) => self.put(s),
            Doc::Flow(items) => self.flow(items, indent),
            Doc::List(_) => self.put("[]"),
            Doc::Map(_) => self.put("{}"),
        }
        self.end();
    }

    fn flow(&mut self, items: &[String], indent: usize) {
        self.put("[");
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(",");
                if self.column > WIDTH {
                    self.line(indent);
                } else {
                    self.put(" ");
                }
            }
            self.text(item, indent, true, false);
        }
        self.put("]");
    }

    fn text(&mut self, s: &str, indent: usize, in_flow: bool, is_key: bool) {
        let unprintable = s.chars().any(|c| {
            c != '\n' && (c.is_control() || c == '\u{feff}' || ('\u{2028}'..='\u{2029}').contains(&c))
        });
        let edges = s.starts_with(' ') || s.ends_with(' ');
        if unprintable || (s.contains('\n') && (is_key || in_flow || s.ends_with(' '))) {
            self.double(s, indent, is_key);
        } else if s.contains('\n') {
            self.literal(s, indent);
        } else if resolves(s) {
            self.double(s, indent, is_key);
        } else if edges || !plain_allowed(s, in_flow) {
            self.put("'");
            self.folded(s, indent, is_key, true);
            self.put("'");
        } else {
            self.folded(s, indent, is_key, false);
        }
    }

    /// The text with line ends for some of its spaces.
    fn folded(&mut self, s: &str, indent: usize, is_key: bool, quoted: bool) {
        let chars: Vec<char> = s.chars().collect();
        let mut after_space = false;
        for (i, &c) in chars.iter().enumerate() {
            let inner = !quoted || (i > 0 && i + 1 < chars.len());
            if c == ' '
                && !is_key
                && !after_space
                && self.column > WIDTH
                && inner
                && chars.get(i + 1) != Some(&' ')
            {
                self.line(indent);
            } else if c == '\'' && quoted {
                self.put("''");
            } else {
                self.put(c.encode_utf8(&mut [0; 4]));
            }
            after_space = c == ' ';
        }
    }

    fn double(&mut self, s: &str, indent: usize, is_key: bool) {
        self.put("\"");
        let chars: Vec<char> = s.chars().collect();
        let mut after_space = false;
        for (i, &c) in chars.iter().enumerate() {
            let may_break =
                c == ' ' && !is_key && !after_space && self.column > WIDTH && i > 0 && i + 1 < chars.len();
            after_space = c == ' ';
            match c {
                ' ' if may_break => {
                    self.line(indent);
                    if chars.get(i + 1) == Some(&' ') {
                        self.put("\\");
                    }
                }
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                '\n' => self.put("\\n"),
                '\r' => self.put("\\r"),
                '\t' => self.put("\\t"),
                '\0' => self.put("\\0"),
                '\u{7}' => self.put("\\a"),
                '\u{8}' => self.put("\\b"),
                '\u{b}' => self.put("\\v"),
                '\u{c}' => self.put("\\f"),
                '\u{1b}' => self.put("\\e"),
                '\u{85}' => self.put("\\N"),
                '\u{2028}' => self.put("\\L"),
                '\u{2029}' => self.put("\\P"),
                c if c.is_control() => self.put(&format!("\\x{:02X}", u32::from(c))),
                '\u{feff}' => self.put("\\uFEFF"),
                c => self.put(c.encode_utf8(&mut [0; 4])),
            }
        }
        self.put("\"");
    }

    fn literal(&mut self, s: &str, indent: usize) {
        let body = s.trim_end_matches('\n');
        // Where the first line cannot show the indentation, a number says it.
        self.put(if s.starts_with([' ', '\n']) { "|2" } else { "|" });
        self.put(match s.len() - body.len() {
            0 => "-",
            1 => "",
            _ => "+",
        });
        for line in s.strip_suffix('\n').unwrap_or(s).split('\n') {
            self.out.push('\n');
            if !line.is_empty() {
                self.out.push_str(&" ".repeat(indent));
                self.out.push_str(line);
            }
        }
    }
}

/// Whether a reader would take the plain text for something else: null, boolean, number, date.
fn resolves(s: &str) -> bool {
    const WORDS: [&str; 11] = ["", "~", "null", "y", "yes", "true", "on", "n", "no", "false", "off"];
    let word = WORDS.contains(&s) || WORDS.contains(&s.to_ascii_lowercase().as_str()) && cased(s);
    word || number(s) || base60(s) || timestamp(s)
}

/// Words count in lower case, upper case, and with a capital.
fn cased(s: &str) -> bool {
    let rest = s.get(1..).unwrap_or("");
    let upper = |t: &str| t.bytes().all(|b| b.is_ascii_uppercase());
    upper(s)
        || (s.starts_with(|c: char| c.is_ascii_uppercase()) && rest.bytes().all(|b| b.is_ascii_lowercase()))
}

fn number(s: &str) -> bool {
    let unsigned = s.strip_prefix(['-', '+']).unwrap_or(s);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(s, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return false;
    }
    let digits = unsigned.replace('_', "");
    let based = |prefix: &str, radix| {
        digits.strip_prefix(prefix).is_some_and(|d| !d.is_empty() && d.chars().all(|c| c.is_digit(radix)))
    };
    let decimal = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && gofloat::parse(&digits).is_ok();
    decimal
        || based("0x", 16)
        || based("0X", 16)
        || based("0b", 2)
        || based("0B", 2)
        || based("0o", 8)
        || based("0O", 8)
}

/// Numbers to the base of 60, `1:30`, of YAML 1.1.
fn base60(s: &str) -> bool {
    let unsigned = s.strip_prefix(['-', '+']).unwrap_or(s);
    let (head, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = head.split(':');
    let first = parts.next().is_some_and(|p| {
        p.starts_with(|c: char| c.is_ascii_digit()) && p.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    });
    let rest: Vec<&str> = parts.collect();
    let minutes = |p: &&str| matches!(p.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    first
        && !rest.is_empty()
        && rest.iter().all(minutes)
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

fn timestamp(s: &str) -> bool {
    let mut digits = s.bytes().take(4);
    if s.len() < 8 || !digits.all(|b| b.is_ascii_digit()) || s.as_bytes().get(4) != Some(&b'-') {
        return false;
    }
    let (date, rest) = match s.find(['T', 't', ' ']) {
        Some(i) => s.split_at(i),
        None => (s, ""),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let of_date = |p: &&str, most: u8| p.parse::<u8>().is_ok_and(|v| (1..=most).contains(&v)) && p.len() <= 2;
    let is_date = matches!(parts.as_slice(), [_, m, d] if of_date(m, 12) && of_date(d, 31));
    let rest = rest.get(1..).unwrap_or("");
    is_date
        && (rest.is_empty()
            || (rest.contains(':')
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'Z' | b'+' | b'-' | b' '))))
}

/// Whether the text may stand without quotes (line breaks and edges are looked at elsewhere).
fn plain_allowed(s: &str, in_flow: bool) -> bool {
    if s.starts_with("---") || s.starts_with("...") {
        return false;
    }
    let chars: Vec<char> = s.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        let before_space = chars.get(i + 1).is_none_or(|n| matches!(n, ' ' | '\t'));
        let after_space = i > 0 && matches!(chars.get(i - 1), Some(' ' | '\t'));
        let (block, flow) = match c {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`'
                if i == 0 =>
            {
                (true, true)
            }
            '?' | ':' if i == 0 => (before_space, true),
            '-' if i == 0 => (before_space, before_space),
            ',' | '?' | '[' | ']' | '{' | '}' => (false, true),
            ':' => (before_space, true),
            '#' => (after_space, after_space),
            _ => (false, false),
        };
        if block || (in_flow && flow) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(
            emit(&Doc::Map(vec![("k".into(), Doc::Text(text.into()))])),
            format!("k: {expect}\n"),
            "{text}"
        );
    }

    #[test]
    fn quotes_where_they_must_be() {
        for (text, expect) in [
            ("yes", "\"yes\""),
            ("null", "\"null\""),
            ("0x1", "\"0x1\""),
            ("1e3", "\"1e3\""),
            ("1_000", "\"1_000\""),
            ("2024-01-01", "\"2024-01-01\""),
            ("1:30", "\"1:30\""),
            ("", "\"\""),
            ("~", "\"~\""),
            ("- x", "'- x'"),
            ("a #b", "'a #b'"),
            ("a#b", "a#b"),
            ("it's \"q\"", "it's \"q\""),
            (":", "':'"),
            ("%x", "'%x'"),
            ("trail ", "'trail '"),
            ("=", "="),
            ("-", "'-'"),
            ("--- x", "'--- x'"),
            ("1.2.3.4:9091", "1.2.3.4:9091"),
            ("(.+):(\\d+)", "(.+):(\\d+)"),
            ("a: b", "'a: b'"),
            ("line\nbreak", "|-\n  line\n  break"),
            ("a\tb", "\"a\\tb\""),
            ("<secret>", "<secret>"),
            ("é", "é"),
        ] {
            check(text, expect);
        }
    }

    #[test]
    fn long_texts_are_folded_at_spaces() {
        let words = ["word"; 30].join(" ");
        let out = emit(&Doc::Map(vec![("k".into(), Doc::Text(words))]));
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines.len() == 2 && lines[0].len() > WIDTH && lines[1].starts_with("  word"), "{out}");
    }

    #[test]
    fn lists_stand_at_their_key() {
        let doc = Doc::Map(vec![
            (
                "a".into(),
                Doc::List(vec![Doc::Map(vec![
                    ("n".into(), Doc::Raw("1".into())),
                    ("b".into(), Doc::List(vec![Doc::Text("x".into())])),
                ])]),
            ),
            ("f".into(), Doc::Flow(vec!["a".into(), "b,c".into()])),
            ("e".into(), Doc::Map(Vec::new())),
        ]);
        assert_eq!(emit(&doc), "a:\n- \"n\": 1\n  b:\n  - x\nf: [a, 'b,c']\ne: {}\n");
    }
}
