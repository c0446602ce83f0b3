//! Whole requests: sent, redirected, answered, each within a deadline and with a bounded body.

use crate::credential::basic;
use crate::error::Error;
use crate::kept::{Kept, Sender};
use crate::origin::Origin;
use crate::transport::Transport;
use crate::url::Url;
use crate::words::{system_text, tls_text};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tortie_config::http_client::HttpClientConfig;
use tortie_host::{Clock, Fs};

/// Most redirects that are followed, as in Go.
const MAX_REDIRECTS: usize = 10;
/// Longest head of an answer, bytes.
const MAX_HEAD: usize = 256 << 10;

/// Sends requests as one configuration says, and keeps connections.
pub struct Client {
    transport: Arc<Transport>,
    kept: Kept,
    clock: Arc<dyn Clock>,
    user_agent: String,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers besides Host, User-Agent, Content-Length and those of the configuration.
    pub headers: HeaderMap,
    /// Body, may be empty.
    pub body: Bytes,
    /// Longest time in all: connecting, redirects, the whole answer.
    pub timeout: Duration,
    /// Most bytes of the answer's body.
    pub max_body: usize,
}

impl Request {
    /// A GET with 30 s and 16 MiB.
    pub fn get(url: Url) -> Request {
        Request {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(30),
            max_body: 16 << 20,
        }
    }

    /// A POST of a body of this type; else as [`Request::get`].
    pub fn post(url: Url, content_type: &'static str, body: impl Into<Bytes>) -> Request {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Request { method: Method::POST, headers, body: body.into(), ..Request::get(url) }
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Its reason as the server wrote it, or the usual one.
    pub reason: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most as long as was asked.
    pub body: Bytes,
    /// Where the answer came from, after redirects.
    pub url: Url,
}

impl Response {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// `404 Not Found`.
    pub fn status_text(&self) -> String {
        format!("{} {}", self.status, self.reason).trim_end().to_owned()
    }
}

impl Client {
    /// A client of a configuration; `user_agent` names this program.
    ///
    /// # Errors
    /// As [`Transport::new`].
    pub fn new(
        config: &HttpClientConfig,
        user_agent: &str,
        fs: Arc<dyn Fs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Client, String> {
        let transport = Arc::new(Transport::new(config, fs, Arc::clone(&clock))?);
        Ok(Client::over(transport, user_agent, clock))
    }

    /// A client over a transport that others share.
    pub fn over(transport: Arc<Transport>, user_agent: &str, clock: Arc<dyn Clock>) -> Client {
        Client { transport, kept: Kept::default(), clock, user_agent: user_agent.to_owned() }
    }

    /// Sends a request and reads the whole answer. A redirect is followed as the configuration says, up to ten times;
    /// credentials and own headers stay with the host that they are for.
    ///
    /// # Errors
    /// When there is no whole answer. A status like 500 is an answer.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        let (method, url) = (request.method.clone(), request.url.to_string());
        let timeout = request.timeout;
        match tokio::time::timeout(timeout, self.follow(request)).await {
            Ok(result) => result,
            Err(_) => Err(Error::Deadline { method, url }),
        }
    }

    async fn follow(&self, mut request: Request) -> Result<Response, Error> {
        let first = Origin::of(&request.url).map_err(|e| failed(&request, e))?;
        let mut trusted = true;
        let mut redirects = 0;
        loop {
            let to = Origin::of(&request.url).map_err(|e| failed(&request, e))?;
            // Once it led away, it stays led away.
            trusted = trusted && first.trusts(&to);
            let response = self.once(&request, &to, trusted).await?;
            let Some(next) = self.redirect(&request, &response)? else { return Ok(response) };
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                // Go names where it was to go, as the server wrote it.
                let location = response.headers.get(LOCATION).map_or(&[][..], |v| v.as_bytes());
                return Err(Error::Request {
                    method: request.method.clone(),
                    url: String::from_utf8_lossy(location).into_owned(),
                    reason: "stopped after 10 redirects".to_owned(),
                });
            }
            if !first.trusts(&Origin::of(&next).map_err(|e| failed(&request, e))?) {
                for name in [AUTHORIZATION, http::header::COOKIE] {
                    request.headers.remove(name);
                }
            }
            // As Go: these ask again with GET and without the body.
            if matches!(response.status, 301..=303) && !matches!(request.method, Method::GET | Method::HEAD) {
                request.method = Method::GET;
                request.body = Bytes::new();
                request.headers.remove(CONTENT_TYPE);
            }
            request.url = next;
        }
    }

    fn redirect(&self, request: &Request, response: &Response) -> Result<Option<Url>, Error> {
        if !self.transport.config().follow_redirects
            || !matches!(response.status, 301 | 302 | 303 | 307 | 308)
        {
            return Ok(None);
        }
        let Some(location) = response.headers.get(LOCATION) else { return Ok(None) };
        let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
        match request.url.join(&location) {
            Some(next) => Ok(Some(next)),
            None => Err(failed(request, format!("failed to parse Location header {location:?}"))),
        }
    }

