//! SOCKS 5 (RFC 1928, RFC 1929): asks a proxy for a connection. Names are resolved by the proxy, as with Go.

use crate::proxy::Proxy;
use crate::words::system_text;
use std::net::IpAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;

/// Has `stream`, which leads to the proxy, lead to `host:port`.
///
/// # Errors
/// What the proxy says, or that it says something else than SOCKS.
pub(crate) async fn ask(stream: &mut TcpStream, proxy: &Proxy, host: &str, port: u16) -> Result<(), String> {
    let context = |e: String| format!("socks connect tcp {}:{}->{host}:{port}: {e}", proxy.host, proxy.port);
    greet(stream, proxy).await.map_err(context)?;
    connect(stream, host, port).await.map_err(context)
}

async fn greet(stream: &mut TcpStream, proxy: &Proxy) -> Result<(), String> {
    let hello: &[u8] =
        if proxy.user.is_some() { &[VERSION, 2, NO_LOGIN, PASSWORD] } else { &[VERSION, 1, NO_LOGIN] };
    send(stream, hello).await?;
    let [version, method] = receive::<2>(stream).await?;
    if version != VERSION {
        return Err(format!("unexpected protocol version {version}"));
    }
    match (method, &proxy.user) {
        (NO_LOGIN, _) => Ok(()),
        (PASSWORD, Some((name, password))) => {
            let mut login = vec![1];
            for part in [name.as_str(), password.expose()] {
                let Ok(len) = u8::try_from(part.len()) else {
                    return Err("invalid username/password".to_owned());
                };
                login.push(len);
                login.extend_from_slice(part.as_bytes());
            }
            send(stream, &login).await?;
            match receive::<2>(stream).await? {
                [_, 0] => Ok(()),
                _ => Err("username/password authentication failed".to_owned()),
            }
        }
        _ => Err("no acceptable authentication methods".to_owned()),
    }
}

async fn connect(stream: &mut TcpStream, host: &str, port: u16) -> Result<(), String> {
    let mut request = vec![VERSION, 1, 0];
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            request.push(1);
            request.extend_from_slice(&ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(4);
            request.extend_from_slice(&ip.octets());
        }
        Err(_) => {
            let Ok(len) = u8::try_from(host.len()) else { return Err("FQDN too long".to_owned()) };
            request.extend_from_slice(&[3, len]);
            request.extend_from_slice(host.as_bytes());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    send(stream, &request).await?;
    let [version, code, _, kind] = receive::<4>(stream).await?;
    if version != VERSION {
        return Err(format!("unexpected protocol version {version}"));
    }
    if code != 0 {
        return Err(refusal(code));
    }
    let address = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(receive::<1>(stream).await?[0]),
        other => return Err(format!("unknown address type {other}")),
    };
    let mut bound = vec![0; address + 2];
    stream.read_exact(&mut bound).await.map(|_| ()).map_err(|e| system_text(&e))
}

fn refusal(code: u8) -> String {
    let text = match code {
        1 => "general SOCKS server failure",
        2 => "connection not allowed by ruleset",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        other => return format!("unknown error unknown code: {other}"),
    };
    format!("unknown error {text}")
}

async fn send(stream: &mut TcpStream, bytes: &[u8]) -> Result<(), String> {
    stream.write_all(bytes).await.map_err(|e| system_text(&e))
}

async fn receive<const N: usize>(stream: &mut TcpStream) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    match stream.read_exact(&mut bytes).await {
        Ok(_) => Ok(bytes),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err("EOF".to_owned()),
        Err(e) => Err(system_text(&e)),
    }
}
