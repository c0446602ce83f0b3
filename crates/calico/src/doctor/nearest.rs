//! The nearest miss: which of the values that are there was probably meant, and why.
//!
//! Edit distance alone is wrong on the very case that matters most (`kube-controllers-metrics` for `metrics-port`), so
//! hard facts (one candidate, the same port number, the same pods) come first.

/// A value that could have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The value.
    pub value: String,
    /// Why it stands here, in words: `the only port`, `same port number`, `one letter apart`.
    pub why: String,
    /// Whether a fact and not a likeness speaks for it, so that a command may use it.
    pub sure: bool,
}

/// A value to choose from, with facts about it.
#[derive(Debug, Clone)]
pub struct Choice<'a> {
    /// The value.
    pub value: &'a str,
    /// A fact that ties it to what was wanted (`same port number`), strongest first in the caller's order.
    pub fact: Option<&'a str>,
}

/// Most candidates shown.
const SHOWN: usize = 3;

/// Ranks `options` for `wanted`; `noun` names what they are (`port`). At most three come back, best first.
pub fn rank(wanted: &str, options: &[Choice<'_>], noun: &str) -> Vec<Candidate> {
    if let [only] = options {
        return vec![Candidate { value: only.value.to_owned(), why: format!("the only {noun}"), sure: true }];
    }
    let mut ranked: Vec<(u32, Candidate)> = options.iter().filter_map(|o| score(wanted, o)).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.value.cmp(&b.1.value)));
    ranked.into_iter().take(SHOWN).map(|(_, c)| c).collect()
}

fn score(wanted: &str, option: &Choice<'_>) -> Option<(u32, Candidate)> {
    let made = |points: u32, why: &str, sure: bool| {
        Some((points, Candidate { value: option.value.to_owned(), why: why.to_owned(), sure }))
    };
    if let Some(fact) = option.fact {
        return made(1000 + (100.0 * likeness(wanted, option.value)) as u32, fact, true);
    }
    if option.value.eq_ignore_ascii_case(wanted) {
        return made(900, "differs in case alone", false);
    }
    let shared = contained(wanted, option.value);
    if shared >= 1.0 {
        return made(800, "has the same words", false);
    }
    let distance = strsim::damerau_levenshtein(wanted, option.value);
    match distance {
        1 => return made(790, "one letter apart", false),
        2 => return made(780, "two letters apart", false),
        _ => {}
    }
    let like = likeness(wanted, option.value);
    if like >= 0.8 {
        return made(600 + (100.0 * like) as u32, "looks alike", false);
    }
    if shared >= 0.5 {
        return made(400 + (100.0 * shared) as u32, "shares words", false);
    }
    None
}

/// Letters to change, add, drop or swap between two words.
pub fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(a, b)
}

/// Share of the words of the shorter name that the longer one has.
fn contained(a: &str, b: &str) -> f64 {
    let words = |s: &str| -> Vec<String> {
        s.split(['-', '_', '.', '/']).filter(|w| !w.is_empty()).map(str::to_ascii_lowercase).collect()
    };
    let (a, b) = (words(a), words(b));
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() {
        return 0.0;
    }
    let hits = short.iter().filter(|w| long.contains(w)).count();
    hits as f64 / short.len() as f64
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, options: &[(&str, Option<&str>)], expect: &[(&str, &str)]) {
        let options: Vec<Choice<'_>> =
            options.iter().map(|(value, fact)| Choice { value, fact: *fact }).collect();
        let got = rank(wanted, &options, "port");
        let got: Vec<(&str, &str)> = got.iter().map(|c| (c.value.as_str(), c.why.as_str())).collect();
        assert_eq!(got, expect, "{wanted}");
    }

    #[test]
    fn facts_come_before_likeness() {
        check("kube-controllers-metrics", &[("metrics-port", None)], &[("metrics-port", "the only port")]);
        check(
            "kube-controllers-metrics",
            &[("kube-controllers", None), ("metrics-port", Some("same port number"))],
            &[("metrics-port", "same port number"), ("kube-controllers", "has the same words")],
        );
    }

    #[test]
    fn likeness_is_words_then_letters() {
        check(
            "calico-sytem",
            &[("calico-system", None), ("kube-system", None), ("calico-apiserver", None)],
            &[("calico-system", "one letter apart"), ("calico-apiserver", "shares words")],
        );
        check(
            "typha-metrics",
            &[("calico-typha-metrics", None), ("http", None)],
            &[("calico-typha-metrics", "has the same words")],
        );
        check("felix", &[("x", None), ("y", None)], &[]);
    }
}
