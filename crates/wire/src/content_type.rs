//! What a scrape asks for, and which body it takes: the Accept header and the check of Content-Type.

/// Formats that can be asked for, in order of preference, as `scrape_protocols` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `PrometheusText1.0.0`: the text format with names in quotes.
    Text1,
    /// `PrometheusText0.0.4`: the text format.
    Text0,
}

impl Protocol {
    /// The protocol that `scrape_protocols` or `fallback_scrape_protocol` names, when this program can parse it.
    pub fn from_config(name: &str) -> Option<Protocol> {
        match name {
            "PrometheusText1.0.0" => Some(Protocol::Text1),
            "PrometheusText0.0.4" => Some(Protocol::Text0),
            _ => None,
        }
    }

    /// Its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Text1 => "PrometheusText1.0.0",
            Protocol::Text0 => "PrometheusText0.0.4",
        }
    }
}

/// The Accept header for `protocols`, most wanted first, weighted as Prometheus weights them.
///
/// `escaping` is `allow-utf-8`, `underscores`, `dots` or `values`; only version 1.0.0 carries it.
pub fn accept_header(protocols: &[Protocol], escaping: &str) -> String {
    let mut weight = 7;
    let mut out = String::new();
    for p in protocols {
        out.push_str(match p {
            Protocol::Text1 => "text/plain;version=1.0.0;escaping=",
            Protocol::Text0 => "text/plain;version=0.0.4",
        });
        if *p == Protocol::Text1 {
            out.push_str(escaping);
        }
        out.push_str(&format!(";q=0.{weight},"));
        weight -= 1;
    }
    out.push_str(&format!("*/*;q=0.{weight}"));
    out
}

/// What a Content-Type says of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The text format.
    Text,
    /// Taken as text because `fallback_scrape_protocol` says so; the reason is for the debug log.
    Fallback(String),
    /// The scrape fails with this reason.
    Refused(String),
}

/// Judges a Content-Type header as Prometheus does; `fallback` is `fallback_scrape_protocol`.
pub fn judge(content_type: &str, fallback: Option<Protocol>) -> Verdict {
    let refuse_or = |refused: String, fell_back: String| match fallback {
        None => Verdict::Refused(refused),
        Some(_) => Verdict::Fallback(fell_back),
    };
    if content_type.is_empty() {
        return refuse_or(
            "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target".into(),
            "non-compliant scrape target sending blank Content-Type, using fallback_scrape_protocol \"text/plain\"".into(),
        );
    }
    let Some(media) = media_type(content_type) else {
        return refuse_or(
            format!("cannot parse Content-Type {content_type:?} and no fallback_scrape_protocol for target"),
            format!(
                "could not parse received Content-Type {content_type:?}, using fallback_scrape_protocol \"text/plain\""
            ),
        );
    };
    match media.as_str() {
        "text/plain" => Verdict::Text,
        // Known to Prometheus but never asked for here: reading them as text would store nonsense.
        "application/openmetrics-text" | "application/vnd.google.protobuf" => Verdict::Refused(format!(
            "received Content-Type {content_type:?}, which was not asked for and is not parsed: hint: let the target answer in text/plain"
        )),
        _ => refuse_or(
            format!(
                "received unsupported Content-Type {content_type:?} and no fallback_scrape_protocol specified for target"
            ),
            format!(
                "received unsupported Content-Type {content_type:?}, using fallback_scrape_protocol \"text/plain\""
            ),
        ),
    }
}

/// The media type in lower case, or `None` when the header is malformed (as `mime.ParseMediaType`: type and subtype
/// must be tokens, parameters must be `name=value`).
fn media_type(header: &str) -> Option<String> {
    let mut parts = split_outside_quotes(header);
    let media = parts.next()?.trim().to_ascii_lowercase();
    let valid = match media.split_once('/') {
        Some((kind, sub)) => is_token(kind) && is_token(sub),
        None => is_token(&media),
    };
    if !valid {
        return None;
    }
    for p in parts {
        let p = p.trim();
        if p.is_empty() {
            continue;
        }
        let (name, value) = p.split_once('=')?;
        let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
        if !is_token(name.trim_end()) || !(quoted || is_token(value)) {
            return None;
        }
    }
    Some(media)
}

fn split_outside_quotes(s: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    s.split(move |c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    })
}

fn is_token(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, fallback: Option<Protocol>, expect: &Verdict) {
        assert_eq!(&judge(header, fallback), expect, "{header}");
    }

    #[test]
    fn text_in_its_spellings() {
        for h in [
            "text/plain",
            "text/plain; version=0.0.4; charset=utf-8",
            "TEXT/Plain;version=\"1.0.0\";escaping=allow-utf-8",
            "text/plain;",
        ] {
            check(h, None, &Verdict::Text);
        }
    }

    #[test]
    fn everything_else_is_refused_by_name_or_falls_back() {
        check(
            "",
            None,
            &Verdict::Refused("non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target".into()),
        );
        check(
            "text/html",
            None,
            &Verdict::Refused("received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target".into()),
        );
        check(
            "text/",
            None,
            &Verdict::Refused(
                "cannot parse Content-Type \"text/\" and no fallback_scrape_protocol for target".into(),
            ),
        );
        assert!(matches!(judge("text/html", Some(Protocol::Text0)), Verdict::Fallback(_)));
        assert!(matches!(
            judge("application/openmetrics-text; version=1.0.0", Some(Protocol::Text0)),
            Verdict::Refused(_)
        ));
    }

    #[test]
    fn accept_is_weighted() {
        assert_eq!(
            accept_header(&[Protocol::Text1, Protocol::Text0], "allow-utf-8"),
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.7,text/plain;version=0.0.4;q=0.6,*/*;q=0.5"
        );
    }
}
