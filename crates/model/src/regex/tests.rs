//! Tests of patterns: what is accepted, what matches, what groups hold, what is known without matching.

use super::*;

fn refused(pattern: &str, message: &str) {
    let said = Regex::matcher(pattern).map(|_| ()).unwrap_err().to_string();
    assert_eq!(said, format!("error parsing regexp: {message}"), "{pattern}");
}

fn check(pattern: &str, yes: &[&str], no: &[&str]) {
    for re in [Regex::matcher(pattern).unwrap(), Regex::anchored(pattern).unwrap()] {
        for s in yes {
            assert!(re.is_match(s), "{pattern} should match {s:?}");
        }
        for s in no {
            assert!(!re.is_match(s), "{pattern} should not match {s:?}");
        }
    }
}

#[test]
fn refuses_in_the_words_of_go() {
    refused("a(b", "missing closing ): `a(b`");
    refused("a)b", "unexpected ): `a)b`");
    refused("[a", "missing closing ]: `[a`");
    refused("[z-a]", "invalid character class range: `z-a`");
    refused("*", "missing argument to repetition operator: `*`");
    refused("a|+?", "missing argument to repetition operator: `+?`");
    refused("a**", "invalid nested repetition operator: `**`");
    refused("x*?+", "invalid nested repetition operator: `*?+`");
    refused("a{1001}", "invalid repeat count: `{1001}`");
    refused("a{2,1}", "invalid repeat count: `{2,1}`");
    refused("(a{500}){3}", "invalid repeat count: `{3}`");
    refused("(?x) a", "invalid or unsupported Perl syntax: `(?x`");
    refused("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
    refused("(?P<n", "invalid named capture: `(?P<n`");
    refused("(?P<n!>a)", "invalid named capture: `(?P<n!>`");
    refused(r"\8", r"invalid escape sequence: `\8`");
    refused(r"\pX", r"invalid character class range: `\pX`");
    refused(r"\p{Alphabetic}", r"invalid character class range: `\p{Alphabetic}`");
    refused(r"a\", "trailing backslash at end of expression: ``");
    refused("[[:foo:]]", "invalid character class range: `[:foo:]`");
    let wrapped = Regex::anchored("a(b").map(|_| ()).unwrap_err().to_string();
    assert_eq!(wrapped, "error parsing regexp: missing closing ): `^(?s:a(b)$`");
}

#[test]
fn relabelling_wraps_the_text_itself() {
    assert!(Regex::anchored("a)(b").is_ok_and(|re| re.is_match("ab")));
    assert!(Regex::matcher("a)(b").is_err());
}

#[test]
fn too_deep_is_an_error_not_a_crash() {
    let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    assert!(Regex::matcher(&deep(900)).is_ok_and(|re| re.is_match("a")));
    let said = Regex::matcher(&deep(1001)).map(|_| ()).unwrap_err().to_string();
    assert!(said.starts_with("error parsing regexp: expression nests too deeply"), "{said}");
    let groups = "(?:(?:a*)*)*".repeat(300);
    assert!(Regex::matcher(&groups).is_ok_and(|re| re.is_match("aaa")));
    let large = "((a{100}){10}){1}".repeat(4000);
    assert!(Regex::matcher(&large).map(|_| ()).unwrap_err().to_string().contains("expression too large"));
}

#[test]
fn patterns_that_mean_something_else_in_rust() {
    check("a{", &["a{"], &["a"]);
    check("a{,2}", &["a{,2}"], &["aa"]);
    check(r"\Qa.b\E+", &["a.b", "a.bbb"], &["axb"]);
    check(r"\123", &["S"], &[]);
    check(r"\<a", &["<a"], &["a"]);
    check("[a&&b]", &["&", "a", "b"], &[]);
    check(r"\d+", &["12"], &["\u{0661}"]);
    check(r"\w", &["a", "_"], &["é"]);
    check(r"[\d-z]", &["5", "-", "z"], &["a"]);
    check(r"(?i)k", &["k", "K", "\u{212a}"], &[]);
    check(r"(?i)\w", &["\u{212a}", "ſ"], &["é"]);
    check("(?i)(?-i)K", &["K"], &["k"]);
    check(r"\p{Greek}", &["α"], &["a"]);
    check(r"\P{^Greek}", &["α"], &["a"]);
    check("[^a]", &["\n", "é"], &["a"]);
    check("a.b", &["a\nb"], &[]);
    check("(?-s:a.b)", &["axb"], &["a\nb"]);
    check(r"\x{41}\x42\t", &["AB\t"], &[]);
    check("(?m)a$\n^b", &["a\nb"], &[]);
    check("a(?i)*", &["", "aa"], &["A"]);
    check("^a$|^b", &["a", "b"], &["ab"]);
    check(r"a\b", &["a"], &[]);
    check("[[:word:]-]+", &["a-b_1"], &["a b"]);
    check("|a", &["", "a"], &["b"]);
}

#[test]
fn quick_ways_match_as_the_engine() {
    let patterns = [
        "",
        "abc",
        "a|b|c",
        "foo|bar.*",
        ".*",
        ".+",
        "abc.*",
        "abc.+",
        ".*abc",
        ".+abc",
        ".*abc.*",
        "a.*b",
        "a.*b.*c",
        "a.+b",
        ".*a.*a.*",
        "(a|b)c(d|e)",
        "[ab]?c",
        "(?i:ab)",
        "x{2}",
        "(.*)",
        "(foo).*",
        "foo(?:|bar)",
        "(?s:.)*a",
        "[^a]*",
        "a.*a",
    ];
    let texts = [
        "", "a", "b", "aa", "ab", "abc", "abcabc", "xabcx", "a\nb", "abbc", "foo", "bar", "foobar", "barx",
        "acd", "bce", "AB", "xx", "éabc", "aXbYc",
    ];
    for pattern in patterns {
        let re = Regex::matcher(pattern).unwrap();
        let engine = re.inner.engine().unwrap();
        for text in texts {
            assert_eq!(re.is_match(text), engine.is_match(text), "{pattern} on {text:?}");
            if let Some(set) = re.set_matches() {
                assert_eq!(re.is_match(text), set.iter().any(|s| s == text), "{pattern} on {text:?}");
            }
            if let Some(prefix) = re.prefix() {
                assert!(!re.is_match(text) || text.starts_with(prefix), "{pattern} on {text:?}");
            }
        }
    }
}

#[test]
fn what_is_known_without_matching() {
    let set = |p: &str| Regex::matcher(p).unwrap().set_matches().map(<[String]>::to_vec);
    assert_eq!(set("a|b|c").unwrap(), ["a", "b", "c"]);
    assert_eq!(set("foo(bar|baz)").unwrap(), ["foobar", "foobaz"]);
    assert_eq!(set("").unwrap(), [""]);
    assert_eq!(set("a.*"), None);
    assert_eq!(set("[0-9]{3}"), None);
    assert_eq!(set("^a$"), None);
    let prefix = |p: &str| Regex::matcher(p).unwrap().prefix().map(str::to_owned);
    assert_eq!(prefix("calico-node-[a-z0-9]+").as_deref(), Some("calico-node-"));
    assert_eq!(prefix("(abc|abd).+").as_deref(), Some("ab"));
    assert_eq!(prefix(".*a"), None);
    let many = (0..40).map(|i| format!("v{i}")).collect::<Vec<_>>().join("|");
    assert!(matches!(Regex::matcher(&many).unwrap().inner.fast, Some(Fast::Hashed(..))));
}

#[test]
fn templates_are_filled_as_go_does() {
    let filled = |pattern: &str, text: &str, template: &str| {
        let re = Regex::anchored(pattern).unwrap();
        let captures = re.captures(text).unwrap();
        let mut out = String::new();
        re.expand(template, text, &captures, &mut out);
        out
    };
    assert_eq!(filled("(.*)", "x", "$1"), "x");
    assert_eq!(filled("(a)(b)?", "a", "<$1|$2|$3|$0>"), "<a|||a>");
    assert_eq!(filled("(?P<n>a+)(?<m>b)", "aab", "${n}-$m-$nm"), "aa-b-");
    assert_eq!(filled("(a)", "a", "$1x ${1}x $$1 $ ${ ${1 ${} $-"), " ax $1 $ ${ ${1 ${} $-");
    assert_eq!(filled("(?P<n>a)|(?P<n>b)", "b", "$n"), "b");
    assert_eq!(filled("(.+):(\\d+)", "h:80", "$2 $01"), "80 ");
    assert_eq!(filled("foo", "foo", "$0"), "foo");
}
