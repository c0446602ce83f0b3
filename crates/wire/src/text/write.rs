//! Writing the text format: what `/metrics`, `/federate` and simulated targets answer with.

use crate::metric_type::MetricType;
use tortie_model::gofloat::format_g_into;

/// Content-Type of what [`Writer`] makes.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8";

/// Appends families and samples to a buffer. The caller keeps the samples of a family together.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// A writer that appends to `out`.
    pub fn with_buffer(out: Vec<u8>) -> Writer {
        Writer { out }
    }

    /// The bytes written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// The bytes written so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    /// Writes the HELP and TYPE lines of a family; an empty `help` writes no HELP line.
    pub fn family(&mut self, name: &str, kind: MetricType, help: &str) {
        if !help.is_empty() {
            self.out.extend_from_slice(b"# HELP ");
            self.metadata_name(name);
            self.out.push(b' ');
            self.escaped(help, false);
            self.out.push(b'\n');
        }
        self.out.extend_from_slice(b"# TYPE ");
        self.metadata_name(name);
        self.out.push(b' ');
        self.out.extend_from_slice(kind.text_name().as_bytes());
        self.out.push(b'\n');
    }

    /// Writes a sample; `labels` must not hold `__name__`.
    pub fn sample<'l, I: IntoIterator<Item = (&'l str, &'l str)>>(
        &mut self,
        name: &str,
        labels: I,
        value: f64,
    ) {
        self.series(name, labels);
        self.out.push(b' ');
        format_g_into(value, &mut self.out);
        self.out.push(b'\n');
    }

    /// Writes a sample with an explicit timestamp in milliseconds.
    pub fn sample_at<'l, I: IntoIterator<Item = (&'l str, &'l str)>>(
        &mut self,
        name: &str,
        labels: I,
        value: f64,
        t: i64,
    ) {
        self.series(name, labels);
        self.out.push(b' ');
        format_g_into(value, &mut self.out);
        self.out.push(b' ');
        self.out.extend_from_slice(itoa::Buffer::new().format(t).as_bytes());
        self.out.push(b'\n');
    }

    fn series<'l, I: IntoIterator<Item = (&'l str, &'l str)>>(&mut self, name: &str, labels: I) {
        let quoted = !is_legacy_name(name);
        let mut open = false;
        if quoted {
            self.out.extend_from_slice(b"{\"");
            self.escaped(name, true);
            self.out.push(b'"');
            open = true;
        } else {
            self.out.extend_from_slice(name.as_bytes());
        }
        for (n, v) in labels {
            self.out.push(if open { b',' } else { b'{' });
            open = true;
            if is_legacy_name(n) && !n.contains(':') {
                self.out.extend_from_slice(n.as_bytes());
            } else {
                self.out.push(b'"');
                self.escaped(n, true);
                self.out.push(b'"');
            }
            self.out.extend_from_slice(b"=\"");
            self.escaped(v, true);
            self.out.push(b'"');
        }
        if open {
            self.out.push(b'}');
        }
    }

    fn metadata_name(&mut self, name: &str) {
        if is_legacy_name(name) {
            return self.out.extend_from_slice(name.as_bytes());
        }
        self.out.push(b'"');
        self.escaped(name, true);
        self.out.push(b'"');
    }

    fn escaped(&mut self, text: &str, quotes: bool) {
        for b in text.bytes() {
            match b {
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'"' if quotes => self.out.extend_from_slice(b"\\\""),
                b => self.out.push(b),
            }
        }
    }
}

/// Whether `name` is of the classic shape `[a-zA-Z_:][a-zA-Z0-9_:]*` and needs no quotes.
pub fn is_legacy_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b':'))
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':'))
}
