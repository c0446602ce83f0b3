//! HTTP requests over any connection: a port-forward, TCP, TLS. Bodies are bounded, packed or not, and so is time.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use std::io::{BufReader, Read};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};

/// Largest body that is read, in bytes, before and after unpacking.
const MOST: usize = 64 << 20;

/// Bytes that are unpacked at a time.
const PIECE: usize = 64 << 10;

/// In what form a body is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Form {
    /// As it is.
    Plain,
    /// Packed by gzip where the server can: the targets of a large Prometheus are a megabyte instead of twenty.
    Packed,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// HTTP status.
    pub(super) status: u16,
    /// The header `content-type`; empty when absent.
    pub(super) content_type: String,
    /// Whether the body is packed by gzip.
    packed: bool,
    body: Bytes,
}

impl Reply {
    /// An answer whose body is not packed.
    pub(super) fn plain(status: u16, content_type: String, body: Bytes) -> Reply {
        Reply { status, content_type, packed: false, body }
    }

    /// The body as it was before it was packed.
    ///
    /// # Errors
    /// When it is no gzip though it says so, or too long.
    pub(super) fn bytes(&self) -> Result<Bytes, String> {
        if !self.packed {
            return Ok(self.body.clone());
        }
        let mut out = Vec::new();
        self.unpacked().read_to_end(&mut out).map_err(|e| e.to_string())?;
        Ok(out.into())
    }

    /// The body as JSON. A packed one is unpacked as it is read, and never whole in memory.
    ///
    /// # Errors
    /// When it is not the JSON of a `T`, no gzip though it says so, or too long.
    pub(super) fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        if !self.packed {
            return serde_json::from_slice(&self.body);
        }
        serde_json::from_reader(BufReader::with_capacity(PIECE, self.unpacked()))
    }

    fn unpacked(&self) -> Bounded<flate2::read::MultiGzDecoder<&[u8]>> {
        Bounded { inner: flate2::read::MultiGzDecoder::new(&self.body), left: MOST }
    }
}

/// A reader that fails beyond a number of bytes: what is small when packed may be without end.
struct Bounded<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.left = self
            .left
            .checked_sub(n)
            .ok_or_else(|| std::io::Error::other(format!("it is longer than {MOST} bytes when unpacked")))?;
        Ok(n)
    }
}

/// A connection that carries one request after the other.
pub(super) struct Line {
    sender: hyper::client::conn::http1::SendRequest<Empty<Bytes>>,
    driver: tokio::task::JoinHandle<Result<(), hyper::Error>>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Line {
    /// Speaks HTTP over `stream`.
    ///
    /// # Errors
    /// The network's own words.
    pub(super) async fn open<S>(stream: S) -> Result<Line, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| words(&e))?;
        Ok(Line { sender, driver: tokio::spawn(connection) })
    }

    /// Sends `GET path` and reads the whole answer. After an error the connection is of no more use.
    ///
    /// # Errors
    /// The network's own words, or that the time ran out.
    pub(super) async fn get(
        &mut self,
        host: &str,
        path: &str,
        authorization: Option<&str>,
        form: Form,
        limit: Duration,
    ) -> Result<Reply, String> {
        let exchange = async {
            self.sender.ready().await.map_err(|e| words(&e))?;
            let mut request = Request::get(path)
                .header("host", host)
                .header("user-agent", "tortie")
                .header("accept", "*/*");
            if form == Form::Packed {
                request = request.header("accept-encoding", "gzip");
            }
            if let Some(value) = authorization {
                request = request.header("authorization", value);
            }
            let request = request.body(Empty::<Bytes>::new()).map_err(|e| e.to_string())?;
            let answer = self.sender.send_request(request).await.map_err(|e| words(&e))?;
            let status = answer.status().as_u16();
            let content_type = answer.headers().get("content-type").and_then(|v| v.to_str().ok());
            let content_type = content_type.unwrap_or_default().to_owned();
            let encoding = answer.headers().get("content-encoding").and_then(|v| v.to_str().ok());
            let packed = encoding.is_some_and(|e| e.trim().eq_ignore_ascii_case("gzip"));
            let body =
                Limited::new(answer.into_body(), MOST).collect().await.map_err(|e| e.to_string())?.to_bytes();
            Ok(Reply { status, content_type, packed, body })
        };
        match tokio::time::timeout(limit, exchange).await {
            Ok(result) => result,
            Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
        }
    }
}

/// Sends one request over a connection of its own.
///
/// # Errors
/// The network's own words, or that the time ran out.
pub(super) async fn get<S>(
    stream: S,
    host: &str,
    path: &str,
    authorization: Option<&str>,
    form: Form,
    limit: Duration,
) -> Result<Reply, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    Line::open(stream).await?.get(host, path, authorization, form, limit).await
}

/// The innermost cause: hyper's own words hide it.
fn words(e: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = e;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    if text.contains("connection closed before message completed") { "EOF".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{Form, MOST, Reply, get};
    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn gzip(parts: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        parts.into_iter().for_each(|p| out.write_all(&p).unwrap());
        out.finish().unwrap()
    }

    /// The request that a server sees, and what is made of this answer.
    async fn asked(form: Form, headers: &str, body: &[u8]) -> (String, Reply) {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len());
        let answer = [head.as_bytes(), body].concat();
        let server = tokio::spawn(async move {
            let mut request = vec![0; 4096];
            let n = theirs.read(&mut request).await.unwrap();
            theirs.write_all(&answer).await.unwrap();
            String::from_utf8(request[..n].to_vec()).unwrap()
        });
        let reply = get(ours, "h", "/p", None, form, Duration::from_secs(10)).await.unwrap();
        (server.await.unwrap(), reply)
    }

    #[tokio::test]
    async fn bodies_are_taken_packed_where_asked_and_never_without() {
        let text = br#"{"a": [1, 2]}"#;
        let packed = gzip([text.to_vec()]);
        let (request, reply) = asked(Form::Packed, "content-encoding: gzip\r\n", &packed).await;
        assert!(request.contains("accept-encoding: gzip\r\n"), "{request}");
        assert_eq!(reply.bytes().unwrap(), text.as_slice());
        assert_eq!(reply.json::<serde_json::Value>().unwrap()["a"][1], 2);
        // A server that packs nothing.
        let (_, reply) = asked(Form::Packed, "", text).await;
        assert_eq!(reply.json::<serde_json::Value>().unwrap()["a"][1], 2);
        let (request, reply) = asked(Form::Plain, "", text).await;
        assert!(!request.contains("encoding"), "{request}");
        assert_eq!(reply.bytes().unwrap(), text.as_slice());
    }

    #[test]
    fn what_cannot_be_unpacked_is_an_error() {
        #[track_caller]
        fn check(body: Vec<u8>, expect: &str) {
            let reply =
                Reply { status: 200, content_type: String::new(), packed: true, body: Bytes::from(body) };
            let said = reply.json::<String>().unwrap_err().to_string();
            assert!(said.contains(expect), "{said}");
            assert!(reply.bytes().unwrap_err().contains(expect));
        }
        check(b"{} no gzip".to_vec(), "invalid gzip header");
        let whole = gzip([b"\"text\"".to_vec()]);
        check(whole[..whole.len() - 9].to_vec(), "incomplete deflate stream");
        let piece = vec![b'x'; 1 << 20];
        let endless = std::iter::once(b"\"".to_vec()).chain(std::iter::repeat_n(piece, (MOST >> 20) + 1));
        check(gzip(endless), "longer than 67108864 bytes");
    }
}
