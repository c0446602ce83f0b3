//! The answer of a query as a stream: JSON is written a piece at a time while the client reads.
//!
//! Nothing but the current piece is held as text, and no thread waits for a slow client: a piece is made when the
//! connection asks for one.

use crate::json;
use crate::reply::{OPEN_ENVELOPE, close_envelope};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};
use tortie_model::HistogramRun;
use tortie_promql::eval::{Answer, FloatHistogram, SampleValue, Value};

/// Bytes of text after which a piece is handed over.
const PIECE: usize = 64 << 10;

/// An answer that is written while it is read.
pub(crate) struct AnswerBody {
    value: Value,
    tail: Vec<u8>,
    /// Next series (or sample of a vector) to write.
    at: usize,
    /// Next float of that series.
    point: usize,
    stage: Stage,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Head,
    Items,
    Tail,
    Done,
}

impl AnswerBody {
    /// `stats` is the JSON of the `stats` field, when it was asked for.
    pub(crate) fn new(answer: Answer, warnings: &[String], stats: Option<String>, gzip: bool) -> AnswerBody {
        let mut tail = Vec::new();
        if let Some(stats) = stats {
            tail.extend_from_slice(b",\"stats\":");
            tail.extend_from_slice(stats.as_bytes());
        }
        tail.push(b'}');
        close_envelope(&mut tail, &capped(warnings, "warning"), &capped(&answer.infos, "info"));
        AnswerBody {
            value: answer.value,
            tail,
            at: 0,
            point: 0,
            stage: Stage::Head,
            gzip: gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast())),
        }
    }

    fn fill(&mut self, out: &mut Vec<u8>) {
        while out.len() < PIECE {
            match self.stage {
                Stage::Head => self.head(out),
                Stage::Items => self.item(out),
                Stage::Tail => {
                    out.extend_from_slice(&self.tail);
                    self.stage = Stage::Done;
                }
                Stage::Done => return,
            }
        }
    }

    fn head(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(OPEN_ENVELOPE);
        out.extend_from_slice(b"{\"resultType\":");
        let kind: &[u8] = match &self.value {
            Value::Scalar { .. } => b"\"scalar\"",
            Value::Str { .. } => b"\"string\"",
            Value::Vector(_) => b"\"vector\"",
            Value::Matrix(_) => b"\"matrix\"",
        };
        out.extend_from_slice(kind);
        out.extend_from_slice(b",\"result\":");
        self.stage = Stage::Tail;
        match &self.value {
            Value::Scalar { t, v } => json::point(out, *t, *v),
            Value::Str { t, s } => {
                out.push(b'[');
                json::timestamp(out, *t);
                out.push(b',');
                json::string(out, s);
                out.push(b']');
            }
            Value::Vector(_) | Value::Matrix(_) => {
                out.push(b'[');
                self.stage = Stage::Items;
            }
        }
    }

    fn item(&mut self, out: &mut Vec<u8>) {
        let done = match &self.value {
            Value::Vector(samples) => match samples.get(self.at) {
                None => true,
                Some(s) => {
                    separate(out, self.at);
                    out.extend_from_slice(b"{\"metric\":");
                    json::labels(out, &s.labels);
                    match &s.v {
                        SampleValue::Float(v) => {
                            out.extend_from_slice(b",\"value\":");
                            json::point(out, s.t, *v);
                        }
                        SampleValue::Histogram(h) => {
                            out.extend_from_slice(b",\"histogram\":[");
                            json::timestamp(out, s.t);
                            out.push(b',');
                            json::histogram(out, h);
                            out.push(b']');
                        }
                    }
                    out.push(b'}');
                    self.at += 1;
                    false
                }
            },
            Value::Matrix(series) => match series.get(self.at) {
                None => true,
                Some(s) => {
                    let c = &s.columns;
                    if self.point == 0 {
                        separate(out, self.at);
                        out.extend_from_slice(b"{\"metric\":");
                        json::labels(out, &s.labels);
                        if !c.t.is_empty() {
                            out.extend_from_slice(b",\"values\":[");
                        }
                    }
                    while self.point < c.t.len() {
                        separate(out, self.point);
                        json::point(out, c.t[self.point], c.v[self.point]);
                        self.point += 1;
                        if out.len() >= PIECE && self.point < c.t.len() {
                            return;
                        }
                    }
                    if !c.t.is_empty() {
                        out.push(b']');
                    }
                    histograms(out, &c.histograms);
                    out.push(b'}');
                    self.point = 0;
                    self.at += 1;
                    false
                }
            },
            _ => true,
        };
        if done {
            out.push(b']');
            self.stage = Stage::Tail;
        }
    }
}

