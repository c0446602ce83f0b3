//! Templates whole, through the public API: what an alert's texts become, and that every bound holds.

use tortie_model::Labels;
use tortie_template::{
    Data, Error, ErrorKind, Histogram, Limits, NoQuery, Sample, Text, Value, annotation, check, expand,
};

fn with(text: &str, value: Value, limits: &Limits) -> Result<String, Error> {
    let labels = Labels::from_pairs([("instance", "a:9100"), ("job", "node")]);
    let external = Labels::from_pairs([("cluster", "eu")]);
    let data = Data { labels: &labels, external_labels: &external, external_url: "http://h:9090/p", value };
    let mut query = |expr: &str, at: i64| match expr {
        "up" => {
            let labels = Labels::from_pairs([("instance", "b"), ("at", &at.to_string())]);
            Ok(vec![Sample { labels, value: Value::Float(1.5) }])
        }
        _ => Err(format!("no such query {expr}")),
    };
    expand("__alert_A", text, &data, &mut query, 7000, limits)
}

fn expand_one(text: &str) -> Result<String, Error> {
    with(text, Value::Float(0.1234), &Limits::default())
}

#[track_caller]
fn says(text: &str, expect: &str) {
    assert_eq!(expand_one(text).as_deref(), Ok(expect), "{text}");
}

#[test]
fn labels_values_and_queries_of_an_alert() {
    says("plain", "plain");
    says("{{ $labels.instance }} is at {{ $value | humanizePercentage }}", "a:9100 is at 12.34%");
    says(
        "{{ $externalLabels.cluster }} {{ $externalURL }} {{ externalURL }}{{ pathPrefix }}",
        "eu http://h:9090/p http://h:9090/p/p",
    );
    says("{{ $labels.none }}|{{ .Value }}", "|0.1234");
    says(
        "{{ with query \"up\" }}{{ . | first | label \"at\" }} {{ . | first | value }}{{ end }}",
        "7000 1.5",
    );
    says("{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}", "instance=a:9100;job=node;");
}

#[test]
fn an_error_stands_in_the_annotation() {
    let text = annotation(expand_one("x {{ query \"down\" }}"));
    assert_eq!(
        text,
        "<error expanding template: error executing template __alert_A: template: __alert_A:1:117: executing \
         \"__alert_A\" at <query \"down\">: error calling query: no such query down>"
    );
    let text = annotation(expand_one("{{ if }}"));
    assert_eq!(
        text,
        "<error expanding template: error parsing template __alert_A: template: __alert_A:1: missing value for if>"
    );
    assert_eq!(annotation(expand_one("fine")), "fine");
}

#[test]
fn errors_know_their_place() {
    let e = expand_one("one\ntwo {{ .Nope }}").unwrap_err();
    assert_eq!((e.kind, e.line, e.column), (ErrorKind::Exec, 2, Some(7)));
    let e = check("n", "one\n{{ nope }}", &Limits::default()).unwrap_err();
    assert_eq!((e.kind, e.line, e.column), (ErrorKind::Parse, 2, None));
    assert_eq!(e.message, "template: n:2: function \"nope\" not defined");
}

#[test]
fn a_parsed_text_is_written_any_number_of_times() {
    let text = Text::parse("n", "{{ $value }}", &Limits::default()).unwrap();
    let labels = Labels::empty();
    for v in [1.0, 2.5] {
        let data =
            Data { labels: &labels, external_labels: &labels, external_url: "", value: Value::Float(v) };
        assert_eq!(text.expand(&data, &mut NoQuery, 0), Ok(v.to_string()));
    }
}

#[test]
fn histograms_print() {
    let h = Histogram { count: 3.0, sum: 4.5, text: "{count:3, sum:4.5}".into() };
    let value = Value::Object(std::sync::Arc::new(h));
    let limits = Limits::default();
    assert_eq!(
        with("{{ $value }} {{ .Value.Count }}", value.clone(), &limits).as_deref(),
        Ok("{count:3, sum:4.5} 3")
    );
    let e = with("{{ humanize $value }}", value, &limits).unwrap_err();
    assert!(e.message.ends_with("can't convert *histogram.FloatHistogram to float"), "{e}");
}

