//! A dashboard or a rule file inside an object is one long text; a JSON patch would have to carry all of it. So the command
//! that mends it reads the object, replaces words in it, and writes it back under the version that was read.

use crate::doctor::fix::{Auto, Command, Fix};
use crate::facts::Facts;
use crate::facts::ownership::kept_by;
use crate::facts::panels::Board;
use tortie_cluster::object::Object;

/// One replacement in the JSON of a dashboard, as a `sed` command and in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Replacement {
    /// `s|...|...|g`
    pub sed: String,
    /// `job="a" by job="b"`
    pub words: String,
}

impl Replacement {
    /// A whole word (a uid) by another.
    pub(crate) fn word(from: &str, to: &str) -> Replacement {
        let sed = format!(r#"s|\([\\"]\){}\([\\"]\)|\1{}\2|g"#, pattern(from), replacement(to));
        Replacement { sed, words: format!("{from} by {to}") }
    }

    /// The value of an equality matcher. Quotes stand escaped once or twice in what kubectl prints.
    pub(crate) fn matcher(label: &str, from: &str, to: &str) -> Replacement {
        let sed = format!(
            r#"s|\({} *= *[\\"']*\){}\([\\"']\)|\1{}\2|g"#,
            pattern(label),
            pattern(from),
            replacement(to)
        );
        Replacement { sed, words: format!("{label}=\"{from}\" by {label}=\"{to}\"") }
    }

    /// A text as it stands (`[30s]`) by another.
    pub(crate) fn text(from: &str, to: &str) -> Replacement {
        Replacement {
            sed: format!("s|{}|{}|g", pattern(from), replacement(to)),
            words: format!("{from} by {to}"),
        }
    }
}

/// Escapes a text for the left side of a basic regular expression between `|`.
fn pattern(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if r".*[]^$\|".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Escapes a text for the right side.
fn replacement(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if r"&\|".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// How a dashboard is mended: by a command where nobody puts its own state back, else where it is kept.
pub(crate) fn board(facts: &Facts<'_>, board: &Board, replacements: &[Replacement]) -> Fix {
    let words: Vec<&str> = replacements.iter().map(|r| r.words.as_str()).collect();
    let what = format!("replace {}", words.join(", "));
    let Some(object) = &board.object else {
        return Fix::Outside(format!("in Grafana, in the JSON model of \"{}\": {what}", board.name()));
    };
    if let Some(keeper) = kept_by(&object.meta, facts.snap) {
        return Fix::Outside(format!("{what} in the dashboard's JSON; {}", keeper.where_to_change()));
    }
    if let Some(origin) = &object.origin {
        return Fix::Outside(format!("in {}: {what}", origin.file));
    }
    let plural = if object.gvk.kind == "ConfigMap" { "configmaps" } else { "grafanadashboards" };
    Fix::Commands { auto: Auto::Ask, commands: vec![pipeline(facts, object, plural, replacements)] }
}

/// `kubectl get | sed | kubectl replace`: the object carries the version that was read, so a change in between is refused.
fn pipeline(facts: &Facts<'_>, object: &Object, plural: &str, replacements: &[Replacement]) -> Command {
    let reference = object.reference();
    let mut kind = plural.to_owned();
    if !reference.gvk.group.is_empty() {
        kind = format!("{plural}.{}.{}", reference.gvk.version, reference.gvk.group);
    }
    let get = Command::kubectl(&facts.snap.identity)
        .run(&reference, &["get", &kind, &reference.name, "-o", "json"]);
    let put = Command::kubectl(&facts.snap.identity).run(&reference, &["replace", "-f", "-"]);
    let mut sed = vec!["sed".to_owned()];
    for r in replacements {
        sed.extend(["-e".to_owned(), r.sed.clone()]);
    }
    let sed = Command { argv: sed, stdin: None };
    Command::new(&["sh", "-c", &format!("{get} | {sed} | {put}")])
}

#[cfg(test)]
mod tests {
    use super::Replacement;

    #[test]
    fn words_are_escaped_for_sed() {
        #[track_caller]
        fn check(r: &Replacement, expect: &str) {
            assert_eq!(r.sed, expect);
        }
        check(&Replacement::text("[30s]", "[2m]"), r"s|\[30s\]|[2m]|g");
        check(&Replacement::word("P1", "a&b"), r#"s|\([\\"]\)P1\([\\"]\)|\1a\&b\2|g"#);
        check(
            &Replacement::matcher("job", "typha_metrics", "calico-typha-metrics"),
            r#"s|\(job *= *[\\"']*\)typha_metrics\([\\"']\)|\1calico-typha-metrics\2|g"#,
        );
    }
}
