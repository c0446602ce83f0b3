//! Colour and marks. Meaning never hangs on colour alone: each mark differs in form, and `--ascii` has words.

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ink {
    /// Whether escape sequences for colour are written.
    pub color: bool,
    /// Whether marks are plain ASCII.
    pub ascii: bool,
    /// Columns; 40 at least.
    pub width: usize,
}

/// The marks of the table and of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Good,
    /// Broken.
    Bad,
    /// Works, and will hurt.
    Look,
    /// Worth knowing.
    Note,
    /// Could not be looked at.
    Unknown,
    /// Too young to judge.
    Young,
    /// Nothing to say.
    None,
}

impl Ink {
    /// Plain text of a width.
    pub fn plain(width: usize) -> Ink {
        Ink { color: false, ascii: false, width }
    }

    /// The mark's text, without colour.
    pub fn text(self, mark: Mark) -> &'static str {
        match (mark, self.ascii) {
            (Mark::Good, false) => "✔",
            (Mark::Good, true) => "ok",
            (Mark::Bad, false) => "✘",
            (Mark::Bad, true) => "FAIL",
            (Mark::Look, false) => "▲",
            (Mark::Look, true) => "warn",
            (Mark::Note, false) => "•",
            (Mark::Note, true) => "note",
            (Mark::Unknown, _) => "?",
            (Mark::Young, false) => "…",
            (Mark::Young, true) => "wait",
            (Mark::None, false) => "·",
            (Mark::None, true) => "-",
        }
    }

    /// The mark, coloured.
    pub fn mark(self, mark: Mark) -> String {
        let code = match mark {
            Mark::Good => "32",
            Mark::Bad => "1;31",
            Mark::Look => "33",
            Mark::Note => "36",
            Mark::Unknown | Mark::Young => "35",
            Mark::None => "2",
        };
        self.paint(code, self.text(mark))
    }

    /// Bold.
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Dim.
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// The separator between facts of one line.
    pub fn dot(self) -> &'static str {
        if self.ascii { " - " } else { " · " }
    }

    /// The arrow before a remark.
    pub fn arrow(self) -> &'static str {
        "<-"
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
