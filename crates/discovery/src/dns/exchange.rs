//! One question to one server and its answer: by UDP, and by TCP when the answer is too long for that.

use domain::base::iana::Rcode;
use domain::base::{Message, MessageBuilder, Name, ParsedName, Rtype};
use domain::rdata::AllRecordData;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tortie_config::dns::RecordType;

/// Longest wait for a connection or an answer.
const WAIT: Duration = Duration::from_secs(2);
/// Longest answer that is taken by UDP, bytes.
const DATAGRAM: u16 = 4096;

/// A record, as far as it names a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Of type A or AAAA.
    Address(IpAddr),
    /// Of type SRV; the name ends in a dot.
    Service { target: String, port: u16 },
    /// Of type MX or NS; the name ends in a dot.
    Host(String),
}

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// The name is there, with these records of the type.
    Known(Vec<Answer>),
    /// There is no such name.
    NoSuchName,
    /// Neither; the server's code.
    Refused(String),
}

/// Asks a server for the records of a full name.
///
/// # Errors
/// When no answer comes, or one that makes no sense.
pub(super) async fn ask(server: SocketAddr, name: &str, kind: RecordType) -> Result<Reply, String> {
    let question = question(name, kind, true)?;
    let answer = in_time(by_udp(server, &question)).await?;
    if !answer.header().tc() {
        return read(&answer);
    }
    let question = self::question(name, kind, false)?;
    let answer = in_time(by_tcp(server, &question)).await?;
    if answer.header().tc() {
        return Err("got truncated message on TCP (64kiB limit exceeded?)".to_owned());
    }
    read(&answer)
}

async fn in_time<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(WAIT, work).await.map_err(|_| format!("no answer within {} s", WAIT.as_secs()))?
}

type Bytes = Message<Vec<u8>>;

fn question(name: &str, kind: RecordType, edns: bool) -> Result<Bytes, String> {
    let name: Name<Vec<u8>> = name.parse().map_err(|e| format!("{name:?} is no name: {e}"))?;
    let kind = match kind {
        RecordType::A => Rtype::A,
        RecordType::Aaaa => Rtype::AAAA,
        RecordType::Srv => Rtype::SRV,
        RecordType::Mx => Rtype::MX,
        RecordType::Ns => Rtype::NS,
    };
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(unguessable());
    message.header_mut().set_rd(true);
    let mut message = message.question();
    let too_long = |_| "the question is too long".to_owned();
    message.push((name, kind)).map_err(too_long)?;
    let mut message = message.additional();
    if edns {
        let size = message.opt(|o| {
            o.set_udp_payload_size(DATAGRAM);
            Ok(())
        });
        size.map_err(too_long)?;
    }
    Ok(message.into_message())
}

/// A number that a stranger cannot know: the standard library seeds its hashers from the system's random numbers.
fn unguessable() -> u16 {
    (std::hash::RandomState::new().build_hasher().finish() & 0xffff) as u16
}

async fn by_udp(server: SocketAddr, question: &Bytes) -> Result<Bytes, String> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let failed = |e: std::io::Error| e.to_string();
    let socket = UdpSocket::bind((any, 0)).await.map_err(failed)?;
    socket.connect(server).await.map_err(failed)?;
    socket.send(question.as_slice()).await.map_err(failed)?;
    let mut buffer = vec![0; usize::from(DATAGRAM)];
    loop {
        let n = socket.recv(&mut buffer).await.map_err(failed)?;
        // An answer to somebody else's question, or an earlier one.
        let Ok(answer) = Message::from_octets(buffer.get(..n).unwrap_or_default().to_vec()) else { continue };
        if answer.is_answer(question) {
            return Ok(answer);
        }
    }
}

async fn by_tcp(server: SocketAddr, question: &Bytes) -> Result<Bytes, String> {
    let failed = |e: std::io::Error| e.to_string();
    let mut stream = TcpStream::connect(server).await.map_err(failed)?;
    let length = u16::try_from(question.as_slice().len()).map_err(|_| "the question is too long")?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(question.as_slice());
    stream.write_all(&bytes).await.map_err(failed)?;
    let n = stream.read_u16().await.map_err(failed)?;
    let mut buffer = vec![0; usize::from(n)];
    stream.read_exact(&mut buffer).await.map_err(failed)?;
    let answer = Message::from_octets(buffer).map_err(|_| "the answer is too short")?;
    if answer.is_answer(question) { Ok(answer) } else { Err("the answer is to another question".to_owned()) }
}

