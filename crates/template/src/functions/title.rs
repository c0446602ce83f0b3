//! Words with a capital first letter, as `cases.Title(AmericanEnglish, NoLower)`.

use crate::letters;

/// `s` with the first letter of each word in title case, the rest as it is.
pub(super) fn title(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let (mut in_word, mut after_mid) = (false, false);
    for c in s.chars() {
        let mid = is_mid(c);
        if after_mid && mid {
            in_word = false;
        }
        if is_cased(c) {
            if in_word {
                out.push(c);
            } else {
                push_title(c, &mut out);
            }
            in_word = true;
        } else {
            out.push(c);
            if breaks(c) {
                in_word = false;
            }
        }
        after_mid = mid;
    }
    out
}

fn is_cased(c: char) -> bool {
    c.is_lowercase() || c.is_uppercase() || matches!(c, '\u{1c5}' | '\u{1c8}' | '\u{1cb}' | '\u{1f2}')
}

fn push_title(c: char, out: &mut String) {
    match c {
        // Two letters in one: only the first becomes a capital.
        '\u{1c4}'..='\u{1c6}' => out.push('\u{1c5}'),
        '\u{1c7}'..='\u{1c9}' => out.push('\u{1c8}'),
        '\u{1ca}'..='\u{1cc}' => out.push('\u{1cb}'),
        '\u{1f1}'..='\u{1f3}' => out.push('\u{1f2}'),
        'ß' => out.push_str("Ss"),
        'ﬀ' => out.push_str("Ff"),
        'ﬁ' => out.push_str("Fi"),
        'ﬂ' => out.push_str("Fl"),
        c => out.extend(c.to_uppercase()),
    }
}

/// Characters that hold a word together when a letter stands on each side.
fn is_mid(c: char) -> bool {
    matches!(
        c,
        '\'' | '.'
            | ':'
            | '·'
            | '\u{387}'
            | '\u{5f4}'
            | '\u{2018}'
            | '\u{2019}'
            | '\u{2024}'
            | '\u{2027}'
            | '\u{fe13}'
            | '\u{fe52}'
            | '\u{fe55}'
            | '\u{ff07}'
            | '\u{ff0e}'
            | '\u{ff1a}'
    )
}

/// Whether a word ends here.
fn breaks(c: char) -> bool {
    let ideograph =
        matches!(c, '\u{2e80}'..='\u{a4cf}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    !(is_mid(c) || letters::joins(c) || (letters::is_name_char(c) && !ideograph))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(s: &str, expect: &str) {
        assert_eq!(title(s), expect, "{s}");
    }

    #[test]
    fn words() {
        check("hello wORLD", "Hello WORLD");
        check("it's a well-known a.b", "It's A Well-Known A.b");
        check("foo_bar 3rd", "Foo_bar 3Rd");
        check("éa", "Éa");
    }
}
