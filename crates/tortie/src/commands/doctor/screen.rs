//! Colour, marks and width of the terminal: flags beat the environment, the environment beats what is found.

use clap::Args;
use std::io::IsTerminal;
use tortie_calico::render::ink::Ink;

/// Flags of the screen.
#[derive(Debug, Clone, Args)]
pub(crate) struct Screen {
    /// When to colour: auto, always or never (NO_COLOR, CLICOLOR_FORCE and FORCE_COLOR are heard)
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = ["auto", "always", "never"])]
    color: String,
    /// Marks in plain ASCII; by itself where the locale is not UTF-8
    #[arg(long)]
    ascii: bool,
}

/// Widest screen that is drawn.
const MOST: usize = 100;

impl Screen {
    /// How to draw on standard output.
    pub(crate) fn ink(&self) -> Ink {
        let terminal = std::io::stdout().is_terminal();
        let env = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let color = match self.color.as_str() {
            "always" => true,
            "never" => false,
            _ => color(terminal, env),
        };
        Ink { color, ascii: self.ascii || !utf8(env), width: width(terminal, env) }
    }
}

fn color(terminal: bool, env: impl Fn(&str) -> Option<String>) -> bool {
    if env("NO_COLOR").is_some() {
        return false;
    }
    let forced = |name: &str| env(name).is_some_and(|v| v != "0");
    if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") {
        return true;
    }
    terminal && env("TERM").is_none_or(|t| t != "dumb")
}

/// Without any locale variable UTF-8 is taken: that is what containers have.
fn utf8(env: impl Fn(&str) -> Option<String>) -> bool {
    let locale = env("LC_ALL").or_else(|| env("LC_CTYPE")).or_else(|| env("LANG"));
    locale.is_none_or(|l| {
        let l = l.to_ascii_lowercase();
        l.contains("utf-8") || l.contains("utf8")
    })
}

fn width(terminal: bool, env: impl Fn(&str) -> Option<String>) -> usize {
    let asked = env("COLUMNS").and_then(|c| c.parse::<usize>().ok());
    let found = terminal.then(|| rustix::termios::tcgetwinsize(std::io::stdout()).ok()).flatten();
    let columns = asked.or_else(|| found.map(|s| usize::from(s.ws_col))).filter(|c| *c > 0).unwrap_or(MOST);
    columns.clamp(40, MOST)
}

#[cfg(test)]
mod tests {
    use super::{color, utf8, width};

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    }

    #[test]
    fn the_environment_decides_colour() {
        #[track_caller]
        fn check(terminal: bool, pairs: &[(&str, &str)], expect: bool) {
            assert_eq!(color(terminal, env(pairs)), expect, "{pairs:?}");
        }
        check(true, &[], true);
        check(false, &[], false);
        check(true, &[("NO_COLOR", "1")], false);
        check(true, &[("TERM", "dumb")], false);
        check(false, &[("CLICOLOR_FORCE", "1")], true);
        check(false, &[("FORCE_COLOR", "0")], false);
        check(false, &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false);
    }

    #[test]
    fn the_locale_decides_marks_and_the_terminal_width() {
        assert!(utf8(env(&[])));
        assert!(utf8(env(&[("LANG", "de_DE.UTF-8")])));
        assert!(!utf8(env(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")])));
        assert_eq!(width(false, env(&[("COLUMNS", "80")])), 80);
        assert_eq!(width(false, env(&[("COLUMNS", "300")])), 100);
        assert_eq!(width(false, env(&[("COLUMNS", "7")])), 40);
        assert_eq!(width(false, env(&[])), 100);
    }
}
