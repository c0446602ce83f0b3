//! Requests without retries of their own, for whoever keeps the pace himself, and answers that come piece by piece.

use super::error::ReadError;
use super::request::{busy, read_all};
use super::{Answer, Call, Cluster, refusal};
use bytes::Bytes;
use http_body_util::BodyExt;
use kube::client::Body;
use std::time::Duration;
use tokio::time::timeout;

/// Longest body of a refusal in bytes.
const MOST_REFUSAL: usize = 1 << 20;

/// An answer whose body comes piece by piece.
pub(crate) struct Opened {
    body: Body,
    what: String,
}

impl Opened {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Timeout`] when nothing comes for `silence`, [`ReadError::Malformed`] when the connection breaks.
    pub(crate) async fn piece(&mut self, silence: Duration) -> Result<Option<Bytes>, ReadError> {
        loop {
            let late = |_| ReadError::Timeout { what: self.what.clone(), after: silence };
            match timeout(silence, self.body.frame()).await.map_err(late)? {
                None => return Ok(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Ok(Some(data)),
                    _ => {}
                },
                Some(Err(_)) => {
                    let message = "the connection broke".to_owned();
                    return Err(ReadError::Malformed { what: self.what.clone(), message });
                }
            }
        }
    }
}

impl Cluster {
    /// Sends a request once; anything but success is an error.
    pub(crate) async fn once(&self, call: &Call) -> Result<Answer, ReadError> {
        let answer = self.send(call).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.hushed(refused(call, &answer))) }
    }

    /// Sends a request once, and answers when the body begins.
    pub(crate) async fn open(&self, call: &Call) -> Result<Opened, ReadError> {
        let limit = self.inner.request_timeout;
        let late = |_| ReadError::Timeout { what: call.what(), after: limit };
        let sent = timeout(limit, self.inner.client.send(call.to_request()?)).await.map_err(late)?;
        let (parts, body) = sent.map_err(|e| self.unreachable(call, &e))?.into_parts();
        if parts.status.is_success() {
            return Ok(Opened { body, what: call.what() });
        }
        let body = timeout(limit, read_all(body, MOST_REFUSAL)).await.map_err(late)?.unwrap_or_default();
        Err(self.hushed(refused(call, &Answer::new(call, parts, body))))
    }
}

fn refused(call: &Call, answer: &Answer) -> ReadError {
    match busy(answer) {
        Some(retry_after) => ReadError::TooMany { retry_after },
        None => refusal(call, answer),
    }
}
