//! Random templates: well-formed ones that mix values and functions of all types, and the same with something broken.

use super::{Case, compare};

/// Numbers from a seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % n as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const ATOMS: &[&str] = &[
    "$value",
    "$labels",
    "$labels.job",
    "$labels.none",
    "$externalURL",
    ".",
    ".Value",
    ".Labels.pod",
    "$",
    "1",
    "0",
    "-3",
    "2.5",
    "1e9",
    "\"text\"",
    "\"\"",
    "\"a.b:80\"",
    "\"1.5\"",
    "true",
    "nil",
    "'x'",
    "now",
    "$externalLabels",
    "\"one\"",
    "\"many\"",
    "0x10",
];
const ONE: &[&str] = &[
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "toUpper",
    "toLower",
    "title",
    "stripPort",
    "stripDomain",
    "query",
    "first",
    "value",
    "len",
    "not",
    "html",
    "js",
    "urlquery",
    "print",
    "println",
    "graphLink",
    "toTime",
    "toDuration",
    "parseDuration",
    "safeHtml",
    "strvalue",
    "args",
    "urlQueryEscape",
    "index",
    "slice",
];
const TWO: &[&str] = &[
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "and",
    "or",
    "index",
    "slice",
    "print",
    "label",
    "sortByLabel",
    "match",
    "args",
    "html",
    "printf \"%v\"",
    "printf \"%5.2f|%d\"",
    "printf \"%s-%q\"",
    "printf \"%08v|%x\"",
    "printf \"%+v %T\"",
    "reReplaceAll \"a|e\"",
];

fn operand(d: &mut Draw, depth: usize) -> String {
    if depth == 0 || d.below(3) > 0 {
        return d.pick(ATOMS).to_owned();
    }
    format!("({})", pipeline(d, depth - 1))
}

fn command(d: &mut Draw, depth: usize, piped: bool) -> String {
    match d.below(4) {
        0 if !piped => operand(d, depth),
        0 | 1 if piped => d.pick(ONE).to_owned(),
        1 | 2 => {
            let arg = if piped { String::new() } else { format!(" {}", operand(d, depth)) };
            format!("{}{arg}", d.pick(ONE))
        }
        _ => {
            let second = if piped { String::new() } else { format!(" {}", operand(d, depth)) };
            format!("{} {}{second}", d.pick(TWO), operand(d, depth))
        }
    }
}

fn pipeline(d: &mut Draw, depth: usize) -> String {
    let mut out = command(d, depth, false);
    for _ in 0..d.below(3) {
        out.push_str(" | ");
        out.push_str(&command(d, depth, true));
    }
    out
}

fn node(d: &mut Draw, depth: usize) -> String {
    let (open, close) = (d.pick(&["{{", "{{ ", "{{- "]), d.pick(&["}}", " }}", " -}}"]));
    let pipe = pipeline(d, 2);
    match d.below(if depth == 0 { 3 } else { 8 }) {
        0 => d.pick(&["text", " ", "\n", "a b "]).to_owned(),
        1 | 2 => format!("{open}{pipe}{close}"),
        3 => format!(
            "{open}if {pipe}{close}{}{{{{else}}}}{}{{{{end}}}}",
            nodes(d, depth - 1),
            nodes(d, depth - 1)
        ),
        4 => format!("{open}with {pipe}{close}{}{{{{end}}}}", nodes(d, depth - 1)),
        5 => format!("{open}range {pipe}{close}{}{{{{else}}}}none{{{{end}}}}", nodes(d, depth - 1)),
        6 => format!("{open}range $k, $v := {pipe}{close}{{{{$k}}}}{}{{{{end}}}}", nodes(d, depth - 1)),
        _ => format!("{open}$x := {pipe}{close}{{{{ $x }}}}"),
    }
}

fn nodes(d: &mut Draw, depth: usize) -> String {
    (0..=d.below(2)).map(|_| node(d, depth)).collect()
}

/// Cuts, doubles or replaces a byte or a few.
fn break_it(d: &mut Draw, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = d.below(chars.len().max(1)).min(chars.len());
    let (head, tail) = chars.split_at(at);
    let (head, tail): (String, String) = (head.iter().collect(), tail.iter().collect());
    let skip: String = tail.chars().skip(1 + d.below(3)).collect();
    match d.below(4) {
        0 => head,
        1 => head + &skip,
        2 => {
            head + d.pick(&["(", ")", "|", "\"", "}}", "{{", ".", "$", ":=", ",", "'", "é", "\n", " ", "-"])
                + &tail
        }
        _ => head + d.pick(&["{{end}}", "{{else}}", "nil", "{{if", "/*", "1e", "0x", "$y"]) + &skip,
    }
}

/// What Go prints as an address, or writes in no fixed order, is not compared.
fn comparable(text: &str) -> bool {
    // Lists of pointers print as addresses.
    let lists = ["query", "sortByLabel", "toDuration", "toTime"];
    let prints = ["print", "html", "js", "urlquery", "args", "eq", "ne"];
    !(lists.iter().any(|l| text.contains(l)) && prints.iter().any(|p| text.contains(p)))
}

fn run(seed: u64, n: usize, broken: bool) {
    let mut d = Draw(seed);
    let mut cases = Vec::with_capacity(n);
    while cases.len() < n {
        let mut text = nodes(&mut d, 2);
        if broken {
            text = break_it(&mut d, &text);
        }
        if comparable(&text) {
            let mut case = Case::new(text);
            case.check = broken && d.below(2) == 0;
            cases.push(case);
        }
    }
    // An address may still come out where a list is printed by an action.
    let theirs = super::go(&cases);
    let mut kept: Vec<Case> =
        cases.into_iter().zip(theirs).filter(|(_, t)| !has_address(t)).map(|(c, _)| c).collect();
    kept.truncate(n);
    let refused = compare(&kept);
    println!("{} random templates (broken: {broken}), {refused} refused by Go", kept.len());
    assert!(kept.len() > n * 8 / 10);
    assert!(refused > kept.len() / 20 && refused < kept.len());
}

fn has_address(out: &Result<String, String>) -> bool {
    let (Ok(text) | Err(text)) = out;
    text.contains("[0x")
}

/// Two hundred thousand with `TORTIE_EFFORT=full`, else twenty thousand.
fn effort() -> usize {
    if std::env::var("TORTIE_EFFORT").is_ok_and(|e| e == "full") { 200_000 } else { 20_000 }
}

#[test]
fn random_templates_are_the_same() {
    run(1, effort(), false);
}

#[test]
fn broken_templates_fail_the_same() {
    run(2, effort(), true);
}