fn separate(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

fn histograms(out: &mut Vec<u8>, runs: &[HistogramRun]) {
    if runs.iter().all(|r| r.t.is_empty()) {
        return;
    }
    out.extend_from_slice(b",\"histograms\":[");
    let mut n = 0;
    for run in runs {
        for (t, h) in FloatHistogram::from_run(run) {
            separate(out, n);
            n += 1;
            out.push(b'[');
            json::timestamp(out, t);
            out.push(b',');
            json::histogram(out, &h);
            out.push(b']');
        }
    }
    out.push(b']');
}

/// At most ten notes, then how many more there are, in Prometheus' words.
pub(crate) fn capped(notes: &[String], kind: &str) -> Vec<String> {
    const MOST: usize = 10;
    let mut list: Vec<String> = notes.iter().take(MOST).cloned().collect();
    if notes.len() > MOST {
        list.push(format!("{} more {kind} annotations omitted", notes.len() - MOST));
    }
    list
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if self.stage == Stage::Done {
                // The end of the compressed stream comes as a last piece of its own.
                let rest = self.gzip.take().and_then(|z| z.finish().ok()).filter(|v| !v.is_empty());
                return Poll::Ready(rest.map(|v| Ok(Frame::data(v.into()))));
            }
            let mut text = Vec::with_capacity(PIECE + (4 << 10));
            self.fill(&mut text);
            let piece = match &mut self.gzip {
                None => text,
                Some(z) => {
                    // Writing into memory cannot fail.
                    let _ = z.write_all(&text);
                    std::mem::take(z.get_mut())
                }
            };
            if !piece.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(piece.into()))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stage == Stage::Done && self.gzip.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Read;
    use tortie_model::{Columns, Labels};
    use tortie_promql::eval::{Series, Stats};

    fn answer(value: Value) -> Answer {
        Answer { value, warnings: Vec::new(), infos: Vec::new(), stats: Stats::default() }
    }

    async fn collected(body: AnswerBody) -> Vec<u8> {
        body.collect().await.unwrap().to_bytes().to_vec()
    }

    #[tokio::test]
    async fn scalars_and_empty_lists() {
        let got =
            collected(AnswerBody::new(answer(Value::Scalar { t: 1500, v: 2.0 }), &[], None, false)).await;
        assert_eq!(got, br#"{"status":"success","data":{"resultType":"scalar","result":[1.500,"2"]}}"#);
        let got = collected(AnswerBody::new(answer(Value::Matrix(vec![])), &["w".into()], None, false)).await;
        assert_eq!(
            got,
            br#"{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["w"]}"#
        );
    }

    #[tokio::test]
    async fn a_long_series_comes_in_pieces_that_fit_together_and_gzip_gives_the_same() {
        let mut columns = Columns::default();
        for i in 0..20_000 {
            columns.push(i * 1000, i as f64);
        }
        let series = || vec![Series { labels: Labels::from_pairs([("a", "<b>")]), columns: columns.clone() }];
        let plain = collected(AnswerBody::new(answer(Value::Matrix(series())), &[], None, false)).await;
        let parsed: serde_json::Value = serde_json::from_slice(&plain).unwrap();
        let s = &parsed["data"]["result"][0];
        assert_eq!(s["metric"]["a"], "<b>");
        assert_eq!(s["values"].as_array().unwrap().len(), 20_000);
        assert_eq!(s["values"][19_999], serde_json::json!([19_999, "19999"]));
        let zipped = collected(AnswerBody::new(answer(Value::Matrix(series())), &[], None, true)).await;
        let mut unzipped = Vec::new();
        flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut unzipped).unwrap();
        assert_eq!(unzipped, plain);
    }
}