    async fn once(&self, request: &Request, to: &Origin, trusted: bool) -> Result<Response, Error> {
        let fail = |e: String| failed(request, e);
        let generation = self.transport.generation(to.https).map_err(fail)?;
        let key = (to.clone(), trusted);
        let message = self.message(request, to, trusted).await.map_err(fail)?;
        if let Some(mut sender) = self.kept.take(&key, generation, self.clock.monotonic_ns())
            && sender.ready().await.is_ok()
        {
            match sender.send_request(message.clone()).await {
                Ok(answer) => return self.read(request, answer, key, generation, sender).await,
                // The server may have closed it while it was idle: nothing was sent then.
                Err(e) if e.is_canceled() || e.is_closed() => {}
                // It came when the server closed: asking once more is safe where asking changes nothing.
                Err(e) if e.is_incomplete_message() && request.method == Method::GET => {}
                Err(e) => return Err(fail(words(&e))),
            }
        }
        let mut sender = self.open(to, trusted).await.map_err(fail)?;
        let answer = sender.send_request(message).await.map_err(|e| fail(words(&e)))?;
        self.read(request, answer, key, generation, sender).await
    }

    async fn open(&self, to: &Origin, trusted: bool) -> Result<Sender, String> {
        let connection = self.transport.connect(to, trusted).await?;
        let (sender, driver) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(connection.stream))
            .await
            .map_err(|e| words(&e))?;
        // It ends when the sending side is dropped, or the server closes.
        tokio::spawn(async move {
            let _ = driver.await;
        });
        Ok(sender)
    }

    async fn message(
        &self,
        request: &Request,
        to: &Origin,
        trusted: bool,
    ) -> Result<http::Request<Full<Bytes>>, String> {
        let forwarded = self.transport.forwarded(to);
        let target = if forwarded.is_some() { request.url.as_str() } else { request.url.path_and_query() };
        let mut message = http::Request::new(Full::new(request.body.clone()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = target.parse().map_err(|e| format!("not a URL: {e}"))?;
        let headers = message.headers_mut();
        headers.clone_from(&request.headers);
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| "net/http: invalid header field value".to_owned())
        };
        headers.insert(HOST, value(request.url.authority())?);
        headers.insert(USER_AGENT, value(&self.user_agent)?);
        if !request.body.is_empty() || request.method == Method::POST {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(request.body.len()));
        }
        if let Some(Some(authorization)) = forwarded {
            headers.insert(http::header::PROXY_AUTHORIZATION, secret(&authorization)?);
        }
        if trusted {
            if let Some((user, password)) = request.url.user() {
                headers.entry(AUTHORIZATION).or_insert(secret(&basic(user, password.expose()))?);
            }
            for (name, text) in self.transport.headers(&self.user_agent).await? {
                let name = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| format!("net/http: invalid header field name {name:?}"))?;
                // What a request says itself, it says.
                if name == AUTHORIZATION {
                    headers.entry(name).or_insert(secret(&text)?);
                } else {
                    headers.append(name, secret(&text)?);
                }
            }
        }
        Ok(message)
    }

    async fn read(
        &self,
        request: &Request,
        answer: http::Response<hyper::body::Incoming>,
        key: (Origin, bool),
        generation: u64,
        sender: Sender,
    ) -> Result<Response, Error> {
        let (parts, body) = answer.into_parts();
        let body = match Limited::new(body, request.max_body).collect().await {
            Ok(body) => body.to_bytes(),
            Err(e) if e.is::<LengthLimitError>() => {
                return Err(Error::TooBig {
                    method: request.method.clone(),
                    url: request.url.to_string(),
                    limit: request.max_body,
                });
            }
            Err(e) => {
                let text = e.downcast_ref::<hyper::Error>().map_or_else(|| e.to_string(), words);
                return Err(failed(request, text));
            }
        };
        self.kept.put(key, generation, self.clock.monotonic_ns(), sender);
        let written = parts.extensions.get::<hyper::ext::ReasonPhrase>();
        let reason = match written {
            Some(r) => String::from_utf8_lossy(r.as_bytes()).into_owned(),
            None => parts.status.canonical_reason().unwrap_or("").to_owned(),
        };
        Ok(Response {
            status: parts.status.as_u16(),
            reason,
            headers: parts.headers,
            body,
            url: request.url.clone(),
        })
    }
}

fn secret(text: &str) -> Result<HeaderValue, String> {
    let mut value =
        HeaderValue::from_str(text).map_err(|_| "net/http: invalid header field value".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

fn failed(request: &Request, reason: String) -> Error {
    Error::Request { method: request.method.clone(), url: request.url.to_string(), reason }
}

/// What went wrong below HTTP, or with HTTP itself.
fn words(e: &hyper::Error) -> String {
    let mut source = std::error::Error::source(e);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return tls_text(io).unwrap_or_else(|| system_text(io));
        }
        source = inner.source();
    }
    if e.is_incomplete_message() {
        return "EOF".to_owned();
    }
    format!("net/http: HTTP/1.x transport connection broken: {e}")
}
