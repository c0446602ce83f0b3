//! Sending a body, as a trait: real over HTTP, made up in tests.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tortie_client::{Client, Request, Url};

/// Longest answer that is read, bytes.
const MAX_ANSWER: usize = 64 << 10;

/// What an Alertmanager answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Code and words: `400 Bad Request`.
    pub status_text: String,
    /// Seconds of `Retry-After`, when it says so in seconds.
    pub retry_after_s: Option<u64>,
    /// The start of the body, for the log.
    pub body: String,
}

/// Sends JSON.
pub trait Post: Send + Sync {
    /// Sends `body` to `url`; the error says why there is no answer.
    fn post(&self, url: &str, body: Bytes, timeout: Duration) -> BoxFuture<'static, Result<Answer, String>>;
}

/// Sends over HTTP.
pub struct ClientPost(Arc<Client>);

impl ClientPost {
    /// Sends with this client.
    pub fn new(client: Client) -> ClientPost {
        ClientPost(Arc::new(client))
    }
}

impl Post for ClientPost {
    fn post(&self, url: &str, body: Bytes, timeout: Duration) -> BoxFuture<'static, Result<Answer, String>> {
        let client = Arc::clone(&self.0);
        let url = Url::parse(url);
        Box::pin(async move {
            let mut request = Request::post(url?, "application/json", body);
            request.timeout = timeout;
            request.max_body = MAX_ANSWER;
            let response = client.send(request).await.map_err(|e| e.to_string())?;
            let retry_after = response.headers.get("retry-after").and_then(|v| v.to_str().ok());
            Ok(Answer {
                status: response.status,
                status_text: response.status_text(),
                retry_after_s: retry_after.and_then(|v| v.trim().parse().ok()),
                body: String::from_utf8_lossy(response.body.get(..1024).unwrap_or(&response.body))
                    .into_owned(),
            })
        })
    }
}
