//! The HTTP client of scrapes: HTTP/1.1 over kept connections, one request at a time, everything bounded.
//!
//! An own client because of what idle targets cost: here a socket and nothing else. Buffers are borrowed while a
//! scrape runs.

mod body;
mod connect;
mod head;
mod inflate;
mod read;

use crate::failure::Failure;
use crate::scratch::Lease;
use crate::target::TargetUrl;
use connect::Connection;
use head::Head;
use inflate::Inflated;
use std::borrow::Cow;
use std::time::Duration;
use tortie_client::{Transport, system_text};

/// Most redirects that are followed, as in Go.
const MAX_REDIRECTS: usize = 10;
/// Longest head of an answer.
const MAX_HEAD: usize = 256 * 1024;
/// Most uncompressed bytes of a body when the configuration sets no limit; printed when it bites.
pub const BODY_SAFETY_LIMIT: u64 = 256 << 20;

/// What a request needs to know.
pub(crate) struct Ask<'a> {
    pub(crate) url: &'a TargetUrl,
    pub(crate) accept: &'a str,
    pub(crate) user_agent: &'a str,
    pub(crate) compress: bool,
    pub(crate) timeout_ms: i64,
    /// Opens connections and knows credentials.
    pub(crate) transport: &'a Transport,
    /// Whether the target may have the credentials.
    pub(crate) trusted: bool,
    /// `body_size_limit`, 0 for none.
    pub(crate) limit: u64,
}

/// Buffers of one scrape; only one of them holds the body in the end.
#[derive(Default)]
pub(crate) struct Buffers {
    /// Head and body as they came; chunks are put together in place.
    raw: Vec<u8>,
    /// The body inflated.
    inflated: Inflated,
    place: Place,
}

#[derive(Default, Clone)]
enum Place {
    #[default]
    Nowhere,
    Raw(std::ops::Range<usize>),
    Inflated,
}

/// A buffer that grew beyond this is not kept.
const KEPT_CAPACITY: usize = 1 << 20;

impl Buffers {
    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        match &self.place {
            Place::Nowhere => &[],
            Place::Raw(range) => self.raw.get(range.clone()).unwrap_or(&[]),
            Place::Inflated => self.inflated.bytes(),
        }
    }

    /// Whether any byte of an answer was read.
    pub(crate) fn has_read(&self) -> bool {
        !self.raw.is_empty()
    }

    /// Forgets the body; gives memory back when it was unusually big.
    pub(crate) fn clear(&mut self) {
        self.place = Place::Nowhere;
        self.raw.clear();
        if self.raw.capacity() > KEPT_CAPACITY {
            self.raw = Vec::new();
        }
        self.inflated.clear(KEPT_CAPACITY);
    }
}

/// The connection that a target keeps between scrapes.
#[derive(Default)]
pub(crate) struct Kept {
    connection: Option<Connection>,
}

/// Fetches a body into the buffers of `memory` and returns its Content-Type.
///
/// # Errors
/// Whatever makes the scrape fail, timeout included. The connection is kept only after a whole answer.
pub(crate) async fn fetch(kept: &mut Kept, ask: &Ask<'_>, memory: &mut Lease<'_>) -> Result<String, Failure> {
    let mut in_body = false;
    let timeout = Duration::from_millis(ask.timeout_ms.max(1) as u64);
    let outcome = tokio::time::timeout(timeout, follow(kept, ask, memory, &mut in_body)).await;
    match outcome {
        Ok(answer) => answer,
        Err(_) if in_body => Err(Failure::new("context deadline exceeded")),
        Err(_) => Err(Failure::get(ask.url.as_str(), "context deadline exceeded")),
    }
}

async fn follow(
    kept: &mut Kept,
    ask: &Ask<'_>,
    memory: &mut Lease<'_>,
    in_body: &mut bool,
) -> Result<String, Failure> {
    let mut url = Cow::Borrowed(ask.url);
    let mut trusted = ask.trusted;
    let mut redirects = 0;
    loop {
        let (connection, head) = request(kept, ask, &url, trusted, memory).await?;
        let location = if ask.transport.config().follow_redirects { head.redirect() } else { None };
        let Some(location) = location else {
            *in_body = true;
            return answer(kept, connection, ask, head, memory.buffers()).await;
        };
        redirects += 1;
        if redirects > MAX_REDIRECTS {
            // Go names where it was to go, as the server wrote it.
            return Err(Failure::get(location, "stopped after 10 redirects"));
        }
        let Some(next) = url.join(location) else {
            return Err(Failure::get(url.as_str(), &format!("failed to parse Location header {location:?}")));
        };
        // Once it led away, it stays led away.
        trusted = trusted && may_have_credentials(ask.url, &next);
        url = Cow::Owned(next);
    }
}

fn may_have_credentials(first: &TargetUrl, next: &TargetUrl) -> bool {
    matches!((first.origin(), next.origin()), (Ok(first), Ok(next)) if first.trusts(&next))
}

