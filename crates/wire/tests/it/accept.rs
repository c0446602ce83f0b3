//! Bodies that are taken, and what they say.

use tortie_model::{Labels, LabelsBuilder};
use tortie_wire::MetricType;
use tortie_wire::text::{Entry, Parser};

fn series(body: &str) -> Vec<(Labels, f64, Option<i64>)> {
    let mut parser = Parser::new(body.as_bytes());
    let mut builder = LabelsBuilder::new();
    let mut out = Vec::new();
    while let Some(entry) = parser.next().unwrap_or_else(|e| panic!("{body:?}: {e}")) {
        let Entry::Sample(s) = entry else { continue };
        parser.labels(&mut builder).unwrap();
        out.push((builder.labels(), s.value, s.timestamp));
    }
    out
}

#[track_caller]
fn check(line: &str, labels: &[(&str, &str)], value: f64, timestamp: Option<i64>) {
    let got = series(line);
    assert_eq!(got.len(), 1, "{line:?}");
    assert_eq!(got[0].0, Labels::from_pairs(labels.iter().copied()), "{line:?}");
    assert_eq!(got[0].1.to_bits(), value.to_bits(), "{line:?}");
    assert_eq!(got[0].2, timestamp, "{line:?}");
}

#[test]
fn plain_lines() {
    check("up 1\n", &[("__name__", "up")], 1.0, None);
    check("up 1", &[("__name__", "up")], 1.0, None);
    check(
        "a:b{c=\"d\",} 1.5e3 1395066363000\n",
        &[("__name__", "a:b"), ("c", "d")],
        1500.0,
        Some(1_395_066_363_000),
    );
    check(
        "x \t {a = \"b\" , c=\"\"}\t-Inf \t 7 \n",
        &[("__name__", "x"), ("a", "b")],
        f64::NEG_INFINITY,
        Some(7),
    );
    check("x{a=\"b\" c=\"d\"} 0\n", &[("__name__", "x"), ("a", "b"), ("c", "d")], 0.0, None);
    check("x{} 0\n", &[("__name__", "x")], 0.0, None);
}

#[test]
fn escapes_and_utf8() {
    check("x{a=\"q\\\"b\\\\n\\n\\t\"} 1\n", &[("__name__", "x"), ("a", "q\"b\\n\n\\t")], 1.0, None);
    check("{\"a.b\",\"c d\"=\"ü\"} 1\n", &[("__name__", "a.b"), ("c d", "ü")], 1.0, None);
    check("{a=\"1\", \"na\\\"me\"} 1\n", &[("__name__", "na\"me"), ("a", "1")], 1.0, None);
    check("x{a=\"two\nlines\"} 1\n", &[("__name__", "x"), ("a", "two\nlines")], 1.0, None);
}

#[test]
fn blanks_before_a_name_belong_to_it_as_in_prometheus() {
    check(" x 1\n", &[("__name__", " x")], 1.0, None);
}

#[test]
fn bounds_are_normalised_by_the_last_type() {
    let body = "# TYPE h histogram\nh_bucket{le=\"10\"} 1\nh_bucket{le=\"+Inf\"} 1\n# TYPE s summary\ns{quantile=\"1\"} 2\n# TYPE g gauge\ng{le=\"10\"} 3\n";
    let got = series(body);
    let of = |i: usize, name: &str| got[i].0.value(name).to_owned();
    assert_eq!(
        (of(0, "le"), of(1, "le"), of(2, "quantile"), of(3, "le")),
        ("10.0".into(), "+Inf".into(), "1.0".into(), "10".into())
    );
}

#[test]
fn metadata_comments_and_blank_lines() {
    let body = "# HELP x he\\\\l\\np \\\"q\n#TYPE x counter\n# TYPE x counter\n# HELP \"a.b\" t\n# UNIT x s\n\n#\n# \n# HELP y\n# HELP z  \nx 1";
    let mut parser = Parser::new(body.as_bytes());
    let mut seen = Vec::new();
    while let Some(e) = parser.next().unwrap() {
        seen.push(match e {
            Entry::Help { name, text } => format!("help {} {text:?}", String::from_utf8_lossy(name)),
            Entry::Type { name, kind } => format!("type {} {}", String::from_utf8_lossy(name), kind.as_str()),
            Entry::Comment => "comment".into(),
            Entry::Sample(s) => format!("sample {}", s.value),
        });
    }
    let expect = [
        "help x \"he\\\\l\\np \\\\\\\"q\"",
        "comment",
        "type x counter",
        "help a.b \"t\"",
        "comment",
        "comment",
        "comment",
        "help y \"\"",
        "help z \"\"",
        "sample 1",
    ];
    assert_eq!(seen, expect);
    assert_eq!(MetricType::Unknown.text_name(), "untyped");
}

#[test]
fn a_series_is_known_by_its_own_bytes_and_a_seek_goes_on_there() {
    let body = b"a{x=\"1\"}  2 3\nb 4\n";
    let mut parser = Parser::new(body);
    let Some(Entry::Sample(s)) = parser.next().unwrap() else { panic!("no sample") };
    assert_eq!((s.series, s.at, s.value_at), (&b"a{x=\"1\"}"[..], 0, 10));
    let here = parser.position();
    assert_eq!(here, 14);
    parser.seek(here);
    let Some(Entry::Sample(s)) = parser.next().unwrap() else { panic!("no sample") };
    assert_eq!((s.series, s.at), (&b"b"[..], 14));
}
