//! Bodies that are refused: Prometheus' reason, and line and column.

use tortie_model::LabelsBuilder;
use tortie_wire::text::Parser;

#[track_caller]
fn check(body: &[u8], line: usize, column: usize, reason: &str) {
    let mut parser = Parser::new(body);
    loop {
        match parser.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("{:?} was accepted", String::from_utf8_lossy(body)),
            Err(e) => {
                assert_eq!(e.reason, reason);
                assert_eq!((e.line, e.column), (line, column), "{reason}");
                return;
            }
        }
    }
}

#[test]
fn reasons_and_places() {
    check(b"a\n", 1, 2, r#"expected value after metric, got "\n" ("INVALID") while parsing: "a\n""#);
    check(b"x 1\na{b='c'} 1\n", 2, 5, r#"expected label value, got "'" ("INVALID") while parsing: "a{b='""#);
    check(b"a{b=\n", 1, 5, r#"expected label value, got "\n" ("INVALID") while parsing: "a{b=\n""#);
    check(
        b"a{\xff=\"foo\"} 1\n",
        1,
        3,
        r#"expected label name, got "\xff" ("INVALID") while parsing: "a{\xff""#,
    );
    check(b"a{b=\"\xff\"} 1\n", 1, 5, r#"invalid UTF-8 label value: "\"\xff\"""#);
    check(b"a true\n", 1, 3, r#"strconv.ParseFloat: parsing "true": invalid syntax while parsing: "a true""#);
    check(
        b"something_weird{problem=\"\n",
        1,
        25,
        r#"expected label value, got "\"\n" ("INVALID") while parsing: "something_weird{problem=\"\n""#,
    );
    check(
        b"empty_label_name{=\"\"} 0\n",
        1,
        18,
        r#"expected label name, got "=\"" ("EQUAL") while parsing: "empty_label_name{=\"""#,
    );
    check(b"foo 1_2\n", 1, 5, r#"unsupported character in float while parsing: "foo 1_2""#);
    check(b"foo 0x1p-3\n", 1, 5, r#"unsupported character in float while parsing: "foo 0x1p-3""#);
    check(
        b"foo 0 1_2\n",
        1,
        8,
        r#"expected next entry after timestamp, got "_" ("INVALID") while parsing: "foo 0 1_""#,
    );
    check(
        b"foo 1 -5\n",
        1,
        7,
        r#"expected timestamp or new record, got "-" ("INVALID") while parsing: "foo 1 -""#,
    );
    check(b"{a=\"ok\"} 1\n", 1, 10, r#"metric name not set while parsing: "{a=\"ok\"} 1""#);
    check(b"m{\"n\"} 1\n", 1, 6, r#"metric name already set while parsing: "m{\"n\"}""#);
    check(
        b"# TYPE #\n#EOF\n",
        1,
        8,
        r##"expected metric name after TYPE, got "#" ("INVALID") while parsing: "# TYPE #""##,
    );
    check(b"# TYPE c info\n", 1, 9, r#"invalid metric type "info""#);
    check(
        b"foo 1e400\n",
        1,
        5,
        r#"strconv.ParseFloat: parsing "1e400": value out of range while parsing: "foo 1e400""#,
    );
    check(
        b"foo 1 99999999999999999999\n",
        1,
        7,
        r#"strconv.ParseInt: parsing "99999999999999999999": value out of range while parsing: "foo 1 99999999999999999999""#,
    );
    check(b"9a 1\n", 1, 1, r#"expected a valid start token, got "9" ("INVALID") while parsing: "9""#);
    check(b"<html>\n", 1, 1, r#"expected a valid start token, got "<" ("INVALID") while parsing: "<""#);
    check(b"half", 1, 5, r#"expected value after metric, got "\n" ("INVALID") while parsing: "half\n""#);
}

#[test]
fn a_label_twice_is_refused_when_labels_are_read() {
    let mut parser = Parser::new(b"a{b=\"1\",b=\"2\"} 1\n");
    parser.next().unwrap();
    let e = parser.labels(&mut LabelsBuilder::new()).unwrap_err();
    assert_eq!(e.to_string(), "label name \"b\" is not unique: invalid sample");
}

#[test]
fn a_huge_broken_line_makes_a_short_message() {
    let mut body = vec![b'a'; 1 << 20];
    body.extend_from_slice(b"{\n");
    let e = Parser::new(&body).next().unwrap_err();
    assert!(e.to_string().len() < 2000);
}