/// Sends the request over the kept connection or a new one, and reads the head of the answer. Credentials go to the
/// host that they were given for (`trusted`), not to where it redirects.
async fn request(
    kept: &mut Kept,
    ask: &Ask<'_>,
    url: &TargetUrl,
    trusted: bool,
    memory: &mut Lease<'_>,
) -> Result<(Connection, Head), Failure> {
    let text = url.as_str();
    let fail = |e: String| Failure::get(text, &e);
    let generation = ask.transport.generation(url.scheme() == "https").map_err(fail)?;
    let bytes = request_bytes(ask, url, trusted).await.map_err(fail)?;
    if let Some(mut old) = kept.connection.take().filter(|c| c.serves(url, trusted, generation)) {
        match exchange(&mut old, &bytes, memory).await {
            Ok(head) => return Ok((old, head)),
            // The server may have closed it while it was idle; that says nothing of its health.
            Err(_) if !memory.has_read() => {}
            Err(e) => return Err(fail(e)),
        }
    }
    let mut new = Connection::open(ask.transport, url, trusted).await.map_err(fail)?;
    match exchange(&mut new, &bytes, memory).await {
        Ok(head) => Ok((new, head)),
        Err(e) => Err(fail(e)),
    }
}

async fn exchange(
    connection: &mut Connection,
    request: &[u8],
    memory: &mut Lease<'_>,
) -> Result<Head, String> {
    use tokio::io::AsyncWriteExt;
    memory.clear();
    if let Err(e) = connection.stream.write_all(request).await {
        return Err(connection.error("write", &e));
    }
    // What TLS still holds goes out; nothing to do without it.
    if let Err(e) = connection.stream.flush().await {
        return Err(connection.error("write", &e));
    }
    if let Err(e) = connection.stream.readable().await {
        return Err(connection.error("read", &e));
    }
    head::read(connection, &mut memory.buffers().raw).await
}

async fn request_bytes(ask: &Ask<'_>, url: &TargetUrl, trusted: bool) -> Result<Vec<u8>, String> {
    let mut r = String::with_capacity(384);
    let by_proxy = if ask.transport.is_direct() { None } else { ask.transport.forwarded(&url.origin()?) };
    for part in [
        "GET ",
        if by_proxy.is_some() { url.as_str() } else { url.path_and_query() },
        " HTTP/1.1\r\nHost: ",
        url.authority(),
        "\r\nUser-Agent: ",
        ask.user_agent,
    ] {
        r.push_str(part);
    }
    r.push_str("\r\nAccept: ");
    r.push_str(ask.accept);
    r.push_str(if ask.compress { "\r\nAccept-Encoding: gzip" } else { "\r\nAccept-Encoding: identity" });
    if let Some(Some(value)) = by_proxy {
        header(&mut r, "Proxy-Authorization", &value);
    }
    if trusted && !ask.transport.is_bare() {
        // Boxed: most scrapes carry none of them.
        for (name, value) in Box::pin(ask.transport.headers(ask.user_agent)).await? {
            header(&mut r, &name, &value);
        }
    }
    r.push_str("\r\nX-Prometheus-Scrape-Timeout-Seconds: ");
    r.push_str(&tortie_model::gofloat::format_f(ask.timeout_ms as f64 / 1000.0));
    r.push_str("\r\n\r\n");
    Ok(r.into_bytes())
}

fn header(request: &mut String, name: &str, value: &str) {
    for part in ["\r\n", name, ": ", value] {
        request.push_str(part);
    }
}

async fn answer(
    kept: &mut Kept,
    mut connection: Connection,
    ask: &Ask<'_>,
    head: Head,
    buffers: &mut Buffers,
) -> Result<String, Failure> {
    if head.status != 200 {
        return Err(Failure::new(
            format!("server returned HTTP status {} {}", head.status, head.reason).trim_end(),
        ));
    }
    if head.encoding == "zstd" {
        return Err(Failure::new(
            "received a zstd-compressed response, but the \"zstd-scrape\" feature flag is not enabled",
        ));
    }
    let limit = Limit::of(ask.limit);
    let whole = body::read(&mut connection, &head, &limit, buffers).await?;
    if whole && head.keep_alive {
        kept.connection = Some(connection);
    }
    if head.encoding == "gzip" {
        inflate::gzip(buffers, &limit)?;
    }
    limit.check(buffers.body().len())?;
    Ok(head.content_type)
}

/// How big a body may be: as in Prometheus, a body of exactly the limit fails.
pub(crate) struct Limit {
    bytes: u64,
    configured: bool,
}

impl Limit {
    fn of(configured: u64) -> Limit {
        match configured {
            0 => Limit { bytes: BODY_SAFETY_LIMIT, configured: false },
            n => Limit { bytes: n, configured: true },
        }
    }

    fn check(&self, len: usize) -> Result<(), Failure> {
        if (len as u64) < self.bytes {
            return Ok(());
        }
        let reason = if self.configured {
            "body size limit exceeded".to_owned()
        } else {
            format!(
                "body size limit exceeded (safety limit of {} bytes; hint: set body_size_limit)",
                self.bytes
            )
        };
        Err(Failure { reason, too_big: true })
    }
}

fn io_reason(e: &std::io::Error) -> String {
    match e.kind() {
        std::io::ErrorKind::UnexpectedEof => "unexpected EOF".into(),
        _ => system_text(e),
    }
}