fn read(message: &Bytes) -> Result<Reply, String> {
    match message.header().rcode() {
        Rcode::NOERROR => {}
        Rcode::NXDOMAIN => return Ok(Reply::NoSuchName),
        other => return Ok(Reply::Refused(other.to_string())),
    }
    let broken = |e: domain::base::wire::ParseError| format!("the answer cannot be read: {e}");
    let mut records = Vec::new();
    for record in message.answer().map_err(broken)?.limit_to::<AllRecordData<_, ParsedName<_>>>() {
        let record = record.map_err(broken)?;
        records.extend(match record.data() {
            AllRecordData::A(a) => Some(Answer::Address(a.addr().into())),
            AllRecordData::Aaaa(a) => Some(Answer::Address(a.addr().into())),
            AllRecordData::Srv(s) => Some(Answer::Service { target: full(s.target()), port: s.port() }),
            AllRecordData::Mx(m) => Some(Answer::Host(full(m.exchange()))),
            AllRecordData::Ns(n) => Some(Answer::Host(full(n.nsdname()))),
            // Stands before the addresses of a name that is another's.
            AllRecordData::Cname(_) => None,
            other => {
                let kind = domain::base::rdata::RecordData::rtype(other).to_string();
                tracing::warn!(component = "discovery", discovery = "dns", kind, "Invalid record");
                None
            }
        });
    }
    Ok(Reply::Known(records))
}

fn full(name: &impl std::fmt::Display) -> String {
    format!("{}.", name.to_string().trim_end_matches('.'))
}

/// A small server of a few names, for tests of this crate.
#[cfg(test)]
mod tests {
    use super::*;
    use domain::rdata::{Cname, Mx, Ns, Srv};
    use tortie_testbed::names::Zone;

    fn name(text: &str) -> Name<Vec<u8>> {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn every_type_is_read() {
        let zone = Zone::default();
        zone.put("a.", AllRecordData::Cname(Cname::new(name("b."))));
        zone.address("a.", [10, 1, 2, 3]);
        zone.put("six.", AllRecordData::Aaaa("fd00::7".parse().unwrap()));
        zone.put("_am._tcp.x.", AllRecordData::Srv(Srv::new(1, 2, 9093, name("am.x."))));
        zone.put("mx.", AllRecordData::Mx(Mx::new(5, name("mail.x."))));
        zone.put("ns.", AllRecordData::Ns(Ns::new(name("ns1.x."))));
        let server = SocketAddr::from(([127, 0, 0, 1], zone.serve().unwrap()));
        let service = Answer::Service { target: "am.x.".to_owned(), port: 9093 };
        for (asked, kind, expect) in [
            ("a.", RecordType::A, Answer::Address([10, 1, 2, 3].into())),
            ("six.", RecordType::Aaaa, Answer::Address("fd00::7".parse().unwrap())),
            ("_am._tcp.x.", RecordType::Srv, service),
            ("mx.", RecordType::Mx, Answer::Host("mail.x.".to_owned())),
            ("ns.", RecordType::Ns, Answer::Host("ns1.x.".to_owned())),
        ] {
            assert_eq!(ask(server, asked, kind).await.unwrap(), Reply::Known(vec![expect]), "{asked}");
        }
        assert_eq!(ask(server, "none.", RecordType::A).await.unwrap(), Reply::NoSuchName);
    }

    #[tokio::test]
    async fn a_long_answer_comes_by_tcp() {
        let zone = Zone::default();
        for i in 0..200 {
            zone.address("many.", [10, 0, 1, i]);
        }
        let server = SocketAddr::from(([127, 0, 0, 1], zone.serve().unwrap()));
        let Reply::Known(records) = ask(server, "many.", RecordType::A).await.unwrap() else { panic!() };
        assert_eq!(records.len(), 200);
    }

    #[test]
    fn an_answer_cut_anywhere_is_an_error_and_no_panic() {
        let question = question("am.x.", RecordType::Srv, true).unwrap();
        let mut message = MessageBuilder::new_vec().start_answer(&question, Rcode::NOERROR).unwrap();
        let data: AllRecordData<Vec<u8>, Name<Vec<u8>>> =
            AllRecordData::Srv(Srv::new(1, 2, 9093, name("am.x.")));
        message.push((name("am.x."), 60, data)).unwrap();
        let whole = message.finish();
        for n in 12..whole.len() {
            let cut = Message::from_octets(whole[..n].to_vec()).unwrap();
            assert!(read(&cut).is_err(), "{n}");
        }
        assert!(super::question(&"x".repeat(70), RecordType::A, true).is_err());
    }
}
