//! Regular expressions against Prometheus' own: what is accepted, with which message, what matches, what groups hold.

use super::{Draw, ask, effort, program};
use tortie_model::regex::Regex;

const PIECES: &[&str] = &[
    "a",
    "b",
    "ab",
    "foo",
    "k",
    "K",
    "é",
    "ſ",
    ".",
    ".*",
    ".+",
    ".*?",
    "*",
    "+",
    "?",
    "{2}",
    "{1,3}",
    "{0,}",
    "{,2}",
    "{1001}",
    "{2,1}",
    "{",
    "}",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?i:",
    "(?s)",
    "(?-s:",
    "(?m)",
    "(?U)",
    "(?x)",
    "(?P<n>",
    "(?<m>",
    "(?P<n",
    "(?=",
    "(?-",
    "|",
    "^",
    "$",
    r"\A",
    r"\z",
    r"\b",
    r"\B",
    r"\d",
    r"\D",
    r"\s",
    r"\S",
    r"\w",
    r"\W",
    r"\pL",
    r"\p{Greek}",
    r"\P{Lu}",
    r"\p{^Lu}",
    r"\p{Nope}",
    r"\p{",
    r"\Q",
    r"\E",
    r"\x41",
    r"\x{e9}",
    r"\x{",
    r"\x",
    r"\012",
    r"\07",
    r"\1",
    r"\8",
    r"\n",
    r"\t",
    r"\.",
    r"\-",
    r"\_",
    r"\y",
    r"\C",
    r"\Z",
    "[a-c]",
    "[^a]",
    "[",
    "]",
    "[[:alpha:]]",
    "[[:^digit:]]",
    "[[:x:]]",
    "[a-",
    "[z-a]",
    r"[\d-z]",
    r"[^\w]",
    "[]a]",
    "[a&&b]",
    "[.]",
    "-",
    ",",
    "1",
    "0",
    " ",
    "\n",
    r"\",
    "/",
    "&&",
    "<",
    ">",
    r"\<",
    "#",
];

const WORDS: &[&str] = &[
    "a", "b", "ab", "foo", "k", "K", "\u{212a}", "é", "É", "ſ", "s", "1", "0", "\n", " ", "-", "_", ".", "α",
    "{", "}", "&", "A", "S", "/",
];

fn draw_text(draw: &mut Draw, from: &[&str], most: u64) -> String {
    (0..draw.below(most + 1)).map(|_| from[draw.below(from.len() as u64) as usize]).collect()
}

#[derive(Default)]
struct Tally {
    patterns: usize,
    accepted: usize,
    matches: usize,
    unequal: Vec<String>,
}

impl Tally {
    fn equal(&mut self, what: &str, pattern: &str, ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug) {
        let (ours, theirs) = (format!("{ours:?}"), format!("{theirs:?}"));
        if ours != theirs && self.unequal.len() < 20 {
            self.unequal.push(format!("{what} of {pattern:?}: here {ours}, there {theirs}"));
        }
    }
}

#[test]
fn generated_patterns() {
    let mut draw = Draw(5);
    let mut questions = Vec::new();
    for _ in 0..effort().min(400_000) / 5 {
        let mut q = vec![draw_text(&mut draw, PIECES, 8), "<$1|${n}|$m|$0>$".to_owned()];
        q.extend((0..6).map(|_| draw_text(&mut draw, WORDS, 5)));
        questions.push(q);
    }
    let input: String = questions.iter().map(|q| serde_json::to_string(q).unwrap() + "\n").collect();
    let output = String::from_utf8(ask(program("goregexp"), input.as_bytes())).unwrap();
    let mut tally = Tally::default();
    for (q, line) in questions.iter().zip(output.lines()) {
        let answer: serde_json::Value = serde_json::from_str(line).unwrap();
        compare(&mut tally, q, &answer);
    }
    println!("{} patterns, {} accepted, {} matches", tally.patterns, tally.accepted, tally.matches);
    assert!(tally.unequal.is_empty(), "{}", tally.unequal.join("\n"));
    assert_eq!(tally.patterns, questions.len());
    assert!(
        tally.accepted > tally.patterns / 10 && tally.matches > 1000,
        "the patterns are too poor to prove anything"
    );
}

fn compare(tally: &mut Tally, q: &[String], answer: &serde_json::Value) {
    let (pattern, template, texts) = (q[0].as_str(), q[1].as_str(), &q[2..]);
    tally.patterns += 1;
    let alone = Regex::matcher(pattern);
    let said = alone.as_ref().err().map(ToString::to_string).unwrap_or_default();
    tally.equal("error", pattern, &said, &answer["alone"].as_str().unwrap());
    if let (Ok(re), Some(expect)) = (&alone, answer["match"].as_array()) {
        tally.accepted += 1;
        let ours: Vec<bool> = texts.iter().map(|t| re.is_match(t)).collect();
        let theirs: Vec<bool> = expect.iter().map(|b| b.as_bool().unwrap()).collect();
        tally.matches += theirs.iter().filter(|b| **b).count();
        tally.equal(
            "match",
            pattern,
            &texts.iter().zip(&ours).collect::<Vec<_>>(),
            &texts.iter().zip(&theirs).collect::<Vec<_>>(),
        );
    }
    let anchored = Regex::anchored(pattern);
    let said = anchored.as_ref().err().map(ToString::to_string).unwrap_or_default();
    tally.equal("anchored error", pattern, &said, &answer["anchored"].as_str().unwrap());
    if let (Ok(re), Some(expect)) = (&anchored, answer["expand"].as_array()) {
        let ours: Vec<String> = texts.iter().map(|t| fill(re, template, t)).collect();
        let theirs: Vec<&str> = expect.iter().map(|s| s.as_str().unwrap()).collect();
        tally.equal(
            "groups",
            pattern,
            &texts.iter().zip(&ours).collect::<Vec<_>>(),
            &texts.iter().zip(&theirs).collect::<Vec<_>>(),
        );
    }
}

fn fill(re: &Regex, template: &str, text: &str) -> String {
    let Some(captures) = re.captures(text) else { return "no match".to_owned() };
    let mut out = String::new();
    re.expand(template, text, &captures, &mut out);
    out
}
