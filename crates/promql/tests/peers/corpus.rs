//! Expressions: those of the module's own tests, and mutations of them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of Prometheus' source.
fn source() -> PathBuf {
    if let Ok(dir) = std::env::var("TORTIE_PROMETHEUS_SRC") {
        return dir.into();
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers");
    let out = Command::new("go")
        .args(["list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/prometheus"])
        .current_dir(&peers)
        .output()
        .expect("go runs; TORTIE_PROMETHEUS_SRC names the source without it");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().into()
}

/// All expressions of the scripts and of the parser's and printer's tests.
pub(crate) fn from_module() -> Vec<String> {
    let source = source();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(source.join("promql/promqltest/testdata")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        found.extend(text.lines().filter_map(of_script_line));
    }
    for file in ["parse_test.go", "printer_test.go", "prettier_test.go", "unquoted_utf8_test.go"] {
        let text = std::fs::read_to_string(source.join("promql/parser").join(file)).unwrap();
        found.extend(go_literals(&text));
    }
    found.sort();
    found.dedup();
    found
}

fn of_script_line(line: &str) -> Option<String> {
    let rest = line.strip_prefix("eval")?;
    let after =
        rest.split_once(" at ").map(|(_, r)| r).or_else(|| rest.split_once(" step ").map(|(_, r)| r))?;
    after.trim_start().split_once(' ').map(|(_, expr)| expr.trim().to_owned())
}

/// The literals behind `input:`, `in:` and `name:` of a table in Go.
fn go_literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["input:", "in:", "name:"] {
        for (at, _) in text.match_indices(key) {
            let rest = text[at + key.len()..].trim_start();
            if let Some(raw) = rest.strip_prefix('`') {
                found.extend(raw.split_once('`').map(|(inner, _)| inner.to_owned()));
            } else if rest.starts_with('"') {
                let mut end = 1;
                let bytes = rest.as_bytes();
                while bytes[end] != b'"' {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                found.extend(
                    tortie_promql::go_text::unquote(&rest[..=end]).filter(|s| !s.contains('\u{fffd}')),
                );
            }
        }
    }
    found
}

/// `count` expressions, each made from one or two of `seeds` by a few small changes. Always the same ones.
pub(crate) fn mutate(seeds: &[String], count: usize) -> Vec<String> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let pool: Vec<Vec<String>> = seeds.iter().filter(|s| s.len() < 300).map(|s| pieces(s)).collect();
    (0..count)
        .map(|_| {
            let mut pieces = random.pick(&pool).clone();
            for _ in 0..1 + random.below(3) {
                let at = random.below(pieces.len().max(1));
                match random.below(5) {
                    0 if !pieces.is_empty() => drop(pieces.remove(at)),
                    1 if !pieces.is_empty() => {
                        let other = random.below(pieces.len());
                        pieces.swap(at, other);
                    }
                    2 if !pieces.is_empty() => pieces[at] = random.pick(TOKENS).to_string(),
                    3 => pieces.insert(at.min(pieces.len()), random.pick(TOKENS).to_string()),
                    _ => {
                        let donor = random.pick(&pool);
                        let from = random.below(donor.len().max(1));
                        let until = (from + 1 + random.below(6)).min(donor.len());
                        let at = at.min(pieces.len());
                        pieces.splice(at..at, donor[from.min(until)..until].iter().cloned());
                    }
                }
            }
            pieces.concat()
        })
        .collect()
}

const TOKENS: &[&str] = &[
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "=",
    "=~",
    "!~",
    "!=",
    "==",
    "@",
    "+",
    "-",
    "*",
    "/",
    "%",
    "^",
    "<",
    ">",
    "<=",
    ">=",
    "</",
    ">/",
    " and ",
    " or ",
    " unless ",
    " atan2 ",
    " bool ",
    " by (a) ",
    " without (a, b) ",
    " on (a) ",
    " ignoring (a) ",
    " group_left ",
    " group_right (x) ",
    " fill (0) ",
    " fill_left (-1) ",
    " fill_right (2) ",
    " offset ",
    " offset 5m",
    " offset -1h",
    " anchored",
    " smoothed",
    " start() ",
    " end() ",
    "step()",
    "range()",
    "max_of(1, 2s)",
    "min_of(",
    "sum(",
    "topk(2, ",
    "count_values(\"x\", ",
    "quantile",
    "limitk",
    "rate(",
    "foo",
    "bar:baz",
    "[5m]",
    "[5m:1m]",
    "[1h:]",
    "5m",
    "1h30m",
    "1ms",
    "30",
    "0x1f",
    "017",
    "1e3",
    "Inf",
    "NaN",
    "\"str\"",
    "'s\\x41'",
    "`raw`",
    "{a=\"b\"}",
    "{a=~\"(\"}",
    " # comment\n",
    "\n",
    " ",
    ".",
    "_",
    "1_000",
    "é",
    "!",
    "$",
    "\\",
    "\"",
];

/// Splits into words, white space and single other characters.
fn pieces(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let class = |c: char| {
        if c.is_alphanumeric() || c == '_' {
            0
        } else if c.is_whitespace() {
            1
        } else {
            2
        }
    };
    for c in text.chars() {
        match out.last_mut() {
            Some(last) if class(c) < 2 && last.chars().next().is_some_and(|l| class(l) == class(c)) => {
                last.push(c)
            }
            _ => out.push(c.to_string()),
        }
    }
    out
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
