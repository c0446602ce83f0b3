//! How much of a body stands in an error that its author may read: whoever can name a target must not read other answers by
//! their errors.

/// Most characters of a body.
const SHOWN: usize = 64;
/// Before what was read.
const READ: &str = " while parsing: ";

/// Cuts what an error quotes of a body. Of one that is not called metrics (`unnamed`) nothing is quoted at all.
pub(crate) fn veil(reason: &mut String, unnamed: bool) {
    if unnamed {
        "the body is not metrics (nothing of it is shown: its Content-Type does not say that it is)"
            .clone_into(reason);
        return;
    }
    let Some(at) = reason.find(READ).map(|at| at + READ.len()) else { return };
    let quoted: String = reason.chars().skip(reason.get(..at).map_or(0, |s| s.chars().count())).collect();
    let mut shown: String =
        quoted.chars().take(SHOWN).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '.' }).collect();
    if quoted.chars().count() > SHOWN {
        shown.push('…');
    }
    reason.truncate(at);
    *reason = unquoted(reason);
    reason.push_str(&shown);
}

/// A text with what stands in quotes left out: the cause may quote a word of the body too.
fn unquoted(text: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if inside => drop(chars.next()),
            '"' => {
                inside = !inside;
                out.push_str(if inside { "\"…" } else { "\"" });
            }
            _ if inside => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reason: &str, unnamed: bool, expect: &str) {
        let mut got = reason.to_owned();
        veil(&mut got, unnamed);
        assert_eq!(got, expect);
    }

    #[test]
    fn little_is_quoted() {
        check("no metric while parsing: \"a\u{1}b\"", false, "no metric while parsing: \"a.b\"");
        let long = "x".repeat(100);
        check(&format!("e while parsing: {long}"), false, &format!("e while parsing: {}…", "x".repeat(64)));
        check("sample limit exceeded", false, "sample limit exceeded");
        assert!(
            !{
                let mut r = "e while parsing: secret".to_owned();
                veil(&mut r, true);
                r
            }
            .contains("secret")
        );
    }
}
