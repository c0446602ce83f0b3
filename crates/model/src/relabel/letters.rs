//! Upper and lower case one character at a time, as Go's `strings.ToUpper` and `strings.ToLower` do.

/// `s` in lower case.
pub fn lower(s: &str) -> String {
    s.chars().map(|c| if c == '\u{130}' { 'i' } else { single(c, c.to_lowercase()) }).collect()
}

/// `s` in upper case.
pub fn upper(s: &str) -> String {
    s.chars().map(upper_char).collect()
}

/// The mapping if it is one character, else the character itself: `ß` stays, where Rust's own would write `SS`.
fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn upper_char(c: char) -> char {
    let simple = match c {
        // Greek with iota below: several characters in full, one in the simple mapping.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => u32::from(c) + 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => u32::from(c) + 9,
        _ => return single(c, c.to_uppercase()),
    };
    char::from_u32(simple).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_character_stays_one() {
        assert_eq!(upper("straße-é"), "STRAßE-É");
        assert_eq!(upper("ᾀᾳ"), "ᾈᾼ");
        assert_eq!(lower("ÀİΣ"), "àiσ");
    }
}
