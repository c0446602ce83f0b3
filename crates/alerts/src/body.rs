//! The body of a request to `/api/v2/alerts`, byte for byte as Prometheus writes it.

use crate::alert::Alert;
use std::sync::Arc;
use tortie_model::timestamp;

/// A list of alerts as JSON.
pub(crate) fn write(alerts: &[Arc<Alert>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(alerts.len() * 512 + 2);
    out.push(b'[');
    for (i, alert) in alerts.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        one(&mut out, alert);
    }
    out.push(b']');
    out
}

fn one(out: &mut Vec<u8>, alert: &Alert) {
    out.push(b'{');
    if !alert.annotations.is_empty() {
        out.extend_from_slice(b"\"annotations\":");
        pairs(out, alert.annotations.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        out.push(b',');
    }
    for (name, ms) in [("endsAt", alert.ends_at_ms), ("startsAt", alert.starts_at_ms)] {
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":\"");
        out.extend_from_slice(time(ms).as_bytes());
        out.extend_from_slice(b"\",");
    }
    if !alert.generator_url.is_empty() {
        out.extend_from_slice(b"\"generatorURL\":");
        text(out, &alert.generator_url);
        out.push(b',');
    }
    out.extend_from_slice(b"\"labels\":");
    pairs(out, alert.labels.iter());
    out.push(b'}');
}

/// Three digits of a second always: `2024-05-01T10:00:00.000Z`.
fn time(ms: i64) -> String {
    let text = timestamp::format_rfc3339(ms.div_euclid(1000) * 1000);
    format!("{}.{:03}Z", text.trim_end_matches('Z'), ms.rem_euclid(1000))
}

pub(crate) fn pairs<'a>(out: &mut Vec<u8>, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push(b'{');
    for (i, (name, value)) in pairs.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        text(out, name);
        out.push(b':');
        text(out, value);
    }
    out.push(b'}');
}

/// A string with Go's escapes: those of HTML too.
pub(crate) fn text(out: &mut Vec<u8>, s: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for c in s.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '<' | '>' | '&' | '\0'..='\u{1f}' => {
                let b = c as u8;
                out.extend_from_slice(b"\\u00");
                out.extend([b >> 4, b & 15].map(|d| HEX[usize::from(d)]));
            }
            '\u{2028}' => out.extend_from_slice(b"\\u2028"),
            '\u{2029}' => out.extend_from_slice(b"\\u2029"),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_model::Labels;

    #[test]
    fn reads_as_prometheus_writes_it() {
        let alert = Alert {
            labels: Labels::from_pairs([("alertname", "A"), ("job", "a<b>&\"c\"\n\u{1}")]),
            annotations: Arc::new([("empty".into(), String::new()), ("summary".into(), "é\u{2028}".into())]),
            starts_at_ms: 1_435_065_584_128,
            ends_at_ms: 1_435_065_824_000,
            resolved: false,
            generator_url: "http://h/graph?g0.expr=up&g0.tab=1".into(),
        };
        let bare = Alert { annotations: Arc::new([]), generator_url: Arc::from(""), ..alert.clone() };
        let got = String::from_utf8(write(&[Arc::new(alert), Arc::new(bare)])).unwrap();
        assert_eq!(
            got,
            concat!(
                r#"[{"annotations":{"empty":"","summary":"é\u2028"},"endsAt":"2015-06-23T13:23:44.000Z","#,
                r#""startsAt":"2015-06-23T13:19:44.128Z","generatorURL":"http://h/graph?g0.expr=up\u0026g0.tab=1","#,
                r#""labels":{"alertname":"A","job":"a\u003cb\u003e\u0026\"c\"\n\u0001"}},"#,
                r#"{"endsAt":"2015-06-23T13:23:44.000Z","startsAt":"2015-06-23T13:19:44.128Z","#,
                r#""labels":{"alertname":"A","job":"a\u003cb\u003e\u0026\"c\"\n\u0001"}}]"#
            )
        );
    }
}
