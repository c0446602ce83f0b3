//! The answer of a range query as columns of floats, for a client that asks for them with
//! `Accept: application/vnd.tortie.columns`: a chart needs no text, and JSON is most of the work of a large one.
//!
//! The body is four letters `TCOL`, the length of the head as a little-endian u32, the head as JSON (the usual envelope, whose
//! `data` has `resultType` "matrix", `start` and `step` in milliseconds, `points`, and `result`: a list of `{"metric": …}`),
//! spaces until the next multiple of eight bytes, then for each series in order `points` little-endian IEEE 754 doubles. A point
//! without sample is the stale marker, the NaN with bits 7ff0000000000002. Answers with native histograms stay JSON.

use crate::api::answer::capped;
use crate::json;
use crate::reply::{OPEN_ENVELOPE, close_envelope};
use bytes::Bytes;
use http::HeaderMap;
use http::header::ACCEPT;
use http_body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tortie_model::stale::STALE_NAN_BITS;
use tortie_promql::eval::{Answer, Series, Value};

/// Media type of the form.
pub(crate) const COLUMNS: &str = "application/vnd.tortie.columns";

/// The grid of a range query, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) step: i64,
}

impl Grid {
    /// Number of its points.
    fn points(self) -> usize {
        usize::try_from((self.end - self.start) / self.step).map_or(0, |n| n + 1)
    }
}

/// Whether the client asks for columns.
pub(crate) fn accepted(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT).iter().filter_map(|v| v.to_str().ok());
    lists.flat_map(|l| l.split(',')).any(|one| one.split(';').next().unwrap_or_default().trim() == COLUMNS)
}

/// Whether an answer can be written so.
pub(crate) fn fits(value: &Value) -> bool {
    matches!(value, Value::Matrix(all) if all.iter().all(|s| s.columns.histograms.iter().all(|r| r.t.is_empty())))
}

/// An answer that is written while it is read, a series at a time.
pub(crate) struct ColumnsBody {
    head: Option<Vec<u8>>,
    series: std::vec::IntoIter<Series>,
    grid: Grid,
}

impl ColumnsBody {
    /// Writes an answer that [`fits`]; of another nothing but an empty list would be seen.
    pub(crate) fn new(answer: Answer, warnings: &[String], stats: Option<&str>, grid: Grid) -> ColumnsBody {
        let series = match answer.value {
            Value::Matrix(all) => all,
            _ => Vec::new(),
        };
        let mut text = OPEN_ENVELOPE.to_vec();
        let (start, step, points) = (grid.start, grid.step, grid.points());
        text.extend_from_slice(
            format!("{{\"resultType\":\"matrix\",\"start\":{start},\"step\":{step},\"points\":{points},\"result\":[")
                .as_bytes(),
        );
        for (i, one) in series.iter().enumerate() {
            text.extend_from_slice(if i == 0 { b"{\"metric\":" } else { b",{\"metric\":" });
            json::labels(&mut text, &one.labels);
            text.push(b'}');
        }
        text.push(b']');
        if let Some(stats) = stats {
            text.extend_from_slice(b",\"stats\":");
            text.extend_from_slice(stats.as_bytes());
        }
        text.push(b'}');
        close_envelope(&mut text, &capped(warnings, "warning"), &capped(&answer.infos, "info"));
        let padded = (8 + text.len()).next_multiple_of(8);
        text.resize(padded - 8, b' ');
        let mut head = b"TCOL".to_vec();
        head.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        head.extend_from_slice(&text);
        ColumnsBody { head: Some(head), series: series.into_iter(), grid }
    }
}

/// The values of a series at the points of the grid.
fn column(series: &Series, grid: Grid) -> Vec<u8> {
    let mut out = Vec::with_capacity(grid.points() * 8);
    let mut samples = series.columns.t.iter().zip(&series.columns.v).peekable();
    for k in 0..grid.points() {
        let at = grid.start + grid.step * i64::try_from(k).unwrap_or(i64::MAX);
        let here = samples.next_if(|(t, _)| **t <= at);
        let bits = here.filter(|(t, _)| **t == at).map_or(STALE_NAN_BITS, |(_, v)| v.to_bits());
        out.extend_from_slice(&bits.to_le_bytes());
    }
    out
}

impl http_body::Body for ColumnsBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(Frame::data(head.into()))));
        }
        let grid = self.grid;
        Poll::Ready(self.series.next().map(|one| Ok(Frame::data(column(&one, grid).into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tortie_model::{Columns, Labels};
    use tortie_promql::eval::Stats;

    #[tokio::test]
    async fn head_and_columns() {
        let mut columns = Columns::default();
        columns.push(1_000, 1.5);
        columns.push(3_000, f64::NEG_INFINITY);
        let series = vec![
            Series { labels: Labels::from_pairs([("a", "\"x\"")]), columns },
            Series { labels: Labels::from_pairs([("a", "y")]), columns: Columns::default() },
        ];
        let answer =
            Answer { value: Value::Matrix(series), warnings: vec![], infos: vec![], stats: Stats::default() };
        assert!(fits(&answer.value));
        let grid = Grid { start: 1_000, end: 3_500, step: 1_000 };
        let body =
            ColumnsBody::new(answer, &["w".to_owned()], None, grid).collect().await.unwrap().to_bytes();
        assert_eq!(&body[..4], b"TCOL");
        let length = u32::from_le_bytes(body[4..8].try_into().unwrap()) as usize;
        let head: serde_json::Value = serde_json::from_slice(&body[8..8 + length]).unwrap();
        assert_eq!(
            head["data"]["result"],
            serde_json::json!([{"metric": {"a": "\"x\""}}, {"metric": {"a": "y"}}])
        );
        assert_eq!((&head["data"]["points"], &head["warnings"][0]), (&3.into(), &"w".into()));
        assert_eq!((8 + length) % 8, 0);
        let values: Vec<u64> =
            body[8 + length..].chunks(8).map(|c| u64::from_le_bytes(c.try_into().unwrap())).collect();
        let none = STALE_NAN_BITS;
        assert_eq!(values, [1.5_f64.to_bits(), none, f64::NEG_INFINITY.to_bits(), none, none, none]);
    }

    #[test]
    fn who_asks_for_columns() {
        #[track_caller]
        fn check(accept: &str, expect: bool) {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(accepted(&headers), expect, "{accept}");
        }
        check("application/vnd.tortie.columns, application/json;q=0.9", true);
        check("application/json", false);
        check("*/*", false);
    }
}