/// Runs `text` with a small stack: nothing may recurse without bound.
#[track_caller]
fn ends_at_a_limit(text: &str, words: &str) {
    let text = text.to_owned();
    let run = std::thread::Builder::new().stack_size(3 << 19).spawn(move || expand_one(&text));
    let e = run.expect("a thread").join().expect("no panic").unwrap_err();
    assert_eq!(e.kind, ErrorKind::Limit, "{e}");
    assert!(e.message.contains(words), "{e}");
}

#[test]
fn loops_end() {
    ends_at_a_limit("{{ range 1000000000 }}{{ end }}", "exceeded the limit of 100000 steps");
    ends_at_a_limit(
        "{{ range 10000 }}{{ range 10000 }}{{ $x := . }}{{ end }}{{ end }}",
        "exceeded the limit of 100000 steps",
    );
}

#[test]
fn texts_stay_short() {
    ends_at_a_limit("{{ range 99999 }}aaaaaaaaaaaaaaaaaaaa{{ end }}", "bytes of output");
    let doubling = format!("{{{{ $x := \"aaaaaaaa\" }}}}{}", "{{ $x = print $x $x }}".repeat(40));
    ends_at_a_limit(&doubling, "bytes of text");
    ends_at_a_limit("{{ range 100 }}{{ $x := printf \"%999999d\" 1 }}{{ end }}", "bytes of text");
    ends_at_a_limit(
        "{{ $a := args }}{{ range 50000 }}{{ $a = args $a }}{{ end }}{{ $a }}",
        "maps within each other",
    );
    ends_at_a_limit("{{ $a := args }}{{ range 20 }}{{ $a = args $a $a }}{{ end }}{{ $a }}", "bytes of text");
    for verb in ["%.999999f", "%.999999e", "%.999999d", "%.999999U", "%.999999x", "%999999q"] {
        let value = if verb.ends_with(['d', 'U', 'q']) { "1" } else { "1.5" };
        ends_at_a_limit(
            &format!("{{{{ range 100 }}}}{{{{ $x := printf \"{verb}\" {value} }}}}{{{{ end }}}}"),
            "bytes of text",
        );
    }
    ends_at_a_limit(
        "{{ $x := printf \"%99999d\" 1 }}{{ range 100 }}{{ $y := reReplaceAll \"\" $x $x }}{{ end }}",
        "exceeded the limit",
    );
}

#[test]
fn recursion_ends() {
    ends_at_a_limit(
        "{{ define \"r\" }}{{ template \"r\" . }}{{ end }}{{ template \"r\" . }}",
        "template depth",
    );
    let nested = "{{ if true }}".repeat(5000);
    ends_at_a_limit(&nested, "max expression depth exceeded");
    let parens = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    ends_at_a_limit(&parens, "max expression depth exceeded");
    let chained = format!("{{{{ if false }}}}{}{{{{ end }}}}", "{{ else if false }}x".repeat(5000));
    ends_at_a_limit(&chained, "max expression depth exceeded");
}

/// Each level of templates holds as many blocks as the text may nest: the worst for the stack.
#[test]
fn the_deepest_template_fits_a_small_stack() {
    let open = "{{ if true }}".repeat(60);
    let close = "{{ end }}".repeat(60);
    let text = format!(
        "{{{{ define \"r\" }}}}{open}{{{{ template \"r\" (print (print (print .))) }}}}{close}{{{{ end }}}}{{{{ template \"r\" 1 }}}}"
    );
    ends_at_a_limit(&text, "template depth");
}

#[test]
fn queries_are_counted() {
    ends_at_a_limit("{{ range 1000 }}{{ $x := query \"up\" }}{{ end }}", "exceeded the limit of 100 queries");
}
