//! Generated relabelling rules over generated label sets: refused by both, or the same labels come out.

use super::ask;
use tortie_config::Config;
use tortie_model::{Labels, relabel};

/// SplitMix64: the same rules in every run.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[(self.next() % from.len() as u64) as usize]
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

const NAMES: &[&str] = &["a", "b", "__address__", "__meta_x", "job", "é", "not there", "__tmp_a"];
const VALUES: &[&str] =
    &["", "foo", "bar", "foo;bar", "10.0.0.1:9091", "host", "Éß", "a.b", "İ", "x", "true", "ᾀ"];
const ACTIONS: &[&str] = &[
    "replace",
    "Replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
];
const REGEXES: &[&str] = &[
    "(.*)",
    "",
    ".+",
    "foo|bar",
    "(.+):(\\d+)",
    "f(.*)",
    "(?i)FOO",
    "__meta_(.+)",
    "[a-z]+",
    "a(",
    "(?P<n>.)(.*)",
    "é",
    ".*;.*",
    "(a)|(b)",
];
const TARGETS: &[&str] = &["a", "job", "$1", "${1}_x", "new", "", "é", "$", "${n}", "x$2"];
const REPLACEMENTS: &[&str] = &["$1", "", "x", "${1}-$2", "$$1", "$n", "$0", "a_$1", "${", "ü$1"];

fn rule(draw: &mut Draw) -> String {
    let action = draw.pick(ACTIONS);
    if action == "labelmap" && !draw.one_in(8) {
        // Where two labels get one name, the order in Prometheus depends on how the set was built: not drawn.
        let regex = draw.pick(&["(.+)", "__meta_(.+)", "(__)(.*)", "j(ob)"]);
        return format!(
            "{{action: labelmap, regex: {regex}, replacement: {:?}}}",
            draw.pick(&["a_$1-$2", "$2${1}x", "ü$1$2"])
        );
    }
    let mut keys = vec![format!("action: {}", if action == "labelmap" { "labelkeep" } else { action })];
    // Now and then a key that the action does not allow.
    let stray = draw.one_in(12);
    let by_name = matches!(action, "labeldrop" | "labelkeep" | "labelmap");
    let equal = matches!(action, "keepequal" | "dropequal");
    if (!by_name && !draw.one_in(8)) || stray {
        let names: Vec<String> =
            (0..1 + draw.next() % 3).map(|_| format!("{:?}", draw.pick(NAMES))).collect();
        keys.push(format!("source_labels: [{}]", names.join(", ")));
    }
    let writes = !by_name && !matches!(action, "keep" | "drop");
    if (writes && !draw.one_in(20)) || stray {
        keys.push(format!("target_label: {:?}", draw.pick(TARGETS)));
    }
    if (!equal && !draw.one_in(3)) || stray {
        keys.push(format!("regex: '{}'", draw.pick(REGEXES)));
    }
    if (matches!(action, "replace" | "Replace") && draw.one_in(2)) || (stray && draw.one_in(2)) {
        keys.push(format!("replacement: {:?}", draw.pick(REPLACEMENTS)));
    }
    if (!by_name && !equal && draw.one_in(6)) || (stray && draw.one_in(2)) {
        keys.push(format!("separator: {:?}", draw.pick(&[";", "", "-", "::"])));
    }
    if action == "hashmod" || (stray && draw.one_in(2)) {
        keys.push(format!("modulus: {}", draw.next() % 9));
    }
    format!("{{{}}}", keys.join(", "))
}

#[test]
fn generated_rules_do_the_same() {
    const SETS: usize = 20_000;
    let mut draw = Draw(3);
    let mut questions = Vec::new();
    for _ in 0..SETS {
        let rules: Vec<String> = (0..1 + draw.next() % 3).map(|_| rule(&mut draw)).collect();
        let pairs: Vec<(&str, &str)> =
            (0..draw.next() % 6).map(|_| (draw.pick(NAMES), draw.pick(VALUES))).collect();
        questions.push((format!("[{}]", rules.join(", ")), Labels::from_pairs(pairs)));
    }
    let input: String = questions
        .iter()
        .map(|(rules, labels)| {
            let map: serde_json::Map<_, _> = labels.iter().map(|(n, v)| (n.to_owned(), v.into())).collect();
            serde_json::json!({"rules": rules, "labels": map}).to_string() + "\n"
        })
        .collect();
    let output = ask("gorelabel", &input);
    assert_eq!(output.lines().count(), SETS);
    let (mut refused, mut dropped, mut changed) = (0, 0, 0);
    for ((rules, labels), line) in questions.iter().zip(output.lines()) {
        let theirs: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = format!("scrape_configs: [{{job_name: a, relabel_configs: {rules}}}]");
        let config = Config::load(&text, "p.yml");
        let error = theirs["error"].as_str().unwrap();
        let Ok(config) = config else {
            let ours = config.map(|_| ()).unwrap_err().to_string();
            assert!(!error.is_empty(), "{rules} is refused here only: {ours}");
            assert!(ours.contains(error), "{rules}: here {ours}, there {error}");
            refused += 1;
            continue;
        };
        assert!(error.is_empty(), "{rules} is refused there only: {error}");
        let mut builder = labels.builder();
        let kept = relabel::process(&config.scrape_configs[0].relabel, &mut builder);
        assert_eq!(kept, theirs["keep"].as_bool().unwrap(), "{rules} on {labels:?}");
        if !kept {
            dropped += 1;
            continue;
        }
        let expect = theirs["labels"].as_object().unwrap();
        let expect = Labels::from_pairs(expect.iter().map(|(n, v)| (n.as_str(), v.as_str().unwrap())));
        assert_eq!(builder.labels(), expect, "{rules} on {labels:?}");
        changed += usize::from(expect != *labels);
    }
    println!("{SETS} sets: {refused} refused, {dropped} dropped, {changed} changed");
    assert!(refused > 1000 && dropped > 1000 && changed > 1000, "the rules are too poor to prove anything");
}
