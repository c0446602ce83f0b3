//! Asking a server and comparing what two of them say.

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// All values of a header, in order.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
    }
}

/// A GET; `None` when nothing listens.
pub(crate) fn get(port: u16, path: &str) -> Option<Answer> {
    send(port, &format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"))
}

/// A POST of a form.
pub(crate) fn post(port: u16, path: &str, form: &[(&str, &str)]) -> Option<Answer> {
    let body: Vec<String> = form.iter().map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect();
    let body = body.join("&");
    send(
        port,
        &format!(
            "POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

pub(crate) fn send(port: u16, request: &str) -> Option<Answer> {
    let mut s = TcpStream::connect(("127.0.0.1", port)).ok()?;
    s.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    s.write_all(request.as_bytes()).ok()?;
    let mut text = Vec::new();
    s.read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers =
        lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
    Some(Answer { status, headers, body: body.to_owned() })
}

pub(crate) fn encoded(s: &str) -> String {
    s.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// The result of an instant query at `time` (seconds).
pub(crate) fn instant(port: u16, query: &str, time: f64) -> Value {
    let a = get(port, &format!("/api/v1/query?query={}&time={time}", encoded(query))).unwrap();
    assert_eq!(a.status, 200, "{query}: {}", a.body);
    a.json()["data"]["result"].clone()
}

/// Raw samples of all series by their labels: `[seconds, "value"]` pairs.
pub(crate) fn raw(
    port: u16,
    selector: &str,
    window: &str,
    time: f64,
) -> BTreeMap<String, Vec<(String, String)>> {
    let result = instant(port, &format!("{selector}[{window}]"), time);
    let mut all = BTreeMap::new();
    for series in result.as_array().unwrap() {
        let labels: BTreeMap<String, Value> =
            series["metric"].as_object().unwrap().clone().into_iter().collect();
        let samples = series["values"].as_array().unwrap();
        let pairs = samples.iter().map(|s| (s[0].to_string(), s[1].as_str().unwrap().to_owned())).collect();
        all.insert(serde_json::to_string(&labels).unwrap(), pairs);
    }
    all
}

/// Whether two JSON values are the same answer: numbers in strings may differ by 4 units in the last place where
/// `loose` says so, the order of a vector or matrix does not count.
pub(crate) fn same(a: &Value, b: &Value, loose: bool) -> bool {
    match (a, b) {
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len()
                && if x.iter().all(|v| v.get("__name__").is_some()) && !x.is_empty() {
                    // Label sets of /series: in no order of their own.
                    let sorted = |list: &[Value]| {
                        let mut v: Vec<String> = list.iter().map(canonical).collect();
                        v.sort();
                        v
                    };
                    sorted(x) == sorted(y)
                } else if x.iter().all(|v| v.get("metric").is_some()) && !x.is_empty() {
                    let (x, y) = (by_metric(x), by_metric(y));
                    x.len() == y.len() && x.iter().zip(&y).all(|((k, v), (l, w))| k == l && same(v, w, loose))
                } else {
                    x.iter().zip(y).all(|(v, w)| same(v, w, loose))
                }
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(v, w, loose)))
        }
        (Value::String(x), Value::String(y)) if loose => x == y || close(x, y),
        _ => a == b,
    }
}

fn by_metric(list: &[Value]) -> BTreeMap<String, &Value> {
    list.iter().map(|v| (canonical(&v["metric"]), v)).collect()
}

/// An object as text with its keys in order.
fn canonical(object: &Value) -> String {
    let m: BTreeMap<String, Value> = object.as_object().unwrap().clone().into_iter().collect();
    serde_json::to_string(&m).unwrap()
}

fn close(x: &str, y: &str) -> bool {
    match (x.parse::<f64>(), y.parse::<f64>()) {
        (Ok(a), Ok(b)) if a.is_nan() && b.is_nan() => true,
        (Ok(a), Ok(b)) => (a.to_bits() as i64).abs_diff(b.to_bits() as i64) <= 4,
        _ => false,
    }
}
